import { ExportCommand, exportFlags } from '../../lib/cli/export-command.ts';
import { exportUsers } from '../../lib/ops/user-export.ts';

export default class UserExport extends ExportCommand {
  static override summary = 'Write all users as user import reads them';
  static override description =
    `The file has the columns of uncloud user import, and importing it again changes nothing. It leaves out what no such
file says: who belongs to the staff, who is inactive, the VAT territory set by hand, and the link to the directory. uncloud db dump has everything.`;
  static override examples = [
    '<%= config.bin %> user export --output users.csv',
    '<%= config.bin %> user export --format jsonl | gzip > users.jsonl.gz',
  ];
  static override flags = exportFlags;

  async run() {
    const { flags } = await this.parse(UserExport);
    return this.export(exportUsers, 'users', flags);
  }
}
