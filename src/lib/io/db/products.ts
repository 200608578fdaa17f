import type { Transaction } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { Line } from '../../core/line.ts';
import type { Currency } from '../../core/money.ts';
import { periodName } from '../../core/period.ts';
import type { Product, ProductName } from '../../core/product.ts';
import { insertRows, isAmong, updateRows } from './bulk.ts';
import { reserveIds } from './ids.ts';
import type { Page } from './pages.ts';
import type { Schema } from './schema.ts';

/** A product in the database. */
export interface StoredProduct extends Product {
  readonly id: number;
}

/** The products with these names, or all, in the order of their ids; prices in the order they were given. */
export async function findProducts(
  tx: Transaction<Schema>,
  names?: readonly string[],
): Promise<StoredProduct[]> {
  const all = productsQuery(tx);
  const products = await (names === undefined ? all : all.where(isAmong(tx, 'name', names))).execute();
  return withPrices(tx, products, { all: names === undefined });
}

/** The products whose ids are above `after`, in the order of their ids. */
export async function findProductsPage(
  tx: Transaction<Schema>,
  { after, limit }: Page,
): Promise<StoredProduct[]> {
  const products = await productsQuery(tx).where('id', '>', after).limit(limit).execute();
  return withPrices(tx, products, { all: false });
}

function productsQuery(tx: Transaction<Schema>) {
  return tx.selectFrom('products').select(['id', 'name', 'description']).orderBy('id');
}

async function withPrices(
  tx: Transaction<Schema>,
  products: readonly { id: number; name: string; description: string }[],
  { all }: { all: boolean },
): Promise<StoredProduct[]> {
  const ids = products.map(({ id }) => id);
  const prices = await tx
    .selectFrom('product_prices')
    .innerJoin('recurring_periods', 'recurring_periods.id', 'product_prices.recurring_period_id')
    .select(['product_id', 'seconds', 'one_time_price', 'recurring_price', 'currency', 'is_default'])
    .$if(!all, (query) => query.where(isAmong(tx, 'product_id', ids)))
    .orderBy('product_prices.id')
    .execute();
  const pricesOf = Map.groupBy(prices, (price) => price.product_id);
  return products.map(({ id, name, description }) => ({
    id,
    name: name as ProductName,
    description: description as Line,
    prices: (pricesOf.get(id) ?? []).map((price) => ({
      period: price.seconds,
      oneTime: BigInt(price.one_time_price),
      recurring: BigInt(price.recurring_price),
      currency: price.currency as Currency,
      isDefault: price.is_default,
    })),
  }));
}

/** The names and lengths of all periods. */
export async function findPeriods(tx: Transaction<Schema>): Promise<{ name: string; seconds: number }[]> {
  return tx.selectFrom('recurring_periods').select(['name', 'seconds']).execute();
}

/** Adds the periods that are missing, by their seconds or their names. */
export async function addPeriods(
  tx: Transaction<Schema>,
  periods: readonly { readonly name: string; readonly seconds: number }[],
): Promise<void> {
  if (periods.length === 0) return;
  await tx
    .insertInto('recurring_periods')
    .values([...periods])
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** A product as it is to be, beside what is stored; null for a new one. No stored price is missing in it. */
export interface ProductWrite {
  readonly stored: StoredProduct | null;
  readonly wanted: Product;
}

/** Writes products so that they are as wanted, with a fixed number of statements for any number of them. */
export async function saveProducts(
  tx: Transaction<Schema>,
  writes: readonly ProductWrite[],
  createdAt: Instant,
): Promise<void> {
  const added = writes.filter(({ stored }) => stored === null);
  const ids = await reserveIds(tx, 'products', added.length);
  await insertRows(
    tx,
    'products',
    { id: 'bigint', name: 'text', description: 'text', created_at: 'bigint' },
    added.map(({ wanted }, index) => [ids[index], wanted.name, wanted.description, createdAt]),
  );
  const described = writes.filter(
    ({ stored, wanted }) => stored && stored.description !== wanted.description,
  );
  await updateRows(
    tx,
    'products',
    { description: 'text', id: 'bigint' },
    described.map(({ stored, wanted }) => [wanted.description, stored?.id]),
  );

  const newId = new Map(added.map(({ wanted }, index) => [wanted.name, ids[index] ?? 0]));
  await savePrices(
    tx,
    writes.map(({ stored, wanted }) => ({ id: stored?.id ?? newId.get(wanted.name) ?? 0, stored, wanted })),
  );
}

async function savePrices(
  tx: Transaction<Schema>,
  writes: readonly (ProductWrite & { readonly id: number })[],
): Promise<void> {
  await addPeriods(
    tx,
    writes.flatMap(({ wanted }) =>
      wanted.prices.map(({ period }) => ({ name: periodName(period), seconds: period })),
    ),
  );
  const periods = await tx.selectFrom('recurring_periods').select(['id', 'seconds']).execute();
  const idOf = new Map(periods.map(({ id, seconds }) => [seconds, id]));
  const rowsOf = (belongs: (period: number, stored: StoredProduct | null) => boolean) =>
    writes.flatMap(({ id, stored, wanted }) =>
      wanted.prices
        .filter(({ period }) => belongs(period, stored))
        // Without a row, when another period has taken the name, the database refuses the key 0.
        .map(({ period, oneTime, recurring, currency, isDefault }) => {
          const amounts = [currency, Number(oneTime), Number(recurring), isDefault];
          return { period: idOf.get(period) ?? 0, id, amounts };
        }),
    );
  const isStored = (period: number, stored: StoredProduct | null) =>
    stored?.prices.some((price) => price.period === period) ?? false;

  const kept = rowsOf(isStored);
  const priceIds = await findPriceIds(
    tx,
    kept.map(({ id }) => id),
  );
  // A product has one default price at any moment: first go those that are no longer.
  for (const isDefault of [false, true]) {
    await updateRows(
      tx,
      'product_prices',
      { ...PRICE_COLUMNS, id: 'bigint' },
      kept
        .filter(({ amounts }) => amounts.at(-1) === isDefault)
        .map(({ id, period, amounts }) => [...amounts, priceIds.get(`${id} ${period}`)]),
    );
  }
  await insertRows(
    tx,
    'product_prices',
    { ...PRICE_COLUMNS, product_id: 'bigint', recurring_period_id: 'bigint' },
    rowsOf((period, stored) => !isStored(period, stored)).map(({ id, period, amounts }) => [
      ...amounts,
      id,
      period,
    ]),
  );
}

const PRICE_COLUMNS = {
  currency: 'text',
  one_time_price: 'bigint',
  recurring_price: 'bigint',
  is_default: 'boolean',
} as const;

/** The ids of the prices of products, by product and period. */
async function findPriceIds(
  tx: Transaction<Schema>,
  products: readonly number[],
): Promise<Map<string, number>> {
  const rows = await tx
    .selectFrom('product_prices')
    .select(['id', 'product_id', 'recurring_period_id'])
    .where(isAmong(tx, 'product_id', products))
    .execute();
  return new Map(rows.map((row) => [`${row.product_id} ${row.recurring_period_id}`, row.id]));
}
