import type { Transaction } from 'kysely';
import { refuse } from '../core/errors.ts';
import type { Instant } from '../core/instant.ts';
import {
  checkChanged,
  differingFields,
  type OrderRequest,
  placeOrder,
  type SuccessorRequest,
  succeedOrder,
} from '../core/new-order.ts';
import {
  checkNewOrder,
  checkSuccession,
  decideCancellation,
  decideNewEnd,
  decideReplacement,
  decideServiceEnd,
  type NewOrder,
  neverRuns,
  type Replacement,
  serviceEndWithin,
  type UpgradePolicy,
} from '../core/order.ts';
import type { ProductName } from '../core/product.ts';
import type { OrderKey, Reference } from '../core/reference.ts';
import type { Username } from '../core/user.ts';
import { findOwner, findReach } from '../io/db/access.ts';
import { only, readOrWrite } from '../io/db/database.ts';
import { reserveIds } from '../io/db/ids.ts';
import {
  findOrder,
  findOrderRows,
  findOrders,
  findSuccessors,
  insertOrders,
  isBilled,
  type StoredOrder,
  updateOrder,
} from '../io/db/orders.ts';
import type { TakePage } from '../io/db/pages.ts';
import { findUserId } from '../io/db/people.ts';
import { findProducts, type StoredProduct } from '../io/db/products.ts';
import type { Schema } from '../io/db/schema.ts';
import type { Context } from './context.ts';

/** An order as it is or, in a plan, as it would be: without an id. */
export type ShownOrder = Omit<StoredOrder, 'id' | 'closed' | 'nextDueAt'> & { readonly id: number | null };

/** Who orders what, under which reference. */
export interface Placement {
  readonly username: Username;
  readonly product?: ProductName | undefined;
  readonly reference?: Reference | undefined;
}

/** What becomes of an order and its successor. */
export interface ReplaceOutcome {
  readonly kind: Replacement['kind'];
  readonly order: ShownOrder;
  readonly replaced: ShownOrder;
}

const PAGE = 1000;

/**
 * Places an order. The same content under the same reference is placed once, however often it is asked for.
 * @throws UNKNOWN_USER, UNKNOWN_PRODUCT, REFERENCE_TAKEN when the reference belongs to another content,
 *   INCOMPLETE_ORDER, UNKNOWN_PRODUCT_PRICE, UNKNOWN_CURRENCY, INVALID_ORDER, PRICE_TOO_SMALL
 */
export async function createOrder(
  context: Context,
  { username, product: productName, reference }: Placement,
  request: OrderRequest,
): Promise<{ order: StoredOrder; created: boolean }> {
  const database = await context.db();
  return database.write('orders', async (tx) => {
    const userId = await findUserId(tx, username);
    const product = await productCalled(tx, productName ?? null);
    const stored = reference === undefined ? null : await findOrder(tx, { reference });
    const startsAt = stored?.startsAt ?? context.now;
    const order = placeOrder(request, product, { startsAt, replaces: null });
    if (stored !== null) {
      const wanted = { ...order, username, product: product?.name ?? null, predecessor: null };
      const fields = differingFields(stored, wanted, request);
      if (fields.length > 0) {
        throw refuse.REFERENCE_TAKEN({ reference: reference ?? '', order: stored.id, fields });
      }
      return { order: stored, created: false };
    }
    const owner = { userId, productId: product?.id ?? null, reference: reference ?? null };
    return { order: await insert(context, tx, order, owner), created: true };
  });
}

/**
 * Hands on orders, in the order of their ids.
 * @param filter.active only orders that run now: started and not ended
 * @throws UNKNOWN_USER, FORBIDDEN, UNKNOWN_PRODUCT
 */
export async function listOrders(
  context: Context,
  filter: { username?: Username | undefined; product?: ProductName | undefined; active: boolean },
  take: TakePage<StoredOrder>,
): Promise<void> {
  const { now, asUser } = context;
  const database = await context.db();
  await database.read(async (tx) => {
    const userId = await findOwner(tx, asUser, filter.username, 'orders');
    const product = await productCalled(tx, filter.product ?? null);
    const startedAt = filter.active ? now : undefined;
    const within = await findReach(tx, asUser);
    const where = { userId, within, productId: product?.id, startedAt };
    let after = 0;
    // Not with `readPages`: while it reads, nobody can ask for the successors of a page.
    for (let size = PAGE; size === PAGE; ) {
      const orders = await findOrders(tx, { ...where, page: { after, limit: PAGE } });
      const shown = filter.active ? orders.filter(({ end }) => end === null || end > now) : orders;
      if (shown.length > 0 && !(await take(shown))) break;
      size = orders.length;
      after = orders.at(-1)?.id ?? after;
    }
  });
}

