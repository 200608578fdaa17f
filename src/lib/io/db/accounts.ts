import { sql, type Transaction } from 'kysely';
import type { Account } from '../../core/bill.ts';
import { firstUnsettledPeriod, NO_PERIOD, type StoredRecord } from '../../core/charge.ts';
import { type Instant, LAST_INSTANT } from '../../core/instant.ts';
import type { Order } from '../../core/order.ts';
import { type RecordRow, recordColumns, recordFromRow } from './bills.ts';
import { isAmong, selectForEach } from './bulk.ts';
import { together } from './database.ts';
import { type OrderRow, orderColumns, orderFromRow } from './orders.ts';
import type { Page } from './pages.ts';
import { findPeopleByIds, type StoredPerson } from './people.ts';
import type { Schema } from './schema.ts';

/** Whom a run bills and up to when; `userIds` null is everybody. */
export interface AccountFilter {
  readonly until: Instant;
  readonly userIds: readonly number[] | null;
}

/** What a run says of itself to those who read for it. */
export interface BillingSpan extends AccountFilter {
  /** When the newest bill of anybody was issued before the run; not after `until`. */
  readonly newest: Instant | null;
}

/** A user and all that a run reads about the user, but for the buyer, which is made of the person. */
export interface UserAccount extends Omit<Account, 'buyer'> {
  readonly person: StoredPerson;
}

