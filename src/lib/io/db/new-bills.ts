import type { Transaction } from 'kysely';
import type { Bill } from '../../core/bill.ts';
import type { BuyerOnBill, SellerOnBill } from '../../core/bill-parties.ts';
import type { OrderState } from '../../core/charge.ts';
import type { Day } from '../../core/instant.ts';
import { prepareRows, updateRows } from './bulk.ts';
import { only } from './database.ts';
import type { IdReserve } from './ids.ts';
import type { Schema } from './schema.ts';

/** A bill to be stored, as a draft. */
export interface NewBill {
  readonly userId: number;
  readonly bill: Bill;
  readonly seller: SellerOnBill;
  readonly buyer: BuyerOnBill;
}

/** Bills that have ids and wait to be stored. */
export interface PreparedBills {
  readonly ids: readonly number[];
  /** Stores them with their records and VAT groups, as drafts. */
  store(): Promise<void>;
}

/**
 * Does all that storing bills takes but for storing them.
 * @param reserve of ids of bills
 */
export async function prepareBills(
  tx: Transaction<Schema>,
  reserve: IdReserve,
  bills: readonly NewBill[],
): Promise<PreparedBills> {
  const ids = await reserve.take(bills.length);
  const withIds = bills.map((bill, index) => ({ ...bill, id: ids[index] }));
  const store = await prepareRows(tx, [
    { table: 'bills', columns: BILL_COLUMNS, rows: withIds.map(billRow) },
    { table: 'bill_records', columns: RECORD_COLUMNS, rows: withIds.flatMap(recordRows) },
    { table: 'bill_vats', columns: VAT_COLUMNS, rows: withIds.flatMap(vatRows) },
  ]);
  return { ids, store };
}

/** A draft that is to be issued. */
export interface Numbered {
  readonly id: number;
  readonly dueOn: Day | null;
}

/**
 * Gives drafts their numbers, the next ones in this order, and their due days. Call it last in a transaction: from
 * here on the counter's row is locked.
 */
export async function numberBills(tx: Transaction<Schema>, drafts: readonly Numbered[]): Promise<number[]> {
  if (drafts.length === 0) return [];
  const rows = await tx
    .updateTable('bill_counters')
    .set(({ eb }) => ({ last_number: eb('last_number', '+', drafts.length) }))
    .returning('last_number')
    .execute();
  const first = only(rows).last_number - drafts.length + 1;
  const numbers = drafts.map((_, index) => first + index);
  await updateRows(
    tx,
    'bills',
    { number: 'bigint', due_on: 'date', id: 'bigint' },
    drafts.map(({ id, dueOn }, index) => [numbers[index], dueOn, id]),
  );
  return numbers;
}

/** Stores what saves time on the next run. */
export async function saveOrderStates(tx: Transaction<Schema>, states: readonly OrderState[]): Promise<void> {
  // In this order the triggers of `orders` lock, too, when somebody changes an order meanwhile.
  await updateRows(
    tx,
    'orders',
    { closed: 'boolean', id: 'bigint' },
    states.filter(({ closed }) => closed).map(({ orderId }) => [true, orderId]),
  );
  await updateRows(
    tx,
    'order_due_times',
    { next_due_at: 'bigint', order_id: 'bigint' },
    states.map(({ orderId, nextDueAt }) => [nextDueAt, orderId]),
  );
}

const BILL_COLUMNS = {
  id: 'bigint',
  user_id: 'bigint',
  currency: 'text',
  issued_at: 'bigint',
  kind: 'text',
  seller: 'text',
  buyer: 'text',
  net: 'bigint',
  vat: 'bigint',
  total: 'bigint',
} as const;

/** A bill whose id is reserved. */
type BillWithId = NewBill & { readonly id: number | undefined };

function billRow({ id, userId, bill, seller, buyer }: BillWithId): unknown[] {
  return [
    id,
    userId,
    bill.currency,
    bill.issuedAt,
    bill.kind,
    JSON.stringify(seller),
    JSON.stringify(buyer),
    bill.net,
    bill.vat,
    bill.total,
  ];
}

const RECORD_COLUMNS = {
  bill_id: 'bigint',
  order_id: 'bigint',
  kind: 'text',
  period_index: 'bigint',
  seq: 'bigint',
  period_start: 'bigint',
  period_end: 'bigint',
  net: 'bigint',
  vat_treatment: 'text',
  vat_territory: 'text',
  vat_rate: 'bigint',
  vat_reason: 'text',
  corrects_id: 'bigint',
  description: 'text',
  unit_price: 'bigint',
  quantity: 'bigint',
  recurring_period_seconds: 'bigint',
} as const;

function recordRows({ id, bill }: BillWithId): unknown[][] {
  return bill.records.map((record) => [
    id,
    record.orderId,
    record.kind,
    record.periodIndex,
    record.seq,
    record.start,
    record.end,
    record.net,
    record.vat.treatment,
    record.vat.territory,
    record.vat.rate,
    record.vat.reason,
    record.corrects,
    record.description,
    record.unitPrice,
    record.quantity,
    record.periodSeconds,
  ]);
}

const VAT_COLUMNS = {
  bill_id: 'bigint',
  treatment: 'text',
  territory: 'text',
  rate: 'bigint',
  base: 'bigint',
  vat: 'bigint',
} as const;

function vatRows({ id, bill }: BillWithId): unknown[][] {
  return bill.vatGroups.map((group) => [
    id,
    group.treatment,
    group.territory,
    group.rate,
    group.base,
    group.vat,
  ]);
}