/**
 * An order as it is stored.
 * @throws UNKNOWN_ORDER
 */
export async function showOrder(context: Context, key: OrderKey): Promise<StoredOrder> {
  const database = await context.db();
  return database.read((tx) => existing(tx, key));
}

/**
 * Replaces an order by one with other terms: the one ends and the other starts as `decideReplacement` says.
 * @param policy undefined is what the configuration says
 * @param dryRun decides, and changes nothing
 * @throws UNKNOWN_ORDER, UNKNOWN_PRODUCT, REFERENCE_TAKEN, CURRENCY_MISMATCH, ORDER_ENDED, ORDER_UNCHANGED,
 *   and what a new order may throw
 */
export async function replaceOrder(
  context: Context,
  key: OrderKey,
  successor: SuccessorRequest & { product?: ProductName | undefined; reference?: Reference | undefined },
  { at, policy, dryRun }: { at: Instant; policy?: UpgradePolicy | undefined; dryRun: boolean },
): Promise<ReplaceOutcome> {
  return readOrWrite(await context.db(), { topic: 'orders', dryRun }, async (tx) => {
    const old = await existing(tx, key);
    await refuseReplaced(tx, old.id);
    const reference = successor.reference ?? null;
    const holder = reference === null ? null : await findOrder(tx, { reference });
    if (holder !== null)
      throw refuse.REFERENCE_TAKEN({ reference: reference ?? '', order: holder.id, fields: [] });
    const product = await productCalled(tx, successor.product ?? null);
    const oldProduct = await productCalled(tx, old.product);
    const terms = succeedOrder(old, successor, { product, oldProduct });
    const state = { end: old.end, billed: await isBilled(tx, old.id) };
    const decision = decideReplacement(
      old,
      terms,
      at,
      policy ?? context.config['billing.upgrade_policy'],
      state,
    );
    const madeOf = product?.name ?? old.product;
    checkChanged(
      old,
      { ...terms, product: madeOf },
      { kind: decision.kind, oneTimePrice: successor.oneTimePrice },
    );
    const order = { ...terms, startsAt: decision.newStartsAt };
    checkNewOrder(order);

    const ended = withEnd(old, decision.oldEndsAt);
    const made = (product ?? oldProduct)?.id ?? null;
    if (!dryRun) {
      await updateOrder(tx, ended);
      const owner = { userId: old.userId, productId: made, reference };
      const stored = await insert(context, tx, order, owner);
      return { kind: decision.kind, order: stored, replaced: await existing(tx, { id: old.id }) };
    }
    const planned = plannedOrder(order, old, { product: madeOf, reference, createdAt: context.now });
    return { kind: decision.kind, order: planned, replaced: ended };
  });
}

/**
 * Ends an order when its running period and its commitment are over.
 * @returns the order, and whether that moves its end
 * @throws UNKNOWN_ORDER, ORDER_ENDED, INVALID_ORDER
 */
export async function cancelOrder(
  context: Context,
  key: OrderKey,
  { at, dryRun }: { at: Instant; dryRun: boolean },
): Promise<{ order: StoredOrder; changed: boolean }> {
  return readOrWrite(await context.db(), { topic: 'orders', dryRun }, async (tx) => {
    const order = await existing(tx, key);
    const state = { end: order.end, billed: await isBilled(tx, order.id) };
    const cancelled = withEnd(order, decideCancellation(order, at, state));
    if (!dryRun && cancelled.endsAt !== order.endsAt) await updateOrder(tx, cancelled);
    return { order: cancelled, changed: cancelled.end !== order.end };
  });
}

/** What may be changed about an order; null takes an end away, undefined leaves a field as it is. */
export interface OrderChange {
  readonly endsAt?: Instant | null | undefined;
  readonly serviceEndsAt?: Instant | null | undefined;
  readonly notForBilling?: boolean | undefined;
}

