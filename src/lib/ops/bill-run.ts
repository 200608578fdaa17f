import { setImmediate } from 'node:timers/promises';
import type { Transaction } from 'kysely';
import { type AccountDecision, type Bill, type BillingRun, decideBills } from '../core/bill.ts';
import { buyerOf, buyerOnBill } from '../core/bill-parties.ts';
import type { OrderState } from '../core/charge.ts';
import { dueDayOf } from '../core/due-day.ts';
import { refuse, UserError } from '../core/errors.ts';
import type { Day, Instant } from '../core/instant.ts';
import { checkIssueDate } from '../core/issue-date.ts';
import type { Currency, Minor } from '../core/money.ts';
import { type RunTerms, runTermsOf } from '../core/run-terms.ts';
import type { Username } from '../core/user.ts';
import { type AccountPage, countUsersDue, findAccounts, type UserAccount } from '../io/db/accounts.ts';
import { findNewestIssueDate } from '../io/db/bills.ts';
import { type Batch, together } from '../io/db/database.ts';
import { IdReserve } from '../io/db/ids.ts';
import {
  type NewBill,
  type Numbered,
  numberBills,
  type PreparedBills,
  prepareBills,
  saveOrderStates,
} from '../io/db/new-bills.ts';
import { findPeople } from '../io/db/people.ts';
import { findProvider } from '../io/db/provider.ts';
import type { Schema } from '../io/db/schema.ts';
import { takeStatistics } from '../io/db/statistics.ts';
import { findVatRateTable } from '../io/db/vat-rates.ts';
import { keepHeapSmall } from '../io/heap.ts';
import type { Context } from './context.ts';

/** Whom and what a run bills, and how. */
export interface BillRunOptions {
  /** The issue instant; default now. */
  readonly until?: Instant | undefined;
  /** Default everybody. */
  readonly usernames?: readonly Username[] | undefined;
  /** Make bills without numbers, to be closed or discarded. */
  readonly draft?: boolean;
  readonly dryRun?: boolean;
  /** How many users at most are billed in one transaction. */
  readonly usersPerBatch?: number;
  /** How many users at most are read, decided and stored at a time. */
  readonly usersPerPage?: number;
}

/** A bill that a run made; without id and number in a dry run, and without number for a draft. */
export interface MadeBill {
  readonly id: number | null;
  readonly number: number | null;
  readonly dueOn: Day | null;
  readonly username: Username;
  readonly bill: Bill;
}

/** A user for whom a run did nothing, and why. */
export interface SkippedUser {
  readonly username: Username;
  readonly refusal: UserError;
}

/** The sums of bills in one currency. */
export interface Totals {
  readonly net: Minor;
  readonly vat: Minor;
  readonly total: Minor;
}

/** What a run did, or would do. */
export interface BillRun {
  readonly until: Instant;
  /** The first thousand. */
  readonly bills: readonly MadeBill[];
  /** How many there are. */
  readonly created: number;
  readonly skipped: readonly SkippedUser[];
  /** By currency, in alphabetical order. */
  readonly totals: ReadonlyMap<Currency, Totals>;
}

const USERS_PER_BATCH = 5000;
const USERS_PER_PAGE = 3000;

/** A page or batch has no more than this, unless one user has: memory stays the same however many users there are. */
const MOST_ORDERS_PER_PAGE = 3000;
/** Small, because nothing can be stored before it is decided; each page after it may be twice as large. */
const ORDERS_OF_FIRST_PAGE = 500;
const MOST_RECORDS_PER_BATCH = 20_000;

/** Less than a millisecond's work. */
const USERS_PER_TURN = 10;

const MOST_BILLS_LISTED = 1000;

/** So many bills change the tables enough for the planner of PostgreSQL to look at them again. */
const BULK_OF_BILLS = 1000;

/**
 * Bills everything that is due, user by user: all of a user or, with a reason, nothing.
 * @throws ISSUE_DATE_IN_FUTURE unless it is a dry run, ISSUE_DATE_BEFORE_LAST_BILL, UNKNOWN_USER, DATABASE_BUSY
 */
export async function generateBills(context: Context, options: BillRunOptions = {}): Promise<BillRun> {
  keepHeapSmall();
  const database = await context.db();
  const run = (batch: Batch) => runInBatches(context, batch, options);
  return options.dryRun === true ? database.readInBatches(run) : database.writeInBatches('bills', run);
}

