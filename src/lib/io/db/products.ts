import type { Transaction } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { Line } from '../../core/line.ts';
import type { Currency } from '../../core/money.ts';
import { periodName } from '../../core/period.ts';
import type { Product, ProductName } from '../../core/product.ts';
import { only } from './database.ts';
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
  const all = tx.selectFrom('products').select(['id', 'name', 'description']).orderBy('id');
  const products = await (names === undefined ? all : all.where('name', 'in', names)).execute();
  const prices = await tx
    .selectFrom('product_prices')
    .innerJoin('recurring_periods', 'recurring_periods.id', 'product_prices.recurring_period_id')
    .select(['product_id', 'seconds', 'one_time_price', 'recurring_price', 'currency', 'is_default'])
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

/** Adds a product with its prices, and the periods that they need. */
export async function addProduct(
  tx: Transaction<Schema>,
  { name, description, prices }: Product,
  createdAt: Instant,
): Promise<void> {
  await addPeriods(
    tx,
    prices.map(({ period }) => ({ name: periodName(period), seconds: period })),
  );
  const periods = await tx.selectFrom('recurring_periods').select(['id', 'seconds']).execute();
  const idOf = new Map(periods.map(({ id, seconds }) => [seconds, id]));
  const inserted = await tx
    .insertInto('products')
    .values({ name, description, created_at: createdAt })
    .returning('id')
    .execute();
  const { id } = only(inserted);
  const rows = prices.map(({ period, oneTime, recurring, currency, isDefault }) => ({
    product_id: id,
    // Without a row, when another period has taken the name, the database refuses the key 0.
    recurring_period_id: idOf.get(period) ?? 0,
    currency,
    one_time_price: Number(oneTime),
    recurring_price: Number(recurring),
    is_default: isDefault,
  }));
  await tx.insertInto('product_prices').values(rows).execute();
}