/**
 * Changes what may be changed about an order. What was charged beyond a new end is credited by the next bills.
 * @throws UNKNOWN_ORDER, INVALID_ORDER, ORDERS_OVERLAP, ORDER_REPLACED
 */
export async function changeOrder(
  context: Context,
  key: OrderKey,
  { endsAt, serviceEndsAt, notForBilling }: OrderChange,
): Promise<{ order: StoredOrder; changed: boolean }> {
  const database = await context.db();
  return database.write('orders', async (tx) => {
    const before = await existing(tx, key);
    const ending = endsAt === undefined ? before : withEnd(before, decideNewEnd(before, endsAt));
    const service =
      serviceEndsAt === undefined || serviceEndsAt === null
        ? serviceEndsAt
        : decideServiceEnd(before.startsAt, ending.end, serviceEndsAt);
    const wanted = {
      ...ending,
      serviceEndsAt: service === undefined ? ending.serviceEndsAt : service,
      notForBilling: notForBilling ?? before.notForBilling,
    };
    const changed =
      wanted.endsAt !== before.endsAt ||
      wanted.serviceEndsAt !== before.serviceEndsAt ||
      wanted.notForBilling !== before.notForBilling;
    if (wanted.endsAt !== before.endsAt) await refuseOverlap(tx, wanted);
    if (changed) await updateOrder(tx, wanted);
    return { order: await existing(tx, { id: before.id }), changed };
  });
}

async function existing(tx: Transaction<Schema>, key: OrderKey): Promise<StoredOrder> {
  const order = await findOrder(tx, key);
  if (order === null) throw refuse.UNKNOWN_ORDER({ key: 'id' in key ? key.id : key.reference });
  return order;
}

async function productCalled(
  tx: Transaction<Schema>,
  name: ProductName | null,
): Promise<StoredProduct | null> {
  if (name === null) return null;
  const [product] = await findProducts(tx, [name]);
  if (product === undefined) throw refuse.UNKNOWN_PRODUCT({ name });
  return product;
}

async function insert(
  { now }: Context,
  tx: Transaction<Schema>,
  order: NewOrder,
  owner: { userId: number; productId: number | null; reference: Reference | null },
): Promise<StoredOrder> {
  const id = only(await reserveIds(tx, 'orders', 1));
  await insertOrders(tx, [{ id, order, ...owner, createdAt: now }]);
  return existing(tx, { id });
}

/** The order that would replace another one. */
function plannedOrder(
  order: NewOrder,
  { id, userId, username, reference }: StoredOrder,
  made: Pick<ShownOrder, 'product' | 'reference' | 'createdAt'>,
): ShownOrder {
  const predecessor = reference ?? String(id);
  const open = { replacedBy: [], end: null, serviceEndsAt: null };
  return { ...order, ...made, ...open, id: null, userId, username, predecessor };
}

/** The order with another end of its own; its service ends with it at the latest. */
function withEnd(order: StoredOrder, endsAt: Instant | null): StoredOrder {
  return { ...order, endsAt, end: endsAt, serviceEndsAt: serviceEndWithin(order.serviceEndsAt, endsAt) };
}

/** An order runs beside neither the one that it replaces nor those that replace it or the same one. */
async function refuseOverlap(tx: Transaction<Schema>, order: StoredOrder): Promise<void> {
  const { replaces, replacedBy } = order;
  if (replaces !== null && !neverRuns(order)) await refuseReplaced(tx, replaces, order.id);
  const ids = replaces === null ? replacedBy : [...replacedBy, replaces];
  for (const other of await findOrderRows(tx, { ids })) {
    if (other.id === replaces) checkSuccession(other.id, other, order);
    else checkSuccession(order.id, order, other);
  }
}

/** An order has one successor at a time; one that was cancelled before its start does not count. */
async function refuseReplaced(tx: Transaction<Schema>, order: number, by?: number): Promise<void> {
  const successor = (await findSuccessors(tx, [order])).find((other) => other.id !== by && !neverRuns(other));
  if (successor !== undefined) throw refuse.ORDER_REPLACED({ order, successor: successor.id });
}
