import { type Selectable, sql, type Transaction } from 'kysely';
import { type Bill, compareVatGroups, type StoredBill, type VatGroup } from '../../core/bill.ts';
import type { BillDocument } from '../../core/bill-document.ts';
import type { BuyerOnBill, SellerOnBill } from '../../core/bill-parties.ts';
import { type BillReference, formatBillReference } from '../../core/bill-reference.ts';
import type { OrderState, StoredRecord } from '../../core/charge.ts';
import { refuse } from '../../core/errors.ts';
import type { Day, Instant } from '../../core/instant.ts';
import type { Currency, Minor } from '../../core/money.ts';
import type { Username } from '../../core/user.ts';
import type { Territory, VatRate } from '../../core/vat.ts';
import type { Reach } from './access.ts';
import { insertRows, updateRows } from './bulk.ts';
import { only } from './database.ts';
import { reserveIds } from './ids.ts';
import { paidForBill, sumOfPayments } from './payments.ts';
import type { Schema } from './schema.ts';

/** The columns that make a `StoredRecord`, for a query over `bill_records` joined with `bills`. */
export const recordColumns = [
  'bill_records.id',
  'bill_records.bill_id',
  'bill_records.order_id',
  'bill_records.kind',
  'bill_records.period_index',
  'bill_records.seq',
  'bill_records.period_start',
  'bill_records.period_end',
  'bill_records.net',
  'bill_records.vat_treatment',
  'bill_records.vat_territory',
  'bill_records.vat_rate',
  'bill_records.vat_reason',
  'bill_records.corrects_id',
  'bill_records.description',
  'bill_records.unit_price',
  'bill_records.quantity',
  'bill_records.recurring_period_seconds',
  'bills.currency',
] as const;

/** What `recordColumns` select. */
export type RecordRow = Selectable<Schema['bill_records']> & { currency: string };
type VatRow = Selectable<Schema['bill_vats']>;
type BillRow = Omit<Selectable<Schema['bills']>, 'seller' | 'buyer'>;

/** The record of a row. */
export function recordFromRow(row: RecordRow): StoredRecord {
  return {
    id: row.id,
    orderId: row.order_id,
    kind: row.kind,
    periodIndex: row.period_index,
    seq: row.seq,
    start: row.period_start as Instant,
    end: row.period_end as Instant,
    net: BigInt(row.net),
    vat: {
      treatment: row.vat_treatment,
      territory: row.vat_territory as Territory,
      rate: row.vat_rate as VatRate,
      reason: row.vat_reason,
    },
    corrects: row.corrects_id,
    currency: row.currency as Currency,
    description: row.description,
    unitPrice: BigInt(row.unit_price),
    quantity: row.quantity,
    periodSeconds: row.recurring_period_seconds,
  };
}

/** What a list of bills shows of each. */
export interface BillSummary
  extends Pick<
    StoredBill,
    'id' | 'number' | 'kind' | 'currency' | 'issuedAt' | 'dueOn' | 'net' | 'vat' | 'total'
  > {
  readonly userId: number;
  readonly username: Username;
  /** What was received for it, less what was given back. */
  readonly paid: Minor;
  /** How many records it has. */
  readonly recordCount: number;
}

/** Which bills to list; an absent field lets all pass. */
export interface BillFilter {
  readonly username?: Username | undefined;
  readonly within?: Reach;
  /** Issued at or after. */
  readonly from?: Instant | undefined;
  /** Issued before. */
  readonly to?: Instant | undefined;
  readonly currency?: Currency | undefined;
  /** Issued, and not settled: something is owed, to the seller or to the buyer. */
  readonly unpaid?: boolean;
  /** Owed to the seller, and due before this day. */
  readonly overdueOn?: Day | undefined;
}

