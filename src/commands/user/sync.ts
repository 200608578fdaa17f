import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { countWords } from '../../lib/cli/directory.ts';
import { dryRun, exitCode } from '../../lib/cli/flags.ts';
import { renderUserSync, userSyncDocument } from '../../lib/cli/user-sync.ts';
import { EXIT } from '../../lib/core/errors.ts';
import { syncUsers } from '../../lib/ops/user-sync.ts';

export default class UserSync extends BaseCommand {
  static override summary = 'Make the users what the directory says';
  static override description =
    `Everybody whom ldap.user_filter finds becomes a user or is brought up to date: name, mail address, billing address
and, where ldap.staff_group_dn names a group, staff rights. What the directory does not have stays as it is. Users are
told apart by the entryUUID of their entry, so a renamed entry renames its user.

A user whose entry is gone becomes inactive, and active again when it is back; nobody is deleted, and users who never
came from the directory are left alone. When all of three or more users would go, or more than ten and more than half,
or as many of the staff, nothing is changed, because the directory may be broken: --prune does it all the same.

Entries that cannot be taken over are listed, and end the command with 3; the others are done. Of each list the first
20 are shown; --json has all of them.`;
  static override examples = [
    '<%= config.bin %> user sync --dry-run',
    '<%= config.bin %> user sync --quiet',
    `<%= config.bin %> user sync --json | jq -r '.changes[] | select(.action == "deactivate") | .username'`,
  ];
  static override flags = {
    prune: Flags.boolean({ summary: 'Deactivate people also when they are most or all' }),
    'dry-run': dryRun,
    'exit-code': exitCode,
  };

  async run() {
    const { flags } = await this.parse(UserSync);
    const isPlan = flags['dry-run'];
    const result = await syncUsers(await this.context(), { dryRun: isPlan, prune: flags.prune });
    const { entries, changes, refused } = result;
    const shown = renderUserSync(result);
    if (shown !== '') this.log(shown);
    if (changes.length + refused.length === 0)
      this.say(`Nothing to change: ${entries} people are as in the directory.`);
    else this.say(`${isPlan ? 'Would be' : 'Users'}: ${countWords(result)}, ${refused.length} refused.`);
    if (refused.length > 0) this.exitWith(EXIT.PARTLY);
    else this.exitIfPending(flags, changes.length > 0);
    return userSyncDocument(result);
  }
}
