import { totalRows } from '../../lib/cli/dumps.ts';
import { ExportCommand, exportFlags } from '../../lib/cli/export-command.ts';
import { dumpDatabase } from '../../lib/ops/dump.ts';

export default class DbDump extends ExportCommand {
  static override summary = 'Write everything the database holds as JSON lines';
  static override description =
    `The dump is of one moment, and the same from SQLite and from PostgreSQL; uncloud db load reads it on either.
Private keys are in it as they are stored: sealed. Keep the key file (secrets.key_file) elsewhere, and with equal care.
Database roles of VPN hosts belong to the server and are left out.`;
  static override examples = [
    '<%= config.bin %> db dump --output uncloud.jsonl',
    '<%= config.bin %> db dump | gzip > uncloud.jsonl.gz',
  ];
  static override flags = { output: exportFlags.output };

  async run() {
    const { flags } = await this.parse(DbDump);
    const { output } = flags;
    this.checkOutput(output);
    const rows = await dumpDatabase(await this.context(), output);
    this.say(`Dumped ${totalRows(rows)}.`);
    return { output, rows };
  }
}
