import { requiredArg } from '../../lib/cli/flags.ts';
import { ImportCommand, importFlags } from '../../lib/cli/import-command.ts';
import { importOrders } from '../../lib/ops/order-import.ts';

export default class OrderImport extends ImportCommand {
  static override summary = 'Place orders from a CSV file';
  static override description =
    `The columns are username, product, quantity, starts_at, ends_at, period, recurring_price, one_time_price, currency,
commitment_periods, charge, description, replaces, not_for_billing and reference; all but username may be left out.
They mean what the flags of uncloud order create mean. The column replaces names the reference of another row, or of
an order in the database; the replaced order ends where the new one starts.

All rows are imported or none: when rows are faulty they are listed (the first 100) and nothing is changed.
With --partial the good rows are imported and the others listed, with exit code 3.
Importing the same file again changes nothing: orders are told apart by their references, and rows without one by
their content. The same reference with other content is refused.`;
  static override examples = [
    '<%= config.bin %> order import orders.csv',
    '<%= config.bin %> order import orders.csv --dry-run',
    '<%= config.bin %> order import orders.csv --partial --json > report.json',
    'ssh old-host cat orders.csv | <%= config.bin %> order import -',
  ];
  static override args = { file: requiredArg('CSV file, UTF-8; - is standard input') };
  static override flags = importFlags;

  async run() {
    const { args, flags } = await this.parse(OrderImport);
    const options = { partial: flags.partial, dryRun: flags['dry-run'] };
    return this.tell(importOrders(await this.context(), args.file, options), 'orders', flags);
  }
}
