import { ExportCommand, exportFlags } from '../../lib/cli/export-command.ts';
import { exportProducts } from '../../lib/ops/product-export.ts';

export default class ProductExport extends ExportCommand {
  static override summary = 'Write all products as product import reads them';
  static override description =
    `The file has the columns of uncloud product import, a row for each price, and importing it again changes nothing.`;
  static override examples = [
    '<%= config.bin %> product export --output products.csv',
    '<%= config.bin %> product export --format jsonl',
  ];
  static override flags = exportFlags;

  async run() {
    const { flags } = await this.parse(ProductExport);
    return this.export(exportProducts, 'prices', flags);
  }
}
