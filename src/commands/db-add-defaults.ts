import { BaseCommand } from '../lib/cli/command.ts';
import { dryRun, exitCode } from '../lib/cli/flags.ts';
import { renderTable, right } from '../lib/cli/table.ts';
import { addDefaults } from '../lib/ops/defaults.ts';

export default class DbAddDefaults extends BaseCommand {
  static override summary = 'Add the recurring periods, the seller and products to start from';
  static override description =
    `Adds what is missing and changes nothing that is there: periods are known by their length, products by their
name. What staff changed stays, and a price that they removed from a product does not come back.
The seller is added without a name: fill it in with "<%= config.bin %> provider set".`;
  static override examples = [
    '<%= config.bin %> db-add-defaults',
    '<%= config.bin %> db-add-defaults --dry-run --exit-code',
  ];
  static override flags = { 'dry-run': dryRun, 'exit-code': exitCode };

  async run() {
    const { flags } = await this.parse(DbAddDefaults);
    const isPlan = flags['dry-run'];
    const { created, unchanged } = await addDefaults(await this.context(), { dryRun: isPlan });
    const tables = Object.keys(created) as (keyof typeof created)[];
    const added = tables.reduce((sum, table) => sum + created[table], 0);
    const columns = [{ title: 'table' }, right(isPlan ? 'to create' : 'created'), right('unchanged')];
    this.log(
      renderTable(
        columns,
        tables.map((table) => [table, created[table], unchanged[table]]),
      ),
    );
    if (added === 0) this.say('All defaults are there.');
    this.exitIfPending(flags, added > 0);
    return { created, unchanged };
  }
}
