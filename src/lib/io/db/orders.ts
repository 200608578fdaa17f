import type { Selectable, Transaction } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import { effectiveEnd, impliedEnds, type NewOrder, type Order } from '../../core/order.ts';
import type { ProductName } from '../../core/product.ts';
import type { OrderKey, Reference } from '../../core/reference.ts';
import type { Username } from '../../core/user.ts';
import type { Reach } from './access.ts';
import { insertRows, isAmong } from './bulk.ts';
import type { Page } from './pages.ts';
import type { Schema } from './schema.ts';

/** The columns that make an `Order`, for a query whose tables include `orders`. */
export const orderColumns = [
  'orders.id',
  'orders.description',
  'orders.currency',
  'orders.one_time_price',
  'orders.recurring_price',
  'orders.quantity',
  'orders.recurring_period_seconds',
  'orders.commitment_periods',
  'orders.charge',
  'orders.starts_at',
  'orders.ends_at',
  'orders.not_for_billing',
  'orders.closed',
  'orders.replaces_id',
] as const;

type Unqualified<Name> = Name extends `orders.${infer Column}` ? Column : never;

/** What `orderColumns` select. */
export type OrderRow = Pick<Selectable<Schema['orders']>, Unqualified<(typeof orderColumns)[number]>>;

/**
 * The order of a row. It is not checked: another writer may have stored anything that the constraints allow.
 * @param nextDueAt the saved time of `order_due_times`, for those who want to save time
 */
export function orderFromRow(row: OrderRow, nextDueAt: number | null = null): Order {
  return {
    id: row.id,
    description: row.description,
    currency: row.currency,
    oneTimePrice: BigInt(row.one_time_price),
    recurringPrice: BigInt(row.recurring_price),
    quantity: row.quantity,
    recurringPeriodSeconds: row.recurring_period_seconds,
    commitmentPeriods: row.commitment_periods,
    charge: row.charge,
    startsAt: row.starts_at as Instant,
    endsAt: row.ends_at as Instant | null,
    notForBilling: row.not_for_billing,
    closed: row.closed,
    nextDueAt: nextDueAt as Instant | null,
    replaces: row.replaces_id,
  };
}

/** An order with all that its row says. */
export interface PlacedOrderRow extends Order {
  readonly userId: number;
  readonly username: Username;
  readonly product: ProductName | null;
  readonly reference: Reference | null;
  /** The reference of the replaced order, or its id in digits if it has none. */
  readonly predecessor: string | null;
  readonly serviceEndsAt: Instant | null;
  readonly createdAt: Instant;
}

/** An order with all that is known about it. */
export interface StoredOrder extends PlacedOrderRow {
  /** The ids of the orders that replace it. */
  readonly replacedBy: readonly number[];
  /** The effective end: `endsAt`, or else the one that follows from replacement. */
  readonly end: Instant | null;
}

/** Which orders; what is absent does not matter. */
export interface OrderFilter {
  readonly id?: number;
  readonly ids?: readonly number[];
  readonly references?: readonly Reference[];
  readonly userId?: number | undefined;
  readonly within?: Reach;
  readonly productId?: number | undefined;
  /** Only orders that have started by then and that have no end of their own up to then. */
  readonly startedAt?: Instant | undefined;
  /** Only ids above this one, and at most `limit` orders. */
  readonly page?: Page;
}

/** The orders that the filter lets through, in the order of their ids, in two statements. */
export async function findOrders(tx: Transaction<Schema>, filter: OrderFilter): Promise<StoredOrder[]> {
  const orders = await findOrderRows(tx, filter);
  const successors = await findSuccessors(
    tx,
    orders.map(({ id }) => id),
  );
  const implied = impliedEnds(successors);
  const successorsOf = Map.groupBy(successors, ({ replaces }) => replaces);
  return orders.map((order) => ({
    ...order,
    replacedBy: (successorsOf.get(order.id) ?? []).map(({ id }) => id),
    end: effectiveEnd(order, implied),
  }));
}

