import type { Transaction } from 'kysely';
import type { BillDocument } from '../core/bill-document.ts';
import { explainRecord, type RecordExplanation } from '../core/bill-explanation.ts';
import type { BillReference } from '../core/bill-reference.ts';
import { dueDayOf } from '../core/due-day.ts';
import { refuse } from '../core/errors.ts';
import { dayOf, formatInstant, type Instant } from '../core/instant.ts';
import { checkIssueDate } from '../core/issue-date.ts';
import { checkReach, findReach } from '../io/db/access.ts';
import {
  type BillListFilter,
  type BillSummary,
  findBills,
  findNewestIssueDate,
  findOrderStarts,
  getBill,
  numberBills,
} from '../io/db/bills.ts';
import { only } from '../io/db/database.ts';
import { findPayments, type StoredPayment } from '../io/db/payments.ts';
import { findUserId } from '../io/db/people.ts';
import type { Schema } from '../io/db/schema.ts';
import { findVatRateTable } from '../io/db/vat-rates.ts';
import type { Context } from './context.ts';

/**
 * The bills that pass the filter, by issue instant.
 * @throws UNKNOWN_USER, FORBIDDEN
 */
export async function listBills(
  context: Context,
  {
    overdue = false,
    ...filter
  }: Omit<BillListFilter, 'within' | 'overdueOn'> & { readonly overdue?: boolean } = {},
): Promise<BillSummary[]> {
  const database = await context.db();
  const overdueOn = overdue ? dayOf(context.now) : undefined;
  return database.read(async (tx) => {
    const { asUser } = context;
    const { username } = filter;
    if (username !== undefined) {
      await findUserId(tx, username);
      await checkReach(tx, asUser, username, `bills of ${username}`);
    }
    const within = await findReach(tx, asUser);
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
 * Issues a draft: gives it the next number. What it charges stays.
 * @param at the issue instant; default the draft's own
 * @throws UNKNOWN_BILL, BILL_ISSUED, ISSUE_DATE_BEFORE_DRAFT, ISSUE_DATE_IN_FUTURE, ISSUE_DATE_BEFORE_LAST_BILL,
 *   ISSUE_DATE_TAKEN
 */
export async function closeBill(context: Context, id: number, at?: Instant): Promise<BillSummary> {
  const database = await context.db();
  return database.write('bills', async (tx) => {
    const draft = await findDraft(tx, id);
    const issuedAt = at ?? draft.issuedAt;
    if (issuedAt < draft.issuedAt) {
      const [asked, own] = [formatInstant(issuedAt), formatInstant(draft.issuedAt)];
      throw refuse.ISSUE_DATE_BEFORE_DRAFT({ id, at: asked, own });
    }
    checkIssueDate(issuedAt, { now: context.now, newest: await findNewestIssueDate(tx, 'numbered') });
    const taken = await tx
      .selectFrom('bills')
      .select('id')
      .where('user_id', '=', draft.userId)
      .where('currency', '=', draft.currency)
      .where('issued_at', '=', issuedAt)
      .where('id', '<>', id)
      .executeTakeFirst();
    if (taken !== undefined) {
      throw refuse.ISSUE_DATE_TAKEN({ at: formatInstant(issuedAt), currency: draft.currency });
    }
    await tx.updateTable('bills').set({ issued_at: issuedAt }).where('id', '=', id).execute();
    const dueOn = dueDayOf({ ...draft, issuedAt }, context.config['billing.payment_days']);
    const number = only(await numberBills(tx, [{ id, dueOn }]));
    return { ...draft, issuedAt, dueOn, number };
  });
}

/**
 * Deletes a draft. What it charged is due again.
 * @throws UNKNOWN_BILL, BILL_ISSUED
 */
export async function discardBill(context: Context, id: number): Promise<BillSummary> {
  const database = await context.db();
  return database.write('bills', async (tx) => {
    const draft = await findDraft(tx, id);
    await tx.deleteFrom('bill_vats').where('bill_id', '=', id).execute();
    await tx.deleteFrom('bill_records').where('bill_id', '=', id).execute();
    await tx.deleteFrom('bills').where('id', '=', id).execute();
    return draft;
  });
}

async function findDraft(tx: Transaction<Schema>, id: number): Promise<BillSummary> {
  const draft = await getBill(tx, { id });
  if (draft.number !== null) throw refuse.BILL_ISSUED({ id, number: draft.number });
  return { ...draft, paid: 0n, recordCount: draft.records.length };
}
