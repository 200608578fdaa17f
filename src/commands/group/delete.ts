import { BaseCommand } from '../../lib/cli/command.ts';
import { yes } from '../../lib/cli/flags.ts';
import { groupArg, groupDocument } from '../../lib/cli/groups.ts';
import { counted } from '../../lib/cli/sentence.ts';
import { deleteGroup, showGroup } from '../../lib/ops/groups.ts';

export default class GroupDelete extends BaseCommand {
  static override summary = 'Delete a group';
  static override description = 'Its members stay users, with everything that belongs to them.';
  static override examples = [
    '<%= config.bin %> group delete Gletscher',
    '<%= config.bin %> group delete Gletscher --yes',
  ];
  static override args = { name: groupArg };
  static override flags = { yes };

  async run() {
    const { args, flags } = await this.parse(GroupDelete);
    const context = await this.context();
    const { group } = await showGroup(context, args.name);
    const members = counted(group.memberCount, 'member');
    await this.confirm(`Delete the group ${group.name} of ${group.owner}, with ${members}?`, flags);
    const deleted = await deleteGroup(context, args.name);
    this.say(`Deleted the group ${deleted.name}.`);
    return { group: groupDocument(deleted) };
  }
}
