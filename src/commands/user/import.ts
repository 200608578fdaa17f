import { ImportCommand, importArgs, importFlags, importRules } from '../../lib/cli/import-command.ts';
import { importUsers } from '../../lib/ops/user-import.ts';

export default class UserImport extends ImportCommand {
  static override summary = 'Create and update users from a file';
  static override description =
    `The columns are username, full_name, email, organization, street, city, postal_code, country, vat_number,
vat_checked_on and language (de or en); all but username may be left out. Users are told apart by their usernames; new ones do not belong to the staff.
An empty cell leaves what is stored as it is, so an import never removes anything.

${importRules}`;
  static override examples = [
    '<%= config.bin %> user import users.csv',
    '<%= config.bin %> user import users.csv --dry-run',
    '<%= config.bin %> user import users.jsonl --partial --rejects rejects.jsonl',
    'ssh old-host cat users.csv | <%= config.bin %> user import -',
  ];
  static override args = importArgs;
  static override flags = importFlags;

  async run() {
    const { args, flags } = await this.parse(UserImport);
    return this.import(importUsers, 'users', args.file, flags);
  }
}
