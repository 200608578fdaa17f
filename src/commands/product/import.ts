import { ImportCommand, importArgs, importFlags, importRules } from '../../lib/cli/import-command.ts';
import { importProducts } from '../../lib/ops/product-import.ts';

export default class ProductImport extends ImportCommand {
  static override summary = 'Create and update products from a file';
  static override description =
    `A row is the price of a product with one period. The columns are name, description, period, one_time_price,
recurring_price, currency and default; all but name may be left out. A product with several periods has several rows;
its first one is the default of orders that name no period, unless another says true in the column default.
A row without a period is for 30 days, or once when nothing recurs; a new price is in CHF and 0 where nothing is said.
An empty cell leaves what is stored as it is. Orders keep the prices that they were placed with.

${importRules}`;
  static override examples = [
    '<%= config.bin %> product import products.csv',
    '<%= config.bin %> product import products.csv --dry-run',
    '<%= config.bin %> product import products.jsonl --partial --rejects rejects.jsonl',
    'ssh old-host cat products.csv | <%= config.bin %> product import -',
  ];
  static override args = importArgs;
  static override flags = importFlags;

  async run() {
    const { args, flags } = await this.parse(ProductImport);
    return this.import(importProducts, 'prices', args.file, flags);
  }
}
