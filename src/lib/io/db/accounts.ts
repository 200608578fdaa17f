import { sql, type Transaction } from 'kysely';
import type { Account } from '../../core/bill.ts';
import type { StoredRecord } from '../../core/charge.ts';
import type { Instant } from '../../core/instant.ts';
import type { Order } from '../../core/order.ts';
import { recordColumns, recordFromRow } from './bills.ts';
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

/**
 * The next users after `after` that a run has to look at, in the order of their ids: with orders that may have
 * something due, how many, and those who have a draft.
 */
export async function findUsersDue(
  tx: Transaction<Schema>,
  filter: AccountFilter,
  { after, limit }: { after: number; limit: number },
): Promise<{ userId: number; orders: number }[]> {
  const due = await ordersDue(tx, filter)
    .select(({ fn }) => ['user_id', fn.countAll<number>().as('orders')])
    .where('user_id', '>', after)
    .groupBy('user_id')
    .orderBy('user_id')
    .limit(limit)
    .execute();
  const drafts = await draftsOf(tx, filter)
    .select('user_id')
    .distinct()
    .where('user_id', '>', after)
    .orderBy('user_id')
    .limit(limit)
    .execute();
  const orders = new Map(drafts.map(({ user_id }) => [user_id, 0]));
  for (const row of due) orders.set(row.user_id, row.orders);
  return [...orders]
    .map(([userId, count]) => ({ userId, orders: count }))
    .sort((a, b) => a.userId - b.userId)
    .slice(0, limit);
}

/** The accounts of these users, in the order of their ids, with a fixed number of queries. */
export async function findAccounts(
  tx: Transaction<Schema>,
  userIds: readonly number[],
  until: Instant,
): Promise<UserAccount[]> {
  const people = await findPeopleByIds(tx, userIds);
  const orders = await findOrders(tx, userIds, until);
  const charged = await findCharged(tx, userIds, until);
  const bills = await tx
    .selectFrom('bills')
    .select(['user_id', 'currency', 'number', 'issued_at'])
    .where('user_id', 'in', userIds)
    .where(({ eb, or }) => or([eb('number', 'is', null), eb('issued_at', '=', until)]))
    .execute();
  const billsOf = Map.groupBy(bills, ({ user_id }) => user_id);
  return people.map((person) => {
    const own = billsOf.get(person.id) ?? [];
    return {
      person,
      orders: orders.get(person.id) ?? [],
      charged,
      draftPending: own.some(({ number }) => number === null),
      billedCurrencies: own.filter(({ issued_at }) => issued_at === until).map(({ currency }) => currency),
    };
  });
}

/** What may be due and, closed or not, what replaces another order or is replaced, by user. */
async function findOrders(
  tx: Transaction<Schema>,
  userIds: readonly number[],
  until: Instant,
): Promise<Map<number, Order[]>> {
  const rows = await tx
    .selectFrom('orders')
    .select([...orderColumns, 'orders.user_id'])
    .where('user_id', 'in', userIds)
    .where(({ eb, or, selectFrom }) => {
      const replaced = selectFrom('orders as successors')
        .select('successors.replaces_id')
        .where('successors.user_id', 'in', userIds)
        .where('successors.replaces_id', 'is not', null);
      return or([isDue(until), eb('replaces_id', 'is not', null), eb('orders.id', 'in', replaced)]);
    })
    .orderBy('user_id')
    .orderBy('orders.id')
    .execute();
  const orders = new Map<number, Order[]>();
  for (const row of rows) {
    const own = orders.get(row.user_id);
    if (own === undefined) orders.set(row.user_id, [orderFromRow(row)]);
    else own.push(orderFromRow(row));
  }
  return orders;
}

/**
 * The records of what may be due, by order, as `chargeOrder` reads them. The periods that it passes over are those
 * that `firstUnsettledPeriod` says; where the division here gives an earlier one, more is read and nothing changes.
 */
async function findCharged(
  tx: Transaction<Schema>,
  userIds: readonly number[],
  until: Instant,
): Promise<Map<number, StoredRecord[]>> {
  const firstUnsettled = sql<number>`coalesce((next_due_at - starts_at) / orders.recurring_period_seconds - 1, 0)`;
  const rows = await tx
    .selectFrom('orders')
    .innerJoin('bill_records', 'bill_records.order_id', 'orders.id')
    .innerJoin('bills', 'bills.id', 'bill_records.bill_id')
    .select(recordColumns)
    .where('orders.user_id', 'in', userIds)
    .where(isDue(until))
    .where(({ eb, or }) => or([eb('period_index', '=', -1), eb('period_index', '>=', firstUnsettled)]))
    .orderBy('order_id')
    .orderBy('period_index')
    .orderBy('seq')
    .execute();
  return Map.groupBy(rows.map(recordFromRow), ({ orderId }) => orderId);
}

function ordersDue(tx: Transaction<Schema>, { until, userIds }: AccountFilter) {
  const due = tx.selectFrom('orders').where(isDue(until));
  return userIds === null ? due : due.where('user_id', 'in', userIds);
}

function draftsOf(tx: Transaction<Schema>, { userIds }: AccountFilter) {
  const drafts = tx.selectFrom('bills').where('number', 'is', null);
  return userIds === null ? drafts : drafts.where('user_id', 'in', userIds);
}

/** Spelled as in the partial index `orders_open`: SQLite uses such an index only where its words stand in the query. */
function isDue(until: Instant) {
  return sql<boolean>`not closed and not not_for_billing and (next_due_at is null or next_due_at <= ${until})`;
}
