import { sql } from 'kysely';
import { parseCountry } from '../../src/lib/core/country.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import { insertRows } from '../../src/lib/io/db/bulk.ts';
import { setProvider } from '../../src/lib/ops/provider.ts';
import type { TestContext } from './databases.ts';
import { at } from './shop.ts';

/** The day on which all orders of these customers start. */
export const OPENING = '2025-01-01T00:00:00Z';

/**
 * A Swiss seller with these many customers, u1 and on, in Switzerland and Germany. Each has 10 CHF for 30 days and a
 * one-time price of 5 CHF; every second one also 3 × 0.50 EUR for a week in arrears, and every third one an order
 * that was replaced after ten days by a dearer one.
 */
export async function openWithCustomers(context: TestContext, count: number): Promise<TestContext> {
  await setProvider(context, {
    name: parseLine('name', 'Example Hosting AG'),
    country: parseCountry('CH'),
    oss: true,
  });
  const database = await context.db();
  const start = at(OPENING);
  const day = 86_400;
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  await database.write('orders', async (tx) => {
    await insertRows(
      tx,
      'vat_rates',
      { territory: 'text', rate_type: 'text', valid_from: 'date', rate: 'bigint' },
      [
        ['CH', 'standard', '2024-01-01', 810],
        ['DE', 'standard', '2021-01-01', 1900],
      ],
    );
    await insertRows(
      tx,
      'users',
      { id: 'bigint', username: 'text', created_at: 'bigint' },
      numbers.map((number) => [number, `u${number}`, start]),
    );
    await insertRows(
      tx,
      'billing_addresses',
      { user_id: 'bigint', country: 'text' },
      numbers.map((number) => [number, number % 4 === 0 ? 'DE' : 'CH']),
    );
    const order = (id: number, userId: number, given: Partial<Record<keyof typeof ORDER_COLUMNS, unknown>>) =>
      Object.keys(ORDER_COLUMNS).map(
        (column) => ({ ...ORDER, id, user_id: userId, starts_at: start, ...given })[column] ?? null,
      );
    await insertRows(
      tx,
      'orders',
      ORDER_COLUMNS,
      numbers.flatMap((number) => {
        const rows = [order(10 * number, number, { one_time_price: 50_000 })];
        const arrears = {
          currency: 'EUR',
          recurring_price: 5000,
          recurring_period_seconds: 7 * day,
          quantity: 3,
          charge: 'arrears',
        };
        if (number % 2 === 0) rows.push(order(10 * number + 1, number, arrears));
        if (number % 3 === 0) {
          const change = start + 10 * day;
          rows.push(order(10 * number + 2, number, { ends_at: change }));
          const replaces = 10 * number + 2;
          rows.push(
            order(10 * number + 3, number, {
              starts_at: change,
              replaces_id: replaces,
              recurring_price: 200_000,
            }),
          );
        }
        return rows;
      }),
    );
  });
  return context;
}

const ORDER_COLUMNS = {
  id: 'bigint',
  user_id: 'bigint',
  description: 'text',
  currency: 'text',
  one_time_price: 'bigint',
  recurring_price: 'bigint',
  quantity: 'bigint',
  recurring_period_seconds: 'bigint',
  charge: 'text',
  starts_at: 'bigint',
  ends_at: 'bigint',
  replaces_id: 'bigint',
  created_at: 'bigint',
} as const;

const ORDER: Record<string, unknown> = {
  description: 'VM',
  currency: 'CHF',
  one_time_price: 0,
  recurring_price: 100_000,
  quantity: 1,
  recurring_period_seconds: 2_592_000,
  charge: 'advance',
  ends_at: null,
  replaces_id: null,
  created_at: 0,
};

/** All that billing wrote, without the ids, which are not the same in two histories of equal content. */
export async function booksOf(context: TestContext) {
  const { kysely } = await context.db();
  const bills = await kysely
    .selectFrom('bills')
    .select([
      'number',
      'user_id',
      'currency',
      'issued_at',
      'kind',
      'net',
      'vat',
      'total',
      'due_on',
      'seller',
      'buyer',
    ])
    .orderBy('issued_at')
    .orderBy('user_id')
    .orderBy('currency')
    .execute();
  const records = await kysely
    .selectFrom('bill_records')
    .innerJoin('bills', 'bills.id', 'bill_records.bill_id')
    .leftJoin('bill_records as corrected', 'corrected.id', 'bill_records.corrects_id')
    .selectAll('bill_records')
    .select(['bills.user_id', 'bills.issued_at', 'corrected.seq as corrected_seq'])
    .orderBy('order_id')
    .orderBy('period_index')
    .orderBy('seq')
    .execute();
  const orders = await kysely
    .selectFrom('orders')
    .innerJoin('order_due_times', 'order_id', 'id')
    .select(['id', 'closed', 'next_due_at'])
    .orderBy('id')
    .execute();
  const vats = await kysely
    .selectFrom('bill_vats')
    .innerJoin('bills', 'bills.id', 'bill_vats.bill_id')
    .select(['user_id', 'issued_at', 'currency', 'treatment', 'territory', 'rate', 'base', 'bill_vats.vat'])
    .orderBy('user_id')
    .orderBy('issued_at')
    .orderBy('currency')
    .orderBy(sql`treatment`)
    .execute();
  return {
    bills,
    records: records.map(({ id, bill_id, corrects_id, ...record }) => record),
    vats,
    orders,
  };
}
