import { type InferResult, sql, type Transaction } from 'kysely';
import type { BillPayment } from '../../core/balance.ts';
import type { Day, Instant } from '../../core/instant.ts';
import type { Currency, Minor } from '../../core/money.ts';
import type { Reference } from '../../core/reference.ts';
import type { Username } from '../../core/user.ts';
import { insertRows, isAmong } from './bulk.ts';
import { readPages, type TakePage } from './pages.ts';
import type { Schema } from './schema.ts';

/** A payment as the database has it. */
export interface StoredPayment extends BillPayment {
  readonly id: number;
  readonly billId: number;
  /** The number of the bill. */
  readonly number: number;
  readonly username: Username;
  readonly currency: Currency;
  readonly recordedAt: Instant;
}

/** Which payments to list; an absent field lets all pass. */
export interface PaymentFilter {
  readonly billId?: number | undefined;
  readonly username?: Username | undefined;
  /** Paid on this day or later. */
  readonly from?: Day | undefined;
  /** Paid before this day. */
  readonly to?: Day | undefined;
}

/** The payments, by the day on which they were made. */
export async function findPayments(tx: Transaction<Schema>, filter: PaymentFilter): Promise<StoredPayment[]> {
  return (await paymentQuery(tx, filter).execute()).map(paymentOf);
}

/** Hands on in pages what `findPayments` finds. */
export function readPayments(
  tx: Transaction<Schema>,
  filter: PaymentFilter,
  take: TakePage<StoredPayment>,
): Promise<void> {
  return readPages(paymentQuery(tx, filter), paymentOf, take);
}

function paymentQuery(tx: Transaction<Schema>, filter: PaymentFilter) {
  let query = tx
    .selectFrom('payments')
    .innerJoin('bills', 'bills.id', 'payments.bill_id')
    .innerJoin('users', 'users.id', 'bills.user_id')
    .selectAll('payments')
    .select(['bills.number', 'bills.currency', 'users.username'])
    .orderBy('paid_on')
    .orderBy('payments.id');
  if (filter.billId !== undefined) query = query.where('bill_id', '=', filter.billId);
  if (filter.username !== undefined) query = query.where('users.username', '=', filter.username);
  if (filter.from !== undefined) query = query.where('paid_on', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('paid_on', '<', filter.to);
  return query;
}

function paymentOf(row: InferResult<ReturnType<typeof paymentQuery>>[number]): StoredPayment {
  return {
    id: row.id,
    billId: row.bill_id,
    number: row.number ?? 0,
    username: row.username as Username,
    currency: row.currency as Currency,
    paidOn: row.paid_on as Day,
    amount: BigInt(row.amount),
    reference: row.reference as Reference,
    recordedAt: row.recorded_at as Instant,
  };
}

/** A bill as a statement's entry meets it. */
export interface BilledAmount {
  readonly id: number;
  readonly number: number;
  readonly currency: Currency;
  readonly total: Minor;
  readonly paid: Minor;
}

/** Bills with what was paid for them, by number; numbers that no bill has are left out. */
export async function findBilledAmounts(
  tx: Transaction<Schema>,
  numbers: readonly number[],
): Promise<Map<number, BilledAmount>> {
  if (numbers.length === 0) return new Map();
  const rows = await tx
    .selectFrom('bills')
    .select(['id', 'number', 'currency', 'total', paidForBill.as('paid')])
    .where(isAmong(tx, 'number', numbers))
    .execute();
  return new Map(
    rows.map(({ id, number, currency, total, paid }) => [
      number ?? 0,
      {
        id,
        number: number ?? 0,
        currency: currency as Currency,
        total: BigInt(total),
        paid: BigInt(paid ?? 0),
      },
    ]),
  );
}

/** What was paid for the bill of a row of `bills`; null when nothing was. */
export const sumOfPayments = sql`(select sum(payments.amount) from payments where payments.bill_id = bills.id)`;

/** The same as text, which both databases give exactly. */
export const paidForBill = sql<string | null>`cast(${sumOfPayments} as text)`;

/** Payments with one of these references, of any bill. */
export async function findPaymentsNamed(
  tx: Transaction<Schema>,
  references: readonly Reference[],
): Promise<Map<Reference, { billId: number; currency: string; amount: Minor; paidOn: Day }[]>> {
  if (references.length === 0) return new Map();
  const rows = await tx
    .selectFrom('payments')
    .innerJoin('bills', 'bills.id', 'payments.bill_id')
    .select(['bill_id', 'reference', 'amount', 'paid_on', 'bills.currency'])
    .where(isAmong(tx, 'reference', references))
    .execute();
  const payments = rows.map(({ bill_id, reference, amount, paid_on, currency }) => ({
    reference: reference as Reference,
    billId: bill_id,
    currency,
    amount: BigInt(amount),
    paidOn: paid_on as Day,
  }));
  return Map.groupBy(payments, ({ reference }) => reference);
}

/** A payment to be stored. */
export interface NewPayment extends BillPayment {
  readonly billId: number;
}

/** Stores payments. */
export async function insertPayments(
  tx: Transaction<Schema>,
  payments: readonly NewPayment[],
  recordedAt: Instant,
): Promise<void> {
  await insertRows(
    tx,
    'payments',
    { bill_id: 'bigint', paid_on: 'date', amount: 'bigint', reference: 'text', recorded_at: 'bigint' },
    payments.map(({ billId, paidOn, amount, reference }) => [billId, paidOn, amount, reference, recordedAt]),
  );
}
