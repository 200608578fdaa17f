import { type ExpressionBuilder, type InferResult, type Selectable, sql, type Transaction } from 'kysely';
import { compareVatGroups, type StoredBill, type VatGroup } from '../../core/bill.ts';
import type { BillDocument } from '../../core/bill-document.ts';
import { type BuyerOnBill, buyerName, type SellerOnBill } from '../../core/bill-parties.ts';
import { type BillReference, formatBillReference } from '../../core/bill-reference.ts';
import { type BillFilter, type BillSelection, isNamed } from '../../core/bill-selection.ts';
import type { StoredRecord } from '../../core/charge.ts';
import { refuse } from '../../core/errors.ts';
import type { Day, Instant } from '../../core/instant.ts';
import type { BookedBill } from '../../core/journal.ts';
import type { Currency, Minor } from '../../core/money.ts';
import type { Reference } from '../../core/reference.ts';
import type { Username } from '../../core/user.ts';
import type { Territory, VatRate } from '../../core/vat.ts';
import type { Reach } from './access.ts';
import { isAmong } from './bulk.ts';
import { only } from './database.ts';
import { type Page, readPages, type TakePage } from './pages.ts';
import { paidForBill, sumOfPayments } from './payments.ts';
import { findUserId } from './people.ts';
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
export interface BillListFilter extends BillFilter {
  readonly within?: Reach;
  readonly ids?: readonly number[];
  /** Without a number. */
  readonly drafts?: boolean;
  /** Issued, and not settled: something is owed, to the seller or to the buyer. */
  readonly unpaid?: boolean;
  /** Owed to the seller, and due before this day. */
  readonly overdueOn?: Day | undefined;
}

/** What stands at the head of a bill, but for its parties: their JSON is longer than all the rest. */
const headColumns = [
  'bills.id',
  'bills.user_id',
  'bills.currency',
  'bills.issued_at',
  'bills.due_on',
  'bills.number',
  'bills.kind',
  'bills.net',
  'bills.vat',
  'bills.total',
] as const;

/** The bills, by issue instant, numbered ones before drafts. */
export async function findBills(tx: Transaction<Schema>, filter: BillListFilter): Promise<BillSummary[]> {
  return (await summaryQuery(tx, filter).execute()).map(summaryOf);
}

/** Hands on in pages what `findBills` finds. */
export function readBills(
  tx: Transaction<Schema>,
  filter: BillListFilter,
  take: TakePage<BillSummary>,
): Promise<void> {
  return readPages(summaryQuery(tx, filter), summaryOf, take);
}

function summaryQuery(
  tx: Transaction<Schema>,
  { within, ids, drafts = false, unpaid = false, overdueOn, ...filter }: BillListFilter,
) {
  let query = tx
    .selectFrom('bills')
    .innerJoin('users', 'users.id', 'bills.user_id')
    .where((eb) => passes(eb, filter))
    .select(headColumns)
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
  const open = sql`bills.total - coalesce(${sumOfPayments}, 0)`;
  if (within !== undefined) query = query.where('bills.user_id', 'in', within);
  if (ids !== undefined) query = query.where(isAmong(tx, 'bills.id', ids));
  if (drafts) query = query.where('number', 'is', null);
  if (unpaid) query = query.where('number', 'is not', null).where(sql<boolean>`${open} <> 0`);
  if (overdueOn !== undefined) {
    query = query.where('due_on', '<', overdueOn).where(sql<boolean>`${open} > 0`);
  }
  return query;
}

function summaryOf(row: InferResult<ReturnType<typeof summaryQuery>>[number]): BillSummary {
  return {
    ...headOf(row),
    userId: row.user_id,
    username: row.username as Username,
    paid: BigInt(row.paid ?? 0),
    recordCount: row.record_count ?? 0,
  };
}

function passes(
  eb: ExpressionBuilder<Schema, 'bills' | 'users'>,
  { username, from, to, currency }: BillFilter,
) {
  return eb.and([
    ...(username === undefined ? [] : [eb('users.username', '=', username)]),
    ...(from === undefined ? [] : [eb('bills.issued_at', '>=', from)]),
    ...(to === undefined ? [] : [eb('bills.issued_at', '<', to)]),
    ...(currency === undefined ? [] : [eb('bills.currency', '=', currency)]),
  ]);
}

