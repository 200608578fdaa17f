import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { fieldNames, saidOfChange } from '../../lib/cli/field-names.ts';
import { parsed, username } from '../../lib/cli/flags.ts';
import { groupArg, groupDocument, groupFields } from '../../lib/cli/groups.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { parseGroupName } from '../../lib/core/group.ts';
import { updateGroup } from '../../lib/ops/groups.ts';

export default class GroupUpdate extends BaseCommand {
  static override summary = 'Rename a group, give it another owner, or switch it off';
  static override description = 'A group that is not active keeps its members and gives nobody any right.';
  static override examples = [
    '<%= config.bin %> group update Gletscher --owner anna',
    '<%= config.bin %> group update Gletscher --name "Gletscher AG"',
    '<%= config.bin %> group update Gletscher --no-active',
  ];
  static override args = { name: groupArg };
  static override flags = {
    name: parsed('NAME', parseGroupName)({ summary: 'The new name' }),
    owner: username({ summary: 'The new owner' }),
    active: Flags.boolean({ allowNo: true, summary: 'Whether the group gives any rights' }),
  };

  async run() {
    const { args, flags } = await this.parse(GroupUpdate);
    const { group, changed } = await updateGroup(await this.context(), args.name, {
      name: flags.name,
      owner: flags.owner,
      isActive: flags.active,
    });
    this.log(renderFields(groupFields(group)));
    this.say(saidOfChange(changed));
    return { group: groupDocument(group), changed: fieldNames(changed) };
  }
}
