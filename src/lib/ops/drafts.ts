import type { Transaction } from 'kysely';
import type { DraftSelection } from '../core/bill-selection.ts';
import { isOutdated } from '../core/draft.ts';
import { dueDayOf } from '../core/due-day.ts';
import { refuse } from '../core/errors.ts';
import { formatInstant, type Instant } from '../core/instant.ts';
import { checkDraftDate, checkIssueDate } from '../core/issue-date.ts';
import { runTermsOf } from '../core/run-terms.ts';
import { type BillSummary, findBillsAt, findNewestIssueDate } from '../io/db/bills.ts';
import { only, readOrWrite } from '../io/db/database.ts';
import { findDraftParties, findDrafts, removeDrafts, saveIssueDate } from '../io/db/drafts.ts';
import { findHistories } from '../io/db/histories.ts';
import { numberBills } from '../io/db/new-bills.ts';
import { findPeopleByIds } from '../io/db/people.ts';
import { findProvider } from '../io/db/provider.ts';
import type { Schema } from '../io/db/schema.ts';
import { findVatRateTable } from '../io/db/vat-rates.ts';
import { keepHeapSmall } from '../io/heap.ts';
import type { Context } from './context.ts';

/** A draft that was issued. */
export interface ClosedDraft extends BillSummary {
  /** It would have come out otherwise if it had been discarded and made anew, for its own instant. */
  readonly outdated: boolean;
}

const DRAFTS_PER_PAGE = 200;

/**
 * Issues drafts: gives them the next numbers, by issue instant. What they charge stays, and those that would come out
 * otherwise by now are told. All of them, or none.
 * @param at the issue instant of all; default each draft's own
 * @param dryRun decides, and changes nothing: the numbers are null
 * @throws UNKNOWN_BILL, BILL_ISSUED, UNKNOWN_USER, ISSUE_DATE_BEFORE_DRAFT, ISSUE_DATE_IN_FUTURE,
 *   ISSUE_DATE_BEFORE_LAST_BILL, ISSUE_DATE_TAKEN
 */
export async function closeBills(
  context: Context,
  selection: DraftSelection,
  { at, dryRun = false }: { at?: Instant | undefined; dryRun?: boolean } = {},
): Promise<ClosedDraft[]> {
  keepHeapSmall();
  const days = context.config['billing.payment_days'];
  return readOrWrite(await context.db(), { topic: 'bills', dryRun }, async (tx) => {
    const drafts = await findDrafts(tx, selection);
    const newest = await findNewestIssueDate(tx, 'numbered');
    const dated = drafts.map((draft) => {
      const issuedAt = at ?? draft.issuedAt;
      checkDraftDate(draft, issuedAt);
      checkIssueDate(issuedAt, { now: context.now, newest });
      return { ...draft, issuedAt, dueOn: dueDayOf({ ...draft, issuedAt }, days) };
    });
    if (at !== undefined) await refuseTaken(tx, dated, at);
    const outdated = await findOutdated(tx, drafts);
    if (at !== undefined && !dryRun) await saveIssueDate(tx, drafts, at);
    const numbers = dryRun ? [] : await numberBills(tx, dated);
    return dated.map((bill, index) => ({
      ...bill,
      number: numbers[index] ?? null,
      outdated: outdated.has(bill.id),
    }));
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
  return readOrWrite(await context.db(), { topic: 'bills', dryRun }, async (tx) => {
    const drafts = await findDrafts(tx, selection);
    if (!dryRun) await removeDrafts(tx, drafts);
    return drafts;
  });
}

/** The drafts that would come out otherwise if they were discarded and made anew, each for its own instant. */
async function findOutdated(tx: Transaction<Schema>, drafts: readonly BillSummary[]): Promise<Set<number>> {
  const outdated = new Set<number>();
  if (drafts.length === 0) return outdated;
  const terms = runTermsOf(await findProvider(tx), await findVatRateTable(tx));
  for (let start = 0; start < drafts.length; start += DRAFTS_PER_PAGE) {
    const page = drafts.slice(start, start + DRAFTS_PER_PAGE);
    const userIds = [...new Set(page.map(({ userId }) => userId))];
    const people = new Map((await findPeopleByIds(tx, userIds)).map((person) => [person.id, person]));
    const histories = await findHistories(tx, userIds);
    const parties = await findDraftParties(
      tx,
      page.map(({ id }) => id),
    );
    for (const { id, userId } of page) {
      const [person, history] = [known(people, userId), known(histories, userId)];
      const draft = only(history.bills.filter((bill) => bill.id === id));
      if (isOutdated(draft, known(parties, id), { person, history }, terms)) outdated.add(id);
    }
  }
  return outdated;
}

/** What one snapshot must have. */
function known<T>(rows: ReadonlyMap<number, T>, id: number): T {
  const row = rows.get(id);
  if (row === undefined) throw new Error(`${id} is lost within one snapshot`);
  return row;
}

/** A user has one bill of a currency at an instant: no other than these has it, and no two of these have it. */
async function refuseTaken(
  tx: Transaction<Schema>,
  bills: readonly BillSummary[],
  at: Instant,
): Promise<void> {
  const users = bills.map(({ userId }) => userId);
  const stored = await findBillsAt(tx, users, at);
  const holders = new Map(stored.map(({ id, userId, currency }) => [`${userId} ${currency}`, id]));
  for (const { id, userId, currency } of bills) {
    const place = `${userId} ${currency}`;
    const holder = holders.get(place) ?? id;
    if (holder !== id) throw refuse.ISSUE_DATE_TAKEN({ at: formatInstant(at), currency }).at(`draft ${id}`);
    holders.set(place, id);
  }
}