/** How a bill is known to the database and to people. */
export interface BillKey {
  readonly id: number;
  /** Null for a draft. */
  readonly number: number | null;
}

/**
 * The bills of a selection, each once: those that are named in this order, those of a filter by number, no drafts.
 * @throws UNKNOWN_BILL, UNKNOWN_USER
 */
export async function findBillKeys(tx: Transaction<Schema>, selection: BillSelection): Promise<BillKey[]> {
  const query = tx
    .selectFrom('bills')
    .innerJoin('users', 'users.id', 'bills.user_id')
    .select(['bills.id', 'bills.number']);
  if (!isNamed(selection)) {
    if (selection.username !== undefined) await findUserId(tx, selection.username);
    return query
      .where((eb) => passes(eb, selection))
      .where('number', 'is not', null)
      .orderBy('number')
      .execute();
  }
  const keys = new Map<number, BillKey>();
  for (const reference of selection) {
    const key = await query
      .where(
        'id' in reference ? 'bills.id' : 'bills.number',
        '=',
        'id' in reference ? reference.id : reference.number,
      )
      .executeTakeFirst();
    if (key === undefined) throw refuse.UNKNOWN_BILL({ bill: formatBillReference(reference) });
    keys.set(key.id, key);
  }
  return [...keys.values()];
}

/**
 * One bill with everything that stands on it.
 * @throws UNKNOWN_BILL
 */
export async function getBill(tx: Transaction<Schema>, reference: BillReference): Promise<BillDocument> {
  return only(await findBillDocuments(tx, await findBillKeys(tx, [reference])));
}

/** These bills with everything that stands on them, in the same order. */
export async function findBillDocuments(
  tx: Transaction<Schema>,
  keys: readonly BillKey[],
): Promise<BillDocument[]> {
  const ids = keys.map(({ id }) => id);
  if (ids.length === 0) return [];
  const rows = await findBillRows(tx, ids);
  const bills = new Map((await withParts(tx, rows, 'bills.id', ids)).map((bill) => [bill.id, bill]));
  const rowOf = new Map(rows.map((row) => [row.id, row]));
  const orderReferences = await findOrderReferences(tx, ids);
  const corrected = await findCorrected(tx, ids);
  return ids.map((id) => {
    const [bill, row] = [bills.get(id), rowOf.get(id)];
    if (bill === undefined || row === undefined) throw new Error(`bill ${id} is lost within one snapshot`);
    return {
      ...bill,
      userId: row.user_id,
      username: row.username as Username,
      seller: JSON.parse(row.seller) as SellerOnBill,
      buyer: JSON.parse(row.buyer) as BuyerOnBill,
      orderReferences: new Map(
        bill.records.flatMap(({ orderId }) => {
          const reference = orderReferences.get(orderId);
          return reference === undefined ? [] : [[orderId, reference]];
        }),
      ),
      correctedBills: new Map(
        bill.records.flatMap(({ corrects }) => {
          const number = corrects === null ? undefined : corrected.get(corrects);
          return corrects === null || number === undefined ? [] : [[corrects, number]];
        }),
      ),
    };
  });
}

/** The rows of these bills, with their users' names. */
function findBillRows(tx: Transaction<Schema>, ids: readonly number[]) {
  return tx
    .selectFrom('bills')
    .innerJoin('users', 'users.id', 'bills.user_id')
    .selectAll('bills')
    .select('users.username')
    .where('bills.id', 'in', ids)
    .execute();
}

/** The references of the orders on these bills, by order, where they have one. */
async function findOrderReferences(
  tx: Transaction<Schema>,
  billIds: readonly number[],
): Promise<Map<number, string>> {
  const rows = await tx
    .selectFrom('orders')
    .select(['id', 'reference'])
    .where('reference', 'is not', null)
    .where('id', 'in', (eb) =>
      eb.selectFrom('bill_records').select('order_id').where('bill_id', 'in', billIds),
    )
    .execute();
  return new Map(rows.map(({ id, reference }) => [id, reference ?? '']));
}

