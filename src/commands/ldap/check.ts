import { BaseCommand } from '../../lib/cli/command.ts';
import {
  renderEntries,
  renderRefused,
  renderUnknown,
  reportDocument,
  reportFields,
} from '../../lib/cli/directory.ts';
import { username } from '../../lib/cli/flags.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { EXIT } from '../../lib/core/errors.ts';
import { checkLdap } from '../../lib/ops/ldap-check.ts';

export default class LdapCheck extends BaseCommand {
  static override summary = 'Try the directory, and show what would be read from it';
  static override description =
    `Connects, verifies the certificate, logs in, reads the group of the staff and searches for the first ten people,
or for one. With ldap.group_base_dn it also reads what group sync would: how many groups there are, and the members
who are nobody in the directory. Where that fails, the error says what was asked, what came back and what to check.
Nothing is written, and no database is needed. Entries that cannot be read as people or groups end it with 3;
with --username the refusal itself is the answer, with 1.`;
  static override examples = [
    '<%= config.bin %> ldap check',
    '<%= config.bin %> ldap check --username nico',
    '<%= config.bin %> ldap check --config new.toml --json',
  ];
  static override flags = { username: username({ summary: 'Read this person only' }) };

  async run() {
    const { flags } = await this.parse(LdapCheck);
    const report = await checkLdap(await this.context(), flags.username);
    const { people, refused, groups } = report;
    this.log(renderFields(reportFields(report)));
    if (people.length > 0) this.log(`\n${renderEntries(people)}`);
    if (groups !== null && groups.unknown.length > 0)
      this.log(`\n${renderUnknown('nobody in the directory', groups.unknown)}`);
    if (refused.length > 0) this.log(`\n${renderRefused(refused)}`);
    if (people.length + refused.length === 0)
      this.say(
        'The search finds nobody. Look at ldap.base_dn, ldap.user_filter and ldap.login_attribute, and at what ldap.bind_dn may read.',
      );
    if (groups !== null && groups.withoutOwner.length > 0)
      this.say(
        `Groups without an owner in the directory: ${groups.withoutOwner.length}. Name one with: uncloud group sync --owner USER`,
      );
    if (refused.length > 0) this.exitWith(EXIT.PARTLY);
    return reportDocument(report);
  }
}
