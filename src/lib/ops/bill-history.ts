import type { Transaction } from 'kysely';
import { type Fault, verifyCounter, verifyHistory, verifyNumbering } from '../core/bill.ts';
import type { Instant } from '../core/instant.ts';
import { findBillsOf } from '../io/db/bills.ts';
import { orderColumns, orderFromRow } from '../io/db/orders.ts';
import type { Schema } from '../io/db/schema.ts';
import { keepHeapSmall } from '../io/heap.ts';
import type { Context } from './context.ts';

/** What a verification looked at and found. */
export interface Verification {
  readonly checked: { readonly bills: number; readonly records: number; readonly orders: number };
  /** Orders with something due that no run has billed yet. */
  readonly pending: number;
  readonly faults: readonly Fault[];
}

const USERS_PER_PAGE = 200;
const NUMBERS_PER_PAGE = 10_000;

/** Recomputes the whole history of all bills on one snapshot, and compares. Changes nothing. */
export async function verifyBills(context: Context): Promise<Verification> {
  keepHeapSmall();
  const database = await context.db();
  return database.readInBatches(async (batch) => {
    const faults = await batch(verifyNumbers);
    const checked = { bills: 0, records: 0, orders: 0 };
    let pending = 0;
    let seen = 0;
    let users = await batch((tx) => usersAfter(tx, 0));
    while (users.length > 0) {
      const page = users;
      for (const { orders, bills } of await batch((tx) => historiesOf(tx, page))) {
        const verdict = verifyHistory({ orders, bills }, context.now);
        faults.push(...verdict.faults);
        pending += verdict.pending;
        checked.orders += orders.length;
        checked.bills += bills.length;
        for (const { records } of bills) checked.records += records.length;
      }
      seen += page.length;
      context.progress(seen, null, 'users');
      users = await batch((tx) => usersAfter(tx, page.at(-1) ?? 0));
    }
    return { checked, pending, faults };
  });
}

async function verifyNumbers(tx: Transaction<Schema>): Promise<Fault[]> {
  const faults: Fault[] = [];
  let previous: { number: number; issuedAt: Instant } | null = null;
  for (;;) {
    const rows: { number: number | null; issued_at: number }[] = await tx
      .selectFrom('bills')
      .select(['number', 'issued_at'])
      .where('number', '>', previous?.number ?? 0)
      .orderBy('number')
      .limit(NUMBERS_PER_PAGE)
      .execute();
    if (rows.length === 0) break;
    for (const { number, issued_at } of rows) {
      const bill = { number: number ?? 0, issuedAt: issued_at as Instant };
      faults.push(...verifyNumbering(previous, bill));
      previous = bill;
    }
  }
  const counter = await tx.selectFrom('bill_counters').select('last_number').executeTakeFirst();
  return [...faults, ...verifyCounter(previous?.number ?? 0, counter?.last_number ?? 0)];
}

async function usersAfter(tx: Transaction<Schema>, after: number): Promise<number[]> {
  const rows = await tx
    .selectFrom('users')
    .select('id')
    .where('id', '>', after)
    .orderBy('id')
    .limit(USERS_PER_PAGE)
    .execute();
  return rows.map(({ id }) => id);
}

async function historiesOf(tx: Transaction<Schema>, userIds: readonly number[]) {
  const rows = await tx
    .selectFrom('orders')
    .select([...orderColumns, 'orders.user_id'])
    .where('user_id', 'in', userIds)
    .orderBy('orders.id')
    .execute();
  const bills = await findBillsOf(tx, userIds);
  const orders = Map.groupBy(rows, ({ user_id }) => user_id);
  return userIds.map((id) => ({
    orders: (orders.get(id) ?? []).map((row) => orderFromRow(row)),
    bills: bills.get(id) ?? [],
  }));
}