/** The bills, by issue instant, numbered ones before drafts. */
export async function findBills(tx: Transaction<Schema>, filter: BillFilter): Promise<BillSummary[]> {
  let query = tx
    .selectFrom('bills')
    .innerJoin('users', 'users.id', 'bills.user_id')
    .selectAll('bills')
    .select(({ selectFrom }) => [
      'users.username',
      paidForBill.as('paid'),
      selectFrom('bill_records')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .whereRef('bill_records.bill_id', '=', 'bills.id')
        .as('record_count'),
    ])
    .orderBy('issued_at')
    .orderBy(sql`number is null`)
    .orderBy('number')
    .orderBy('bills.id');
  if (filter.username !== undefined) query = query.where('users.username', '=', filter.username);
  if (filter.within !== undefined) query = query.where('bills.user_id', 'in', filter.within);
  if (filter.from !== undefined) query = query.where('issued_at', '>=', filter.from);
  if (filter.to !== undefined) query = query.where('issued_at', '<', filter.to);
  if (filter.currency !== undefined) query = query.where('bills.currency', '=', filter.currency);
  const open = sql`bills.total - coalesce(${sumOfPayments}, 0)`;
  if (filter.unpaid === true) query = query.where('number', 'is not', null).where(sql<boolean>`${open} <> 0`);
  if (filter.overdueOn !== undefined) {
    query = query.where('due_on', '<', filter.overdueOn).where(sql<boolean>`${open} > 0`);
  }
  const rows = await query.execute();
  return rows.map((row) => ({
    ...headOf(row),
    userId: row.user_id,
    username: row.username as Username,
    paid: BigInt(row.paid ?? 0),
    recordCount: row.record_count ?? 0,
  }));
}

/**
 * One bill with everything that stands on it.
 * @throws UNKNOWN_BILL
 */
export async function getBill(tx: Transaction<Schema>, reference: BillReference): Promise<BillDocument> {
  const [column, value] =
    'id' in reference ? (['bills.id', reference.id] as const) : (['bills.number', reference.number] as const);
  const row = await tx
    .selectFrom('bills')
    .innerJoin('users', 'users.id', 'bills.user_id')
    .selectAll('bills')
    .select('users.username')
    .where(column, '=', value)
    .executeTakeFirst();
  if (row === undefined) throw refuse.UNKNOWN_BILL({ bill: formatBillReference(reference) });
  const [bill] = await withParts(tx, [row], 'bills.id', [row.id]);
  if (bill === undefined) throw new Error(`bill ${row.id} is lost between two reads of one snapshot`);
  const references = await tx
    .selectFrom('orders')
    .select(['id', 'reference'])
    .where('id', 'in', (eb) => eb.selectFrom('bill_records').select('order_id').where('bill_id', '=', row.id))
    .execute();
  const corrected = await findCorrected(tx, row.id);
  return {
    ...bill,
    userId: row.user_id,
    username: row.username as Username,
    seller: JSON.parse(row.seller) as SellerOnBill,
    buyer: JSON.parse(row.buyer) as BuyerOnBill,
    orderReferences: new Map(
      references.flatMap(({ id, reference: own }) => (own === null ? [] : [[id, own]])),
    ),
    correctedBills: corrected,
  };
}

async function findCorrected(tx: Transaction<Schema>, billId: number): Promise<Map<number, number>> {
  const rows = await tx
    .selectFrom('bill_records as own')
    .innerJoin('bill_records as corrected', 'corrected.id', 'own.corrects_id')
    .innerJoin('bills', 'bills.id', 'corrected.bill_id')
    .select(['corrected.id', 'bills.number'])
    .where('own.bill_id', '=', billId)
    .execute();
  return new Map(rows.flatMap(({ id, number }) => (number === null ? [] : [[id, number]])));
}

/** When the orders on a bill start, by order. */
export async function findOrderStarts(
  tx: Transaction<Schema>,
  billId: number,
): Promise<Map<number, Instant>> {
  const rows = await tx
    .selectFrom('orders')
    .select(['id', 'starts_at'])
    .where('id', 'in', (eb) => eb.selectFrom('bill_records').select('order_id').where('bill_id', '=', billId))
    .execute();
  return new Map(rows.map(({ id, starts_at }) => [id, starts_at as Instant]));
}

/** All bills of these users, drafts too, by user, in the order in which they were made. */
export async function findBillsOf(
  tx: Transaction<Schema>,
  userIds: readonly number[],
): Promise<Map<number, StoredBill[]>> {
  const rows = await tx
    .selectFrom('bills')
    .select(['id', 'user_id', 'currency', 'issued_at', 'due_on', 'number', 'kind', 'net', 'vat', 'total'])
    .where('user_id', 'in', userIds)
    .orderBy('id')
    .execute();
  const userOf = new Map(rows.map(({ id, user_id }) => [id, user_id]));
  return Map.groupBy(await withParts(tx, rows, 'bills.user_id', userIds), ({ id }) => userOf.get(id) ?? 0);
}

