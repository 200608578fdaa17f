import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { countWords } from '../../lib/cli/directory.ts';
import { dryRun, exitCode, username } from '../../lib/cli/flags.ts';
import { groupSyncDocument, renderGroupSync } from '../../lib/cli/group-sync.ts';
import { EXIT } from '../../lib/core/errors.ts';
import { syncGroups } from '../../lib/ops/group-sync.ts';

export default class GroupSync extends BaseCommand {
  static override summary = 'Make the groups what the directory says';
  static override description =
    `The groups that ldap.group_filter finds below ldap.group_base_dn are created or brought up to date, with the users
that member, uniqueMember and memberUid name, and the owner that owner names. Members who are no users here are listed:
run user sync first. Administrators stay what they are here. Groups are told apart by the entryUUID of their entry.

A group whose entry is gone becomes inactive, and active again when it is back; none is deleted, and groups that were
made by hand are left alone. When all of three or more groups would go, or more than ten and more than half, or as many
of their members, nothing is changed, because the directory may be broken: --prune does it all the same.

Entries that cannot be taken over are listed, and end the command with 3; the others are done. Of each list the first
20 are shown; --json has all of them.`;
  static override examples = [
    '<%= config.bin %> group sync --dry-run',
    '<%= config.bin %> group sync --owner nico',
    `<%= config.bin %> group sync --json | jq -r '.unknown[].member'`,
  ];
  static override flags = {
    owner: username({ summary: 'Whom new groups belong to that have no owner in the directory' }),
    prune: Flags.boolean({ summary: 'Take groups and members away also when they are most or all' }),
    'dry-run': dryRun,
    'exit-code': exitCode,
  };

  async run() {
    const { flags } = await this.parse(GroupSync);
    const isPlan = flags['dry-run'];
    const options = { owner: flags.owner ?? null, dryRun: isPlan, prune: flags.prune };
    const result = await syncGroups(await this.context(), options);
    const { entries, changes, refused, unknown } = result;
    const shown = renderGroupSync(result);
    if (shown !== '') this.log(shown);
    if (unknown.length > 0)
      this.say(
        `Members who are no users here: ${unknown.length}. Those whom ldap.user_filter finds become users with: uncloud user sync`,
      );
    if (changes.length + refused.length === 0)
      this.say(`Nothing to change: the groups are as in the directory (${entries}).`);
    else this.say(`${isPlan ? 'Would be' : 'Groups'}: ${countWords(result)}, ${refused.length} refused.`);
    if (refused.length > 0) this.exitWith(EXIT.PARTLY);
    else this.exitIfPending(flags, changes.length > 0);
    return groupSyncDocument(result);
  }
}