async function runInBatches(context: Context, batch: Batch, options: BillRunOptions): Promise<BillRun> {
  const plan = await batch((tx) => prepare(tx, context, options));
  const bills: MadeBill[] = [];
  const skipped: SkippedUser[] = [];
  const totals = new Map<Currency, Totals>();
  let created = 0;
  let seen = 0;
  for (let after = 0; ; ) {
    const done = await batch((tx) => billNextUsers(tx, plan, after));
    if (done === null) break;
    after = done.lastUserId;
    seen += done.users;
    created += done.created;
    bills.push(...done.bills.slice(0, MOST_BILLS_LISTED - bills.length));
    skipped.push(...done.skipped);
    for (const [currency, sums] of done.totals) totals.set(currency, add(totals.get(currency), sums));
    context.progress(seen, plan.usersDue === null ? null : Math.max(seen, plan.usersDue), 'users');
  }
  if (options.dryRun !== true && created >= BULK_OF_BILLS) await batch(takeStatisticsOfBills);
  const sorted = new Map([...totals].sort(([a], [b]) => (a < b ? -1 : 1)));
  return { until: plan.until, bills, created, skipped, totals: sorted };
}

/** What is the same for all users of a run. */
interface Plan extends BillingRun, RunTerms {
  readonly userIds: readonly number[] | null;
  /** Null when nobody sees how many are left. */
  readonly usersDue: number | null;
  /** When the newest bill was issued before this run. */
  readonly newest: Instant | null;
  readonly draft: boolean;
  readonly dryRun: boolean;
  readonly usersPerBatch: number;
  readonly usersPerPage: number;
  readonly paymentDays: number;
}

async function prepare(
  tx: Transaction<Schema>,
  { now, config, showsProgress }: Context,
  options: BillRunOptions,
): Promise<Plan> {
  const { until = now, usernames, draft = false, dryRun = false } = options;
  const { usersPerBatch = USERS_PER_BATCH, usersPerPage = USERS_PER_PAGE } = options;
  const newest = await findNewestIssueDate(tx, 'all');
  checkIssueDate(until, { now: dryRun ? until : now, newest });
  const terms = runTermsOf(await findProvider(tx), await findVatRateTable(tx));
  const userIds = usernames === undefined ? null : await idsOf(tx, usernames);
  const usersDue = showsProgress ? await countUsersDue(tx, { until, userIds }) : null;
  const paymentDays = config['billing.payment_days'];
  const limits = { usersPerBatch, usersPerPage };
  return { ...terms, until, newest, userIds, usersDue, draft, dryRun, ...limits, paymentDays };
}

async function idsOf(tx: Transaction<Schema>, usernames: readonly Username[]): Promise<number[]> {
  const people = await findPeople(tx, usernames);
  const known = new Set(people.map(({ user }) => user.username));
  const unknown = usernames.find((username) => !known.has(username));
  if (unknown !== undefined) throw refuse.UNKNOWN_USER({ username: unknown });
  return people.map(({ id }) => id);
}

interface BillToStore extends NewBill {
  readonly username: Username;
  readonly dueOn: Day | null;
}

/** What one batch did. */
interface BatchOutcome {
  readonly lastUserId: number;
  readonly users: number;
  /** The first thousand. */
  readonly bills: readonly MadeBill[];
  readonly created: number;
  readonly skipped: readonly SkippedUser[];
  readonly totals: ReadonlyMap<Currency, Totals>;
}

/**
 * Bills the next users after `after`; null when nobody is left. They pass in pages: while one is decided here, the
 * database stores the one before it and reads the one after it.
 */
async function billNextUsers(
  tx: Transaction<Schema>,
  plan: Plan,
  after: number,
): Promise<BatchOutcome | null> {
  const listed: BillToStore[] = [];
  const stored: Numbered[] = [];
  const skipped: SkippedUser[] = [];
  const totals = new Map<Currency, Totals>();
  let [users, created, records, lastUserId] = [0, 0, 0, after];

  const reserve = new IdReserve(tx, 'bills');
  let orders = ORDERS_OF_FIRST_PAGE;
  let page = await readPage(tx, plan, { after, users: plan.usersPerBatch, orders });
  if (page.accounts.length === 0) return null;
  for (let decided = NOTHING; page.accounts.length > 0 || decided.users > 0; ) {
    const { accounts, isLast } = page;
    orders = Math.min(2 * orders, MOST_ORDERS_PER_PAGE);
    const next = {
      after: accounts.at(-1)?.person.id ?? after,
      users: plan.usersPerBatch - users - accounts.length,
      orders,
    };
    // Ids are asked for before the database begins to store: they would come only when it has ended.
    const ids = decided.prepared.ids.length === 0 ? null : reserve.fill(accounts.length);
    const [read, done] = await together([
      isLast || next.users === 0 ? NO_PAGE : readPage(tx, plan, next),
      decidePage(tx, plan, accounts, { reserve, room: MOST_RECORDS_PER_BATCH - records }),
      plan.dryRun ? null : storePage(tx, decided),
      ids,
    ]);
    listed.push(...done.bills.slice(0, MOST_BILLS_LISTED - listed.length));
    stored.push(...done.prepared.ids.map((id, index) => ({ id, dueOn: done.bills[index]?.dueOn ?? null })));
    skipped.push(...done.skipped);
    for (const { bill } of done.bills) totals.set(bill.currency, add(totals.get(bill.currency), bill));
    created += done.bills.length;
    users += done.users;
    records += done.records;
    lastUserId = accounts[done.users - 1]?.person.id ?? lastUserId;
    page = done.users < accounts.length ? NO_PAGE : read;
    decided = done;
  }

  const numbers = plan.draft ? [] : await numberBills(tx, stored);
  return {
    lastUserId,
    users,
    bills: listed.map(({ username, dueOn, bill }, index) => ({
      id: stored[index]?.id ?? null,
      number: numbers[index] ?? null,
      dueOn,
      username,
      bill,
    })),
    created,
    skipped,
    totals,
  };
}

