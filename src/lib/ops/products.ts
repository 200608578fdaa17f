import { refuse } from '../core/errors.ts';
import { type Product, productDifferences } from '../core/product.ts';
import { only } from '../io/db/database.ts';
import { findProducts, type StoredProduct, saveProducts } from '../io/db/products.ts';
import type { Context } from './context.ts';

/** All products, in the order of their ids. */
export async function listProducts(context: Context): Promise<StoredProduct[]> {
  const database = await context.db();
  return database.read((tx) => findProducts(tx));
}

/**
 * Creates a product. One that exists with the same content is left alone, so the command can be repeated.
 * @throws PRODUCT_EXISTS when the name belongs to another content
 */
export async function createProduct(
  context: Context,
  product: Product,
): Promise<{ product: StoredProduct; created: boolean }> {
  const database = await context.db();
  return database.write('products', async (tx) => {
    const [existing] = await findProducts(tx, [product.name]);
    if (existing !== undefined) {
      const differences = productDifferences(existing, product);
      if (differences.length > 0) throw refuse.PRODUCT_EXISTS({ name: product.name, differences });
      return { product: existing, created: false };
    }
    await saveProducts(tx, [{ stored: null, wanted: product }], context.now);
    return { product: only(await findProducts(tx, [product.name])), created: true };
  });
}
