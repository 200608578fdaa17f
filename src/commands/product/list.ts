import { BaseCommand } from '../../lib/cli/command.ts';
import { productDocument, productTable } from '../../lib/cli/products.ts';
import { listProducts } from '../../lib/ops/products.ts';

export default class ProductList extends BaseCommand {
  static override summary = 'List all products with their prices';
  static override description = `A product has one price for each recurring period that it is sold with.
Of several, the one marked * is used by orders that name no period.`;
  static override examples = [
    '<%= config.bin %> product list',
    `<%= config.bin %> product list --json | jq -r '.products[].name'`,
  ];

  async run() {
    await this.parse(ProductList);
    const products = await listProducts(await this.context());
    if (products.length > 0) this.log(productTable(products));
    else this.say('There are no products yet. Add the usual ones with: uncloud db-add-defaults');
    return { products: products.map(productDocument) };
  }
}
