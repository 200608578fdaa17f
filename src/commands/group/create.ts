import { BaseCommand } from '../../lib/cli/command.ts';
import { username } from '../../lib/cli/flags.ts';
import { groupArg, groupDocument, groupFields } from '../../lib/cli/groups.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { createGroup } from '../../lib/ops/groups.ts';

export default class GroupCreate extends BaseCommand {
  static override summary = 'Create a group of users';
  static override description =
    `The owner has the rights of an administrator, whether a member or not: to see and change what belongs to the
members, and to let members in and out. Creating the same group again changes nothing.`;
  static override examples = [
    '<%= config.bin %> group create Gletscher --owner nico',
    '<%= config.bin %> group create "Research team" --owner anna --json',
  ];
  static override args = { name: groupArg };
  static override flags = { owner: username({ required: true, summary: 'Whom the group belongs to' }) };

  async run() {
    const { args, flags } = await this.parse(GroupCreate);
    const { group, created } = await createGroup(await this.context(), { ...args, owner: flags.owner });
    this.log(renderFields(groupFields(group)));
    this.say(created ? `Created group ${group.id}.` : `Group ${group.id} exists already; nothing changed.`);
    return { group: groupDocument(group), created };
  }
}
