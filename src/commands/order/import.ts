import { ImportCommand, importArgs, importFlags, importRules } from '../../lib/cli/import-command.ts';
import { importOrders } from '../../lib/ops/order-import.ts';

export default class OrderImport extends ImportCommand {
  static override summary = 'Place orders from a file';
  static override description =
    `The columns are username, product, quantity, starts_at, ends_at, period, recurring_price, one_time_price, currency,
commitment_periods, charge, description, replaces, not_for_billing and reference; all but username may be left out.
They mean what the flags of uncloud order create mean. The column replaces names the reference of another row, or of
an order in the database; the replaced order ends where the new one starts, and a row that starts before the end which
that order has of its own is refused. Orders are told apart by their references, and rows without one by their
content. The same reference with other content is refused.

${importRules}`;
  static override examples = [
    '<%= config.bin %> order import orders.csv',
    '<%= config.bin %> order import orders.csv --dry-run',
    '<%= config.bin %> order import orders.jsonl --partial --rejects rejects.jsonl',
    'ssh old-host cat orders.csv | <%= config.bin %> order import -',
  ];
  static override args = importArgs;
  static override flags = importFlags;

  async run() {
    const { args, flags } = await this.parse(OrderImport);
    return this.import(importOrders, 'orders', args.file, flags);
  }
}
