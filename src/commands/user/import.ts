import { requiredArg } from '../../lib/cli/flags.ts';
import { ImportCommand, importFlags } from '../../lib/cli/import-command.ts';
import { importUsers } from '../../lib/ops/user-import.ts';

export default class UserImport extends ImportCommand {
  static override summary = 'Create and update users from a CSV file';
  static override description =
    `The columns are username, full_name, email, organization, street, city, postal_code, country and vat_number;
all but username may be left out. Users are told apart by their usernames; new ones do not belong to the staff.
An empty cell leaves what is stored as it is, so an import never removes anything.

All rows are imported or none: when rows are faulty they are listed (the first 100) and nothing is changed.
With --partial the good rows are imported and the others listed, with exit code 3.
Importing the same file again changes nothing.`;
  static override examples = [
    '<%= config.bin %> user import users.csv',
    '<%= config.bin %> user import users.csv --dry-run',
    '<%= config.bin %> user import users.csv --partial --json > report.json',
    'ssh old-host cat users.csv | <%= config.bin %> user import -',
  ];
  static override args = { file: requiredArg('CSV file, UTF-8; - is standard input') };
  static override flags = importFlags;

  async run() {
    const { args, flags } = await this.parse(UserImport);
    const options = { partial: flags.partial, dryRun: flags['dry-run'] };
    return this.tell(importUsers(await this.context(), args.file, options), 'users', flags);
  }
}
