import type { Transaction } from 'kysely';
import {
  type Balance,
  type BillPayment,
  balanceOf,
  checkDayOfPayment,
  checkPayment,
  checkSamePayment,
} from '../core/balance.ts';
import type { BillReference } from '../core/bill-reference.ts';
import { checkRange, type Day } from '../core/instant.ts';
import { minorOf, type Price } from '../core/money.ts';
import type { Reference } from '../core/reference.ts';
import { getBill } from '../io/db/bills.ts';
import { readOrWrite } from '../io/db/database.ts';
import type { TakePage } from '../io/db/pages.ts';
import {
  findPayments,
  insertPayments,
  type PaymentFilter,
  readPayments,
  type StoredPayment,
} from '../io/db/payments.ts';
import { findUserId } from '../io/db/people.ts';
import type { Schema } from '../io/db/schema.ts';
import type { Context } from './context.ts';

/** A payment as a person tells of it. */
export interface GivenPayment {
  /** In the currency of the bill; below zero: given back. */
  readonly amount: Price;
  readonly paidOn: Day;
  readonly reference: Reference;
}

/** A payment, and what it leaves open. */
export interface RecordedPayment {
  /** The id is null in a dry run. */
  readonly payment: Omit<StoredPayment, 'id'> & { readonly id: number | null };
  readonly balance: Balance;
  /** Whether this call recorded it, or would. */
  readonly created: boolean;
}

/**
 * Records money that was received for a bill, once for each reference.
 * @throws UNKNOWN_BILL, BILL_NOT_ISSUED, PAYMENT_IN_FUTURE, PAYMENT_NOTHING, PAYMENT_WRONG_WAY, PAYMENT_DIFFERS,
 *   INVALID_AMOUNT
 */
export async function recordPayment(
  context: Context,
  reference: BillReference,
  given: GivenPayment,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<RecordedPayment> {
  const database = await context.db();
  checkDayOfPayment(given.paidOn, context.now);

  const work = async (tx: Transaction<Schema>): Promise<RecordedPayment> => {
    const bill = await getBill(tx, reference);
    const { id: billId, username, currency } = bill;
    const payment: BillPayment = { ...given, amount: minorOf(given.amount, currency) };
    const stored = await findPayments(tx, { billId });
    const paid = stored.reduce((sum, { amount }) => sum + amount, 0n);
    const same = stored.find((other) => other.reference === payment.reference);
    if (same !== undefined) {
      checkSamePayment(bill, same, payment);
      return { payment: same, balance: balanceOf(bill, paid), created: false };
    }
    checkPayment(bill, paid, payment.amount);
    if (!dryRun) await insertPayments(tx, [{ ...payment, billId }], context.now);
    const recorded = dryRun ? [] : await findPayments(tx, { billId });
    const id = recorded.find((other) => other.reference === payment.reference)?.id ?? null;
    const told = { billId, number: bill.number ?? 0, username, currency, recordedAt: context.now };
    const balance = balanceOf(bill, paid + payment.amount);
    return { payment: { ...payment, ...told, id }, balance, created: true };
  };
  return readOrWrite(database, { topic: 'payments', dryRun }, work);
}

/**
 * Hands on the payments that pass the filter, by day.
 * @throws RANGE_EMPTY, UNKNOWN_BILL, UNKNOWN_USER
 */
export async function listPayments(
  context: Context,
  filter: Omit<PaymentFilter, 'billId'> & { readonly bill?: BillReference | undefined },
  take: TakePage<StoredPayment>,
): Promise<void> {
  checkRange(filter);
  const database = await context.db();
  await database.read(async (tx) => {
    if (filter.username !== undefined) await findUserId(tx, filter.username);
    const billId = filter.bill === undefined ? undefined : (await getBill(tx, filter.bill)).id;
    await readPayments(tx, { ...filter, billId }, take);
  });
}
