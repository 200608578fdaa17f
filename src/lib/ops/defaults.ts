import type { Transaction } from 'kysely';
import { DEFAULT_PERIODS, DEFAULT_PRODUCTS } from '../core/defaults.ts';
import type { Instant } from '../core/instant.ts';
import { readOrWrite } from '../io/db/database.ts';
import { addPeriods, findPeriods, findProducts, saveProducts } from '../io/db/products.ts';
import { addEmptyProvider, findProvider } from '../io/db/provider.ts';
import type { Schema } from '../io/db/schema.ts';
import type { Context } from './context.ts';

/** Rows by table. */
type Counts = Readonly<Record<'recurring_periods' | 'providers' | 'products' | 'product_prices', number>>;

/** What was added, or would be, and what was there already. */
export interface DefaultsOutcome {
  readonly created: Counts;
  readonly unchanged: Counts;
}

/**
 * Adds the recurring periods, the seller's row and the products to start from. A period counts as there by its
 * seconds, a product by its name; what is there keeps what staff made of it, so a price that they removed from a
 * product does not come back.
 */
export async function addDefaults(
  context: Context,
  { dryRun }: { dryRun: boolean },
): Promise<DefaultsOutcome> {
  const database = await context.db();
  return readOrWrite(database, { topic: 'products', dryRun }, async (tx) => {
    const missing = await findMissing(tx);
    if (!dryRun) await add(tx, missing, context.now);
    return outcomeOf(missing);
  });
}

interface Missing {
  readonly periods: { name: string; seconds: number }[];
  readonly provider: boolean;
  readonly products: typeof DEFAULT_PRODUCTS;
}

async function findMissing(tx: Transaction<Schema>): Promise<Missing> {
  const stored = await findPeriods(tx);
  const taken = new Set<string | number>(stored.flatMap(({ name, seconds }) => [name, seconds]));
  const products = await findProducts(
    tx,
    DEFAULT_PRODUCTS.map(({ name }) => name),
  );
  const existing = new Set<string>(products.map(({ name }) => name));
  return {
    periods: DEFAULT_PERIODS.filter(([name, seconds]) => !taken.has(name) && !taken.has(seconds)).map(
      ([name, seconds]) => ({ name, seconds }),
    ),
    provider: (await findProvider(tx)) === null,
    products: DEFAULT_PRODUCTS.filter(({ name }) => !existing.has(name)),
  };
}

async function add(tx: Transaction<Schema>, missing: Missing, now: Instant): Promise<void> {
  await addPeriods(tx, missing.periods);
  if (missing.provider) await addEmptyProvider(tx);
  await saveProducts(
    tx,
    missing.products.map((wanted) => ({ stored: null, wanted })),
    now,
  );
}

function outcomeOf({ periods, provider, products }: Missing): DefaultsOutcome {
  const created = {
    recurring_periods: periods.length,
    providers: provider ? 1 : 0,
    products: products.length,
    product_prices: pricesIn(products),
  };
  return {
    created,
    unchanged: {
      recurring_periods: DEFAULT_PERIODS.length - created.recurring_periods,
      providers: 1 - created.providers,
      products: DEFAULT_PRODUCTS.length - created.products,
      product_prices: pricesIn(DEFAULT_PRODUCTS) - created.product_prices,
    },
  };
}

function pricesIn(products: typeof DEFAULT_PRODUCTS): number {
  return products.reduce((count, { prices }) => count + prices.length, 0);
}