const NO_PAGE: AccountPage = { accounts: [], isLast: true };

function readPage(
  tx: Transaction<Schema>,
  plan: Plan,
  { users, ...part }: { after: number; users: number; orders: number },
): Promise<AccountPage> {
  return findAccounts(tx, plan, { ...part, users: Math.min(users, plan.usersPerPage) });
}

/** What is decided about a page of users: all of them, or the first ones when there is room for no more records. */
interface DecidedPage {
  readonly users: number;
  readonly bills: readonly BillToStore[];
  readonly prepared: PreparedBills;
  readonly records: number;
  readonly states: readonly OrderState[];
  readonly skipped: readonly SkippedUser[];
}

const NO_BILLS: PreparedBills = { ids: [], store: async () => {} };
const NOTHING: DecidedPage = {
  users: 0,
  bills: [],
  prepared: NO_BILLS,
  records: 0,
  states: [],
  skipped: [],
};

/**
 * Decides a page and makes its bills ready to be stored.
 * @param reserve of ids for the bills
 * @param room the page ends after the user with whom it has more records
 */
async function decidePage(
  tx: Transaction<Schema>,
  plan: Plan,
  accounts: readonly UserAccount[],
  { reserve, room }: { reserve: IdReserve; room: number },
): Promise<DecidedPage> {
  const bills: BillToStore[] = [];
  const states: OrderState[] = [];
  const skipped: SkippedUser[] = [];
  let [users, records] = [0, 0];
  for (const account of accounts) {
    const { id: userId, user } = account.person;
    const decision = decide(plan, account);
    users += 1;
    // The database waits for its next statement as long as nobody looks for its answer.
    if (users % USERS_PER_TURN === 0) await setImmediate();
    if (decision.skipped !== null) {
      skipped.push({ username: user.username, refusal: decision.skipped.about(user.username) });
      continue;
    }
    const buyer = buyerOnBill(account.person);
    for (const bill of decision.bills) {
      const dueOn = plan.draft ? null : dueDayOf(bill, plan.paymentDays);
      bills.push({ userId, username: user.username, bill, dueOn, seller: plan.seller, buyer });
      records += bill.records.length;
    }
    for (const state of decision.states) states.push(state);
    if (records > room) break;
  }
  const prepared = plan.dryRun || bills.length === 0 ? NO_BILLS : await prepareBills(tx, reserve, bills);
  return { users, bills, prepared, records, states, skipped };
}

function decide(plan: Plan, account: UserAccount): AccountDecision {
  try {
    return decideBills(plan, { ...account, buyer: buyerOf(account.person) });
  } catch (error) {
    if (error instanceof UserError) return { skipped: error };
    throw error;
  }
}

async function storePage(tx: Transaction<Schema>, { prepared, states }: DecidedPage): Promise<void> {
  await together([prepared.store(), saveOrderStates(tx, states)]);
}

/** Of the columns by which rows are found: the long ones beside them would take twice as long. */
async function takeStatisticsOfBills(tx: Transaction<Schema>): Promise<void> {
  await takeStatistics(tx, 'bills', ['id', 'user_id', 'currency', 'issued_at', 'number', 'due_on']);
  await takeStatistics(tx, 'bill_records', [
    'id',
    'bill_id',
    'order_id',
    'kind',
    'period_index',
    'corrects_id',
  ]);
  await takeStatistics(tx, 'bill_vats', ['bill_id']);
}

function add(sum: Totals | undefined, { net, vat, total }: Totals): Totals {
  if (sum === undefined) return { net, vat, total };
  return { net: sum.net + net, vat: sum.vat + vat, total: sum.total + total };
}