/** The numbers of the bills that these bills correct, by the record that is corrected. */
async function findCorrected(
  tx: Transaction<Schema>,
  billIds: readonly number[],
): Promise<Map<number, number>> {
  const rows = await tx
    .selectFrom('bill_records as own')
    .innerJoin('bill_records as corrected', 'corrected.id', 'own.corrects_id')
    .innerJoin('bills', 'bills.id', 'corrected.bill_id')
    .select(['corrected.id', 'bills.number'])
    .where('own.bill_id', 'in', billIds)
    .execute();
  return new Map(rows.flatMap(({ id, number }) => (number === null ? [] : [[id, number]])));
}

/** These bills as bookkeeping sees them, in the same order. */
export async function findBookedBills(
  tx: Transaction<Schema>,
  keys: readonly BillKey[],
): Promise<BookedBill[]> {
  const ids = keys.map(({ id }) => id);
  if (ids.length === 0) return [];
  const rows = await findBillRows(tx, ids);
  const groups = await tx.selectFrom('bill_vats').selectAll().where('bill_id', 'in', ids).execute();
  const payments = await tx
    .selectFrom('payments')
    .select(['bill_id', 'paid_on', 'amount', 'reference'])
    .where('bill_id', 'in', ids)
    .orderBy('paid_on')
    .orderBy('id')
    .execute();
  const rowOf = new Map(rows.map((row) => [row.id, row]));
  const groupsOf = Map.groupBy(groups, ({ bill_id }) => bill_id);
  const paymentsOf = Map.groupBy(payments, ({ bill_id }) => bill_id);
  return ids.map((id) => {
    const row = rowOf.get(id);
    if (row === undefined) throw new Error(`bill ${id} is lost within one snapshot`);
    const buyer = JSON.parse(row.buyer) as BuyerOnBill;
    return {
      ...headOf(row),
      username: buyer.username,
      payee: buyerName(buyer),
      vatGroups: (groupsOf.get(id) ?? []).map(groupFromRow).sort(compareVatGroups),
      payments: (paymentsOf.get(id) ?? []).map(({ paid_on, amount, reference }) => ({
        paidOn: paid_on as Day,
        amount: BigInt(amount),
        reference: reference as Reference,
      })),
    };
  });
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
    .select(headColumns)
    .where('user_id', 'in', userIds)
    .orderBy('id')
    .execute();
  const userOf = new Map(rows.map(({ id, user_id }) => [id, user_id]));
  return Map.groupBy(await withParts(tx, rows, 'bills.user_id', userIds), ({ id }) => userOf.get(id) ?? 0);
}

/** The bills that these users have at exactly that instant, drafts too. */
export async function findBillsAt(
  tx: Transaction<Schema>,
  userIds: readonly number[],
  at: Instant,
): Promise<{ id: number; userId: number; currency: string }[]> {
  return tx
    .selectFrom('bills')
    .select(['id', 'user_id as userId', 'currency'])
    .where('issued_at', '=', at)
    .where(isAmong(tx, 'user_id', userIds))
    .execute();
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

/** A number and when the bill that has it was issued. */
export interface NumberedBill {
  readonly number: number;
  readonly issuedAt: Instant;
}

/** The bills whose numbers are above `after`, by number. */
export async function findNumberedBills(
  tx: Transaction<Schema>,
  { after, limit }: Page,
): Promise<NumberedBill[]> {
  const rows = await tx
    .selectFrom('bills')
    .select(['number', 'issued_at'])
    .where('number', '>', after)
    .orderBy('number')
    .limit(limit)
    .execute();
  return rows.map(({ number, issued_at }) => ({ number: number ?? 0, issuedAt: issued_at as Instant }));
}

/** The last number that was given to a bill; 0 before the first. */
export async function findLastNumber(tx: Transaction<Schema>): Promise<number> {
  const counter = await tx.selectFrom('bill_counters').select('last_number').executeTakeFirst();
  return counter?.last_number ?? 0;
}

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
