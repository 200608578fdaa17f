import type { Transaction } from 'kysely';
import type { BillDocument } from '../core/bill-document.ts';
import { explainRecord, type RecordExplanation } from '../core/bill-explanation.ts';
import type { BillReference } from '../core/bill-reference.ts';
import type { DraftSelection } from '../core/bill-selection.ts';
import { dueDayOf } from '../core/due-day.ts';
import { refuse } from '../core/errors.ts';
import { checkRange, dayOf, formatInstant, type Instant } from '../core/instant.ts';
import { checkDraftDate, checkIssueDate } from '../core/issue-date.ts';
import { findOwner, findReach } from '../io/db/access.ts';
import {
  type BillListFilter,
  type BillSummary,
  findBills,
  findDrafts,
  findNewestIssueDate,
  findOrderStarts,
  getBill,
  numberBills,
} from '../io/db/bills.ts';
import { isAmong } from '../io/db/bulk.ts';
import { readOrWrite } from '../io/db/database.ts';
import { findPayments, type StoredPayment } from '../io/db/payments.ts';
import type { Schema } from '../io/db/schema.ts';
import { findVatRateTable } from '../io/db/vat-rates.ts';
import type { Context } from './context.ts';

/**
 * The bills that pass the filter, by issue instant.
 * @throws RANGE_EMPTY, UNKNOWN_USER, FORBIDDEN
 */
export async function listBills(
  context: Context,
  {
    overdue = false,
    ...filter
  }: Omit<BillListFilter, 'within' | 'overdueOn'> & { readonly overdue?: boolean } = {},
): Promise<BillSummary[]> {
  checkRange(filter);
  const database = await context.db();
  const overdueOn = overdue ? dayOf(context.now) : undefined;
  return database.read(async (tx) => {
    await findOwner(tx, context.asUser, filter.username, 'bills');
    const within = await findReach(tx, context.asUser);
    return findBills(tx, { ...filter, overdueOn, within });
  });
}

/**
 * A bill with its payments.
 * @throws UNKNOWN_BILL
 */
export async function showBill(
  context: Context,
  reference: BillReference,
): Promise<BillDocument & { readonly payments: readonly StoredPayment[] }> {
  const database = await context.db();
  return database.read(async (tx) => {
    const bill = await getBill(tx, reference);
    return { ...bill, payments: await findPayments(tx, { billId: bill.id }) };
  });
}

/**
 * A bill, and where each of its records comes from.
 * @throws UNKNOWN_BILL
 */
export async function explainBill(
  context: Context,
  reference: BillReference,
): Promise<{ bill: BillDocument; records: RecordExplanation[] }> {
  const database = await context.db();
  return database.read(async (tx) => {
    const bill = await getBill(tx, reference);
    const rates = await findVatRateTable(tx);
    const starts = await findOrderStarts(tx, bill.id);
    const records = bill.records.map((record) => {
      const start = starts.get(record.orderId);
      if (start === undefined) throw new Error(`record ${record.id} has no order`);
      return explainRecord(record, start, rates);
    });
    return { bill, records };
  });
}

/**
 * Issues drafts: gives them the next numbers, by issue instant. What they charge stays. All of them, or none.
 * @param at the issue instant of all; default each draft's own
 * @param dryRun decides, and changes nothing: the numbers are null
 * @throws UNKNOWN_BILL, BILL_ISSUED, UNKNOWN_USER, ISSUE_DATE_BEFORE_DRAFT, ISSUE_DATE_IN_FUTURE,
 *   ISSUE_DATE_BEFORE_LAST_BILL, ISSUE_DATE_TAKEN
 */
export async function closeBills(
  context: Context,
  selection: DraftSelection,
  { at, dryRun = false }: { at?: Instant | undefined; dryRun?: boolean } = {},
): Promise<BillSummary[]> {
  const days = context.config['billing.payment_days'];
  return change(context, dryRun, async (tx) => {
    const drafts = await findDrafts(tx, selection);
    const newest = await findNewestIssueDate(tx, 'numbered');
    const bills = drafts.map((draft) => {
      const issuedAt = at ?? draft.issuedAt;
      checkDraftDate(draft, issuedAt);
      checkIssueDate(issuedAt, { now: context.now, newest });
      return { ...draft, issuedAt, dueOn: dueDayOf({ ...draft, issuedAt }, days) };
    });
    if (at !== undefined) await refuseTaken(tx, bills, at);
    if (dryRun) return bills;
    if (at !== undefined) {
      const ids = bills.map(({ id }) => id);
      await tx
        .updateTable('bills')
        .set({ issued_at: at })
        .where(isAmong(tx, 'id', ids))
        .execute();
    }
    const numbers = await numberBills(tx, bills);
    return bills.map((bill, index) => ({ ...bill, number: numbers[index] ?? null }));
  });
}

/**
 * Deletes drafts. What they charged is due again. All of them, or none.
 * @param dryRun finds them, and changes nothing
 * @throws UNKNOWN_BILL, BILL_ISSUED, UNKNOWN_USER
 */
export async function discardBills(
  context: Context,
  selection: DraftSelection,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<BillSummary[]> {
  return change(context, dryRun, async (tx) => {
    const drafts = await findDrafts(tx, selection);
    const ids = drafts.map(({ id }) => id);
    if (dryRun || ids.length === 0) return drafts;
    await tx
      .deleteFrom('bill_vats')
      .where(isAmong(tx, 'bill_id', ids))
      .execute();
    await tx
      .deleteFrom('bill_records')
      .where(isAmong(tx, 'bill_id', ids))
      .execute();
    await tx
      .deleteFrom('bills')
      .where(isAmong(tx, 'id', ids))
      .execute();
    return drafts;
  });
}

async function change<T>(
  context: Context,
  dryRun: boolean,
  work: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  return readOrWrite(await context.db(), { topic: 'bills', dryRun }, work);
}

/** A user has one bill of a currency at an instant: no other than these has it, and no two of these have it. */
async function refuseTaken(
  tx: Transaction<Schema>,
  bills: readonly BillSummary[],
  at: Instant,
): Promise<void> {
  const users = bills.map(({ userId }) => userId);
  const stored = await tx
    .selectFrom('bills')
    .select(['id', 'user_id', 'currency'])
    .where('issued_at', '=', at)
    .where(isAmong(tx, 'user_id', users))
    .execute();
  const holders = new Map(stored.map(({ id, user_id, currency }) => [`${user_id} ${currency}`, id]));
  for (const { id, userId, currency } of bills) {
    const place = `${userId} ${currency}`;
    const holder = holders.get(place) ?? id;
    if (holder !== id) throw refuse.ISSUE_DATE_TAKEN({ at: formatInstant(at), currency }).at(`draft ${id}`);
    holders.set(place, id);
  }
}
