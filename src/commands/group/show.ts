import { BaseCommand } from '../../lib/cli/command.ts';
import { groupArg, groupFields, membersDocument, memberTable } from '../../lib/cli/groups.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { showGroup } from '../../lib/ops/groups.ts';

export default class GroupShow extends BaseCommand {
  static override summary = 'Show a group and its members';
  static override examples = [
    '<%= config.bin %> group show Gletscher',
    `<%= config.bin %> group show Gletscher --json | jq -r '.group.members[].username'`,
  ];
  static override args = { name: groupArg };

  async run() {
    const { args } = await this.parse(GroupShow);
    const { group, members } = await showGroup(await this.context(), args.name);
    this.log(renderFields(groupFields(group)));
    if (members.length > 0) this.log(`\n${memberTable(members)}`);
    return { group: membersDocument(group, members) };
  }
}
