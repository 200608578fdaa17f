import type { Transaction } from 'kysely';
import { type Fault, verifyCounter, verifyHistory, verifyNumbering } from '../core/bill.ts';
import type { Instant } from '../core/instant.ts';
import { findHistories } from '../io/db/histories.ts';
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
      const histories = await batch((tx) => findHistories(tx, page));
      for (const { orders, bills } of histories.values()) {
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
