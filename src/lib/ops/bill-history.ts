import { type Fault, verifyCounter, verifyHistory, verifyNumbering } from '../core/bill-verification.ts';
import { findLastNumber, findNumberedBills, type NumberedBill } from '../io/db/bills.ts';
import type { Batch } from '../io/db/database.ts';
import { findHistories } from '../io/db/histories.ts';
import { inPages } from '../io/db/pages.ts';
import { findUserIdsPage } from '../io/db/people.ts';
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
    const faults = await verifyNumbers(batch);
    const checked = { bills: 0, records: 0, orders: 0 };
    let pending = 0;
    let seen = 0;
    for await (const users of inPages(batch, findUserIdsPage, (id) => id, USERS_PER_PAGE)) {
      const histories = await batch((tx) => findHistories(tx, users));
      for (const { orders, bills } of histories.values()) {
        const verdict = verifyHistory({ orders, bills }, context.now);
        faults.push(...verdict.faults);
        pending += verdict.pending;
        checked.orders += orders.length;
        checked.bills += bills.length;
        for (const { records } of bills) checked.records += records.length;
      }
      seen += users.length;
      context.progress(seen, null, 'users');
    }
    return { checked, pending, faults };
  });
}

async function verifyNumbers(batch: Batch): Promise<Fault[]> {
  const faults: Fault[] = [];
  let previous: NumberedBill | null = null;
  for await (const bills of inPages(batch, findNumberedBills, ({ number }) => number, NUMBERS_PER_PAGE)) {
    for (const bill of bills) {
      faults.push(...verifyNumbering(previous, bill));
      previous = bill;
    }
  }
  return [...faults, ...verifyCounter(previous?.number ?? 0, await batch(findLastNumber))];
}
