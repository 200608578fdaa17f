import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { username } from '../../lib/cli/flags.ts';
import { groupDocument, groupTable } from '../../lib/cli/groups.ts';
import { listGroups } from '../../lib/ops/groups.ts';

export default class GroupList extends BaseCommand {
  static override summary = 'List groups';
  static override examples = [
    '<%= config.bin %> group list --user nico',
    `<%= config.bin %> group list --active --json | jq -r '.groups[].name'`,
  ];
  static override flags = {
    user: username({ summary: 'Only groups that this user owns or belongs to' }),
    active: Flags.boolean({ allowNo: true, summary: 'Only active groups, or only the others' }),
  };

  async run() {
    const { flags } = await this.parse(GroupList);
    const filter = { username: flags.user, isActive: flags.active };
    const groups = await listGroups(await this.context(), filter);
    if (groups.length > 0) this.log(groupTable(groups));
    else this.say('There are no such groups. Create one with: uncloud group create NAME --owner USER');
    return { groups: groups.map(groupDocument) };
  }
}