/** The orders that the filter lets through, without what other orders say about them. */
export async function findOrderRows(tx: Transaction<Schema>, filter: OrderFilter): Promise<PlacedOrderRow[]> {
  const { id, ids, references, userId, within, productId, startedAt, page } = filter;
  let query = tx
    .selectFrom('orders')
    .innerJoin('users', 'users.id', 'orders.user_id')
    .leftJoin('products', 'products.id', 'orders.product_id')
    .select(orderColumns)
    .select(['orders.user_id', 'orders.reference', 'orders.service_ends_at', 'orders.created_at'])
    .select(['users.username', 'products.name as product'])
    // Not a join: PostgreSQL would read the whole table for it, and for each page again.
    .select(({ selectFrom }) =>
      selectFrom('orders as predecessor')
        .select('predecessor.reference')
        .whereRef('predecessor.id', '=', 'orders.replaces_id')
        .as('predecessor_reference'),
    )
    .orderBy('orders.id');
  if (id !== undefined) query = query.where('orders.id', '=', id);
  if (ids !== undefined) query = query.where(isAmong(tx, 'orders.id', ids));
  if (references !== undefined) query = query.where(isAmong(tx, 'orders.reference', references));
  if (userId !== undefined) query = query.where('orders.user_id', '=', userId);
  if (within !== undefined) query = query.where('orders.user_id', 'in', within);
  if (productId !== undefined) query = query.where('orders.product_id', '=', productId);
  if (startedAt !== undefined) {
    query = query
      .where('orders.starts_at', '<=', startedAt)
      .where(({ or, eb }) => or([eb('orders.ends_at', 'is', null), eb('orders.ends_at', '>', startedAt)]));
  }
  if (page !== undefined) query = query.where('orders.id', '>', page.after).limit(page.limit);
  const rows = await query.execute();
  return rows.map((row) => {
    const order = orderFromRow(row);
    return {
      ...order,
      userId: row.user_id,
      username: row.username as Username,
      product: row.product as ProductName | null,
      reference: row.reference as Reference | null,
      predecessor: order.replaces === null ? null : (row.predecessor_reference ?? String(order.replaces)),
      serviceEndsAt: row.service_ends_at as Instant | null,
      createdAt: row.created_at as Instant,
    };
  });
}

/** The order with that id or reference, or null. */
export async function findOrder(tx: Transaction<Schema>, key: OrderKey): Promise<StoredOrder | null> {
  if ('id' in key && !Number.isSafeInteger(key.id)) return null;
  const [order] = await findOrders(tx, 'id' in key ? key : { references: [key.reference] });
  return order ?? null;
}

/** The orders that replace the given ones, as far as those need them. */
export async function findSuccessors(tx: Transaction<Schema>, ids: readonly number[]) {
  if (ids.length === 0) return [];
  const rows = await tx
    .selectFrom('orders')
    .select(['id', 'replaces_id', 'starts_at', 'ends_at'])
    .where('replaces_id', 'in', ids)
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    replaces: row.replaces_id,
    startsAt: row.starts_at as Instant,
    endsAt: row.ends_at as Instant | null,
  }));
}

/** What goes into the row of a new order, except what the database makes itself. */
export interface OrderInsert {
  readonly id: number;
  readonly order: NewOrder;
  readonly userId: number;
  readonly productId: number | null;
  readonly reference: Reference | null;
  readonly createdAt: Instant;
}

/** Inserts orders; one that replaces another of the same batch stands after it. Ids come from `reserveIds`. */
export async function insertOrders(tx: Transaction<Schema>, inserts: readonly OrderInsert[]): Promise<void> {
  const rows = inserts.map(({ id, order, userId, productId, reference, createdAt }) => [
    id,
    userId,
    productId,
    order.description,
    order.currency,
    Number(order.oneTimePrice),
    Number(order.recurringPrice),
    order.quantity,
    order.recurringPeriodSeconds,
    order.commitmentPeriods,
    order.charge,
    order.startsAt,
    order.endsAt,
    order.notForBilling,
    order.replaces,
    reference,
    createdAt,
  ]);
  await insertRows(tx, 'orders', INSERTED_COLUMNS, rows);
}

const INSERTED_COLUMNS = {
  id: 'bigint',
  user_id: 'bigint',
  product_id: 'bigint',
  description: 'text',
  currency: 'text',
  one_time_price: 'bigint',
  recurring_price: 'bigint',
  quantity: 'bigint',
  recurring_period_seconds: 'bigint',
  commitment_periods: 'bigint',
  charge: 'text',
  starts_at: 'bigint',
  ends_at: 'bigint',
  not_for_billing: 'boolean',
  replaces_id: 'bigint',
  reference: 'text',
  created_at: 'bigint',
} as const;

/** Writes what of an order may change: its ends, and whether it is billed. */
export async function updateOrder(
  tx: Transaction<Schema>,
  { id, endsAt, serviceEndsAt, notForBilling }: StoredOrder,
): Promise<void> {
  await tx
    .updateTable('orders')
    .set({ ends_at: endsAt, service_ends_at: serviceEndsAt, not_for_billing: notForBilling })
    .where('id', '=', id)
    .execute();
}

/** Whether any bill or draft has a record of an order. */
export async function isBilled(tx: Transaction<Schema>, orderId: number): Promise<boolean> {
  const record = await tx
    .selectFrom('bill_records')
    .select('id')
    .where('order_id', '=', orderId)
    .limit(1)
    .executeTakeFirst();
  return record !== undefined;
}
