import { type Instant, parseInstant } from '../../src/lib/core/instant.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import { parsePriceOption, parseProductName, priceSet } from '../../src/lib/core/product.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import { saveProducts } from '../../src/lib/io/db/products.ts';
import { bootstrapUser } from '../../src/lib/ops/users.ts';
import type { TestContext } from './databases.ts';

export const NICO = parseUsername('nico');
export const VM = parseProductName('VM');
export const BIG_VM = parseProductName('Big VM');

/** An instant, as people write it. */
export const at = (text: string): Instant => parseInstant(text, 0 as Instant);

/**
 * Two users, nico and anna, and two products: VM for 1 + 10 CHF each 30 days (or 100 CHF a year), and Big VM for
 * 5 + 20 CHF each 30 days.
 */
export async function openShop(context: TestContext): Promise<TestContext> {
  for (const name of ['nico', 'anna']) {
    await bootstrapUser(context, parseUsername(name), { user: {}, address: {}, local: true });
  }
  const database = await context.db();
  await database.write('products', async (tx) => {
    for (const [name, ...options] of [
      [VM, '30d=1+10', '365d=0+100'],
      [BIG_VM, '30d=5+20'],
    ] as const) {
      const prices = priceSet(options.map(parsePriceOption), 'CHF');
      const wanted = { name, description: parseLine('description', ''), prices };
      await saveProducts(tx, [{ stored: null, wanted }], context.now);
    }
  });
  return context;
}
