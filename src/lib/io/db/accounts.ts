import { sql, type Transaction } from 'kysely';
import type { Account } from '../../core/bill.ts';
import { firstUnsettledPeriod, mayBeDue, NO_PERIOD, type StoredRecord } from '../../core/charge.ts';
import { type Instant, LAST_INSTANT } from '../../core/instant.ts';
import type { Order } from '../../core/order.ts';
import { type RecordRow, recordColumns, recordFromRow } from './bills.ts';
import { isAmong, selectForEach } from './bulk.ts';
import { together } from './database.ts';
import { orderColumns, orderFromRow } from './orders.ts';
import { findPeopleByIds, type StoredPerson } from './people.ts';
import type { Schema } from './schema.ts';

/** Whom a run bills and up to when; `userIds` null is everybody. */
export interface AccountFilter {
  readonly until: Instant;
  readonly userIds: readonly number[] | null;
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

/** A user that a run has to look at: with how many orders that may have something due, or with a draft. */
export interface UserDue {
  readonly userId: number;
  readonly orders: number;
  /** The user's first draft. */
  readonly draftId: number | null;
}

const NO_DRAFT = sql<number | null>`cast(null as bigint)`;
const NO_ORDERS = sql<number>`cast(0 as bigint)`;

/** The next users after `after` that a run has to look at, in the order of their ids. */
export async function findUsersDue(
  tx: Transaction<Schema>,
  filter: AccountFilter,
  { after, limit }: { after: number; limit: number },
): Promise<UserDue[]> {
  const due = ordersDue(tx, filter)
    .select(({ fn }) => ['user_id', fn.countAll<number>().as('orders'), NO_DRAFT.as('draft_id')])
    .where('user_id', '>', after)
    .groupBy('user_id')
    .orderBy('user_id')
    .limit(limit);
  const drafts = draftsOf(tx, filter)
    .select(({ fn }) => ['user_id', NO_ORDERS.as('orders'), fn.min('bills.id').as('draft_id')])
    .where('user_id', '>', after)
    .groupBy('user_id')
    .orderBy('user_id')
    .limit(limit);
  const rows = await tx
    .selectFrom(
      tx
        .selectFrom(due.as('due'))
        .selectAll()
        .unionAll(tx.selectFrom(drafts.as('drafts')).selectAll())
        .as('users'),
    )
    .select(({ fn }) => ['user_id', fn.max('orders').as('orders'), fn.max('draft_id').as('draft_id')])
    .groupBy('user_id')
    .orderBy('user_id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ userId: row.user_id, orders: row.orders, draftId: row.draft_id }));
}

/**
 * The accounts of these users, in the order of their ids, with a fixed number of queries.
 * @param newest when the newest bill of anybody was issued before the run; not after `until`
 */
export async function findAccounts(
  tx: Transaction<Schema>,
  users: readonly UserDue[],
  { until, newest }: { until: Instant; newest: Instant | null },
): Promise<UserAccount[]> {
  const userIds = users.map(({ userId }) => userId);
  const [people, orders] = await together([findPeopleByIds(tx, userIds), findOrders(tx, userIds, until)]);
  const due = [...orders.values()].flat().filter((order) => mayBeDue(order, until));
  const charged = await findCharged(tx, due);
  const draftIds = new Map(users.map(({ userId, draftId }) => [userId, draftId]));
  const billed = newest === until ? await findCurrenciesBilled(tx, userIds, until) : NOT_BILLED;
  return people.map((person) => ({
    person,
    orders: orders.get(person.id) ?? [],
    charged,
    draftId: draftIds.get(person.id) ?? null,
    billedCurrencies: billed.get(person.id) ?? [],
  }));
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

/** What may be due and, closed or not, what replaces another order or is replaced, by user. */
async function findOrders(
  tx: Transaction<Schema>,
  userIds: readonly number[],
  until: Instant,
): Promise<Map<number, Order[]>> {
  const rows = await tx
    .selectFrom('orders')
    .leftJoin('order_due_times', 'order_due_times.order_id', 'orders.id')
    .select([...orderColumns, 'orders.user_id', 'next_due_at'])
    .where(isAmong(tx, 'user_id', userIds))
    .where(({ eb, or, selectFrom }) => {
      const replaced = selectFrom('orders as successors')
        .select('successors.replaces_id')
        .where(isAmong(tx, 'successors.user_id', userIds))
        .where('successors.replaces_id', 'is not', null);
      return or([isDue(until), eb('replaces_id', 'is not', null), eb('orders.id', 'in', replaced)]);
    })
    .orderBy('user_id')
    .orderBy('orders.id')
    .execute();
  const orders = new Map<number, Order[]>();
  for (const row of rows) {
    const order = orderFromRow(row, row.next_due_at);
    const own = orders.get(row.user_id);
    if (own === undefined) orders.set(row.user_id, [order]);
    else own.push(order);
  }
  return orders;
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

function draftsOf(tx: Transaction<Schema>, { userIds }: AccountFilter) {
  const drafts = tx.selectFrom('bills').where('number', 'is', null);
  return userIds === null ? drafts : drafts.where(isAmong(tx, 'user_id', userIds));
}

/**
 * As `mayBeDue` has it. Spelled as in the partial index `orders_open`: SQLite uses such an index only where its words
 * stand in the query.
 */
function isDue(until: Instant) {
  return sql<boolean>`not closed and not not_for_billing
    and (next_due_at is null or next_due_at <= ${until} or next_due_at > ${sql.lit(LAST_INSTANT)})`;
}