/** When the newest bill of anybody was issued, null when there is none. */
export async function findNewestIssueDate(
  tx: Transaction<Schema>,
  which: 'numbered' | 'all',
): Promise<Instant | null> {
  let query = tx.selectFrom('bills').select('issued_at').orderBy('issued_at', 'desc').limit(1);
  if (which === 'numbered') query = query.where('number', 'is not', null);
  return ((await query.executeTakeFirst())?.issued_at ?? null) as Instant | null;
}

/** A bill to be stored, as a draft. */
export interface NewBill {
  readonly userId: number;
  readonly bill: Bill;
  readonly seller: SellerOnBill;
  readonly buyer: BuyerOnBill;
}

/**
 * Stores bills with their records and VAT groups, as drafts.
 * @returns their ids
 */
export async function insertBills(tx: Transaction<Schema>, bills: readonly NewBill[]): Promise<number[]> {
  if (bills.length === 0) return [];
  const ids = await reserveIds(tx, 'bills', bills.length);
  const withIds = bills.map((bill, index) => ({ ...bill, id: ids[index] }));
  await insertRows(
    tx,
    'bills',
    BILL_COLUMNS,
    withIds.map(({ id, userId, bill, seller, buyer }) => [
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
    ]),
  );
  await insertRows(
    tx,
    'bill_records',
    RECORD_COLUMNS,
    withIds.flatMap(({ id, bill }) =>
      bill.records.map((record) => [
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
      ]),
    ),
  );
  await insertRows(
    tx,
    'bill_vats',
    VAT_COLUMNS,
    withIds.flatMap(({ id, bill }) =>
      bill.vatGroups.map((group) => [
        id,
        group.treatment,
        group.territory,
        group.rate,
        group.base,
        group.vat,
      ]),
    ),
  );
  return ids;
}

/** A draft that is to be issued. */
export interface Numbered {
  readonly id: number;
  readonly dueOn: Day | null;
}

/**
 * Gives drafts their numbers, the next ones in this order, and their due days. Call it last in a transaction: from here on the counter's
 * row is locked.
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

const VAT_COLUMNS = {
  bill_id: 'bigint',
  treatment: 'text',
  territory: 'text',
  rate: 'bigint',
  base: 'bigint',
  vat: 'bigint',
} as const;

/** Adds their records and VAT groups to the rows of all bills that `column` finds. */
async function withParts(
  tx: Transaction<Schema>,
  rows: readonly BillRow[],
  column: 'bills.id' | 'bills.user_id',
  ids: readonly number[],
): Promise<StoredBill[]> {
  const records = await tx
    .selectFrom('bill_records')
    .innerJoin('bills', 'bills.id', 'bill_records.bill_id')
    .select(recordColumns)
    .where(column, 'in', ids)
    .orderBy('bill_records.id')
    .execute();
  const groups = await tx
    .selectFrom('bill_vats')
    .innerJoin('bills', 'bills.id', 'bill_vats.bill_id')
    .selectAll('bill_vats')
    .where(column, 'in', ids)
    .execute();
  const recordsOf = Map.groupBy(records, ({ bill_id }) => bill_id);
  const groupsOf = Map.groupBy(groups, ({ bill_id }) => bill_id);
  return rows.map((row) => ({
    ...headOf(row),
    records: (recordsOf.get(row.id) ?? []).map(recordFromRow),
    vatGroups: (groupsOf.get(row.id) ?? []).map(groupFromRow).sort(compareVatGroups),
  }));
}

function headOf(row: BillRow) {
  return {
    id: row.id,
    number: row.number,
    kind: row.kind,
    currency: row.currency as Currency,
    issuedAt: row.issued_at as Instant,
    dueOn: row.due_on as Day | null,
    net: BigInt(row.net),
    vat: BigInt(row.vat),
    total: BigInt(row.total),
  };
}

function groupFromRow(row: VatRow): VatGroup {
  return {
    treatment: row.treatment,
    territory: row.territory as Territory,
    rate: row.rate as VatRate,
    base: BigInt(row.base),
    vat: BigInt(row.vat),
  };
}