/** How many users have an order that may have something due. */
export async function countUsersDue(tx: Transaction<Schema>, filter: AccountFilter): Promise<number> {
  const { count } = await ordersDue(tx, filter)
    .select(({ fn }) => fn.count<number>('user_id').distinct().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** Users, in the order of their ids, with all that is needed to decide their bills. */
export interface AccountPage {
  readonly accounts: readonly UserAccount[];
  /** Whether nobody is left after them. */
  readonly isLast: boolean;
}

/**
 * The next users after `after` that a run has to look at, with a fixed number of queries: those with an order that may
 * have something due, or with a draft.
 * @param users how many at most
 * @param orders how many that may have something due they have together at most, unless one user has more
 */
export async function findAccounts(
  tx: Transaction<Schema>,
  run: BillingSpan,
  { after, users, orders }: { after: number; users: number; orders: number },
): Promise<AccountPage> {
  const [found, drafts] = await together([
    findOrdersDue(tx, run, { after, limit: orders + 1 }),
    findDraftOwners(tx, run, { after, limit: users }),
  ]);
  // Of the user with whom there are too many orders some are missing.
  const cut = found.length > orders ? found.at(-1)?.userId : undefined;
  const isOneUser = cut !== undefined && found[0]?.userId === cut;
  const due = isOneUser ? await findOrdersDue(tx, { ...run, userIds: [cut] }, { after }) : found;
  const through = Math.min(
    cut === undefined ? Number.POSITIVE_INFINITY : isOneUser ? cut : cut - 1,
    drafts.length < users ? Number.POSITIVE_INFINITY : (drafts.at(-1)?.userId ?? after),
  );
  const known = [...new Set([...due, ...drafts].map(({ userId }) => userId))]
    .filter((id) => id <= through)
    .sort((a, b) => a - b);
  const userIds = known.slice(0, users);
  const isLast = through === Number.POSITIVE_INFINITY && userIds.length === known.length;
  const last = userIds.at(-1);
  if (last === undefined) return { accounts: [], isLast };
  const own = due.filter(({ userId }) => userId <= last);
  const draftIds = new Map(drafts.map(({ userId, id }) => [userId, id]));
  const [people, linked, charged, billed] = await together([
    findPeopleByIds(tx, userIds),
    findOrdersLinked(tx, userIds),
    findCharged(tx, own),
    run.newest === run.until ? findCurrenciesBilled(tx, userIds, run.until) : NOT_BILLED,
  ]);
  const ordersOf = Map.groupBy(merge(own, linked), ({ userId }) => userId);
  const accounts = people.map((person) => ({
    person,
    orders: ordersOf.get(person.id) ?? [],
    charged,
    draftId: draftIds.get(person.id) ?? null,
    billedCurrencies: billed.get(person.id) ?? [],
  }));
  return { accounts, isLast };
}

const NOT_BILLED: ReadonlyMap<number, string[]> = new Map();

/** The currencies of the bills that these users have at exactly that instant. */
async function findCurrenciesBilled(
  tx: Transaction<Schema>,
  userIds: readonly number[],
  at: Instant,
): Promise<Map<number, string[]>> {
  const rows = await tx
    .selectFrom('bills')
    .select(['user_id', 'currency'])
    .where(isAmong(tx, 'user_id', userIds))
    // The sum keeps PostgreSQL from its index on issued_at, where all bills of a run stand side by side.
    .where(sql`issued_at + 0`, '=', at)
    .execute();
  const currencies = new Map<number, string[]>();
  for (const { user_id, currency } of rows)
    currencies.set(user_id, [...(currencies.get(user_id) ?? []), currency]);
  return currencies;
}

interface OwnedOrder extends Order {
  readonly userId: number;
}

/** The next orders that may have something due, by user, then id. */
async function findOrdersDue(
  tx: Transaction<Schema>,
  filter: AccountFilter,
  { after, limit }: { after: number; limit?: number },
): Promise<OwnedOrder[]> {
  let query = ordersDue(tx, filter)
    .select([...orderColumns, 'user_id', 'next_due_at'])
    .where('user_id', '>', after)
    .orderBy('user_id')
    .orderBy('orders.id');
  if (limit !== undefined) query = query.limit(limit);
  return (await query.execute()).map(ownedOrder);
}

/** Closed or not, what replaces another order of these users, or is replaced. */
async function findOrdersLinked(tx: Transaction<Schema>, userIds: readonly number[]): Promise<OwnedOrder[]> {
  const rows = await tx
    .with('replacing', (db) =>
      db
        .selectFrom('orders')
        .select(['id', sql<number>`replaces_id`.as('replaced_id')])
        .where(isAmong(tx, 'user_id', userIds))
        .where('replaces_id', 'is not', null),
    )
    .selectFrom('orders')
    .leftJoin('order_due_times', 'order_due_times.order_id', 'orders.id')
    .select([...orderColumns, 'user_id', 'next_due_at'])
    .where('orders.id', 'in', ({ selectFrom }) =>
      selectFrom('replacing')
        .select('replacing.id')
        .union(selectFrom('replacing').select('replacing.replaced_id as id')),
    )
    .execute();
  return rows.map(ownedOrder);
}

function ownedOrder(row: OrderRow & { user_id: number; next_due_at: number | null }): OwnedOrder {
  return { ...orderFromRow(row, row.next_due_at), userId: row.user_id };
}

/** Both, each order once, in the order of their ids. */
function merge(due: readonly OwnedOrder[], linked: readonly OwnedOrder[]): readonly OwnedOrder[] {
  if (linked.length === 0) return due;
  const byId = new Map([...due, ...linked].map((order) => [order.id, order]));
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

/** The next users with drafts, each with the first one. */
async function findDraftOwners(
  tx: Transaction<Schema>,
  { userIds }: AccountFilter,
  { after, limit }: Page,
): Promise<{ userId: number; id: number }[]> {
  let query = tx
    .selectFrom('bills')
    .select(({ fn }) => ['user_id as userId', fn.min<number>('id').as('id')])
    .where('number', 'is', null)
    .where('user_id', '>', after)
    .groupBy('user_id')
    .orderBy('user_id')
    .limit(limit);
  if (userIds !== null) query = query.where(isAmong(tx, 'user_id', userIds));
  return query.execute();
}

/**
 * The records of these orders as `chargeOrder` reads them, by order. A one-time record is read only where there is a
 * one-time price: where there is none, none is charged.
 */
async function findCharged(
  tx: Transaction<Schema>,
  orders: readonly Order[],
): Promise<Map<number, StoredRecord[]>> {
  const given = {
    columns: ['order_id', 'first_period'],
    rows: orders.flatMap((order) => {
      const recurring = [order.id, firstUnsettledPeriod(order)];
      return order.oneTimePrice === 0n ? [recurring] : [[order.id, NO_PERIOD], recurring];
    }),
  };
  const columns = recordColumns.filter((column) => column !== 'bills.currency');
  const records = selectForEach(tx, given, {
    select: sql`
      ${sql.join(columns.map((column) => sql.ref(column)))},
      (select currency from bills where bills.id = bill_id) as currency`,
    from: sql`bill_records`,
    where: sql`
      bill_records.order_id = given.order_id and period_index >= first_period
      and kind = case when first_period = ${sql.lit(NO_PERIOD)} then 'one_time' else 'recurring' end`,
  });
  const { rows } = await sql<RecordRow>`
    select * from (${records}) as records order by order_id, period_index, seq`.execute(tx);
  return Map.groupBy(rows.map(recordFromRow), ({ orderId }) => orderId);
}

function ordersDue(tx: Transaction<Schema>, { until, userIds }: AccountFilter) {
  const due = tx
    .selectFrom('orders')
    .leftJoin('order_due_times', 'order_due_times.order_id', 'orders.id')
    .where(isDue(until));
  return userIds === null ? due : due.where(isAmong(tx, 'user_id', userIds));
}

/**
 * As `mayBeDue` has it. Spelled as in the partial index `orders_open`: SQLite uses such an index only where its words
 * stand in the query.
 */
function isDue(until: Instant) {
  return sql<boolean>`not closed and not not_for_billing
    and (next_due_at is null or next_due_at <= ${until} or next_due_at > ${sql.lit(LAST_INSTANT)})`;
}
