import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import type { Reference } from '../../core/reference.ts';
import { isAmong } from './bulk.ts';
import { findOrderRows, type PlacedOrderRow } from './orders.ts';
import type { Schema } from './schema.ts';

/** An order as files know it: by its reference or, without one, by a name that is made for it. */
export interface NamedOrder extends PlacedOrderRow {
  readonly reference: Reference;
  /** What commands find it by: a made name is known in files only. */
  readonly key: number | Reference;
  /** The name of the replaced order. */
  readonly predecessor: Reference | null;
}

const MADE_NAME = /^order-([1-9]\d{0,14})-[0-9a-f]{16}$/;

/** The orders, each with its name in files. */
export async function nameOrders(
  tx: Transaction<Schema>,
  orders: readonly PlacedOrderRow[],
): Promise<NamedOrder[]> {
  const ids = [...new Set(orders.flatMap(({ replaces }) => replaces ?? []))];
  const replaced = ids.length === 0 ? [] : await findOrderRows(tx, { ids });
  const names = new Map(replaced.map((order) => [order.id, nameOf(order)]));
  return orders.map((order) => {
    const predecessor = order.replaces === null ? null : (names.get(order.replaces) ?? null);
    return { ...order, reference: nameOf(order), key: order.reference ?? order.id, predecessor };
  });
}

/** The orders with these names, of which usually there are few or none. */
export async function findOrdersByName(
  tx: Transaction<Schema>,
  names: readonly Reference[],
): Promise<Map<Reference, NamedOrder>> {
  const held = await tx
    .selectFrom('orders')
    .select('id')
    .where(isAmong(tx, 'reference', names))
    .execute();
  const made = names.flatMap((name) => MADE_NAME.exec(name)?.[1] ?? []).map(Number);
  const ids = [...new Set([...held.map(({ id }) => id), ...made])];
  if (ids.length === 0) return new Map();
  const wanted = new Set(names);
  const orders = await nameOrders(tx, await findOrderRows(tx, { ids }));
  return new Map(
    orders.flatMap((order) => (wanted.has(order.reference) ? [[order.reference, order] as const] : [])),
  );
}

/**
 * An order without a reference is named by its id and by what never changes about it: in the database that it comes
 * from the name leads to it, and in another one to no order that happens to have its id.
 */
function nameOf(order: PlacedOrderRow): Reference {
  if (order.reference !== null) return order.reference;
  const facts = [
    order.id,
    order.createdAt,
    order.startsAt,
    order.description,
    order.currency,
    String(order.oneTimePrice),
    String(order.recurringPrice),
    order.recurringPeriodSeconds,
    order.quantity,
    order.replaces,
  ];
  const digest = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16);
  return `order-${order.id}-${digest}` as Reference;
}
