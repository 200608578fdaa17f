import { BaseCommand } from '../../lib/cli/command.ts';
import { rowCountTable, totalRows } from '../../lib/cli/dumps.ts';
import { dryRun, requiredArg } from '../../lib/cli/flags.ts';
import { loadDatabase } from '../../lib/ops/dump.ts';

export default class DbLoad extends BaseCommand {
  static override summary = 'Load a dump into an empty database';
  static override description =
    `The database has to be migrated as the one was that the dump is of, and to hold no rows. All of the dump is loaded
or nothing. Afterwards the key file of the old place has to be put in its place, and uncloud doctor --data checks it all.`;
  static override examples = [
    '<%= config.bin %> db load uncloud.jsonl',
    '<%= config.bin %> db load uncloud.jsonl --dry-run',
    'zcat uncloud.jsonl.gz | <%= config.bin %> db load -',
  ];
  static override args = { file: requiredArg('A dump; - is standard input') };
  static override flags = { 'dry-run': dryRun };

  async run() {
    const { args, flags } = await this.parse(DbLoad);
    const { rows, sealed } = await loadDatabase(await this.context(), args.file, {
      dryRun: flags['dry-run'],
    });
    this.log(rowCountTable(rows));
    this.say(`${flags['dry-run'] ? 'Would load' : 'Loaded'} ${totalRows(rows)}.`);
    if (sealed !== null) this.sayWarning(`${sealed.message} ${sealed.hint}`);
    return { rows, warnings: sealed === null ? [] : [{ code: sealed.code, reason: sealed.message }] };
  }
}
