import { refuse, type UserError } from './errors.ts';
import { addSeconds, formatInstant, type Instant, isInstant, LAST_INSTANT } from './instant.ts';
import { formatPrice, isCurrency, LARGEST_CHARGE, MINOR_UNITS, magnitude, type Price } from './money.ts';
import { LONGEST_PERIOD_SECONDS } from './period.ts';

/** What a replacement is compared by. Prices are per unit of quantity and, if recurring, per period. */
export interface OrderTerms {
  /** Not yet checked: another writer may have put anything into the database; `checkOrder` looks. */
  readonly currency: string;
  readonly recurringPrice: Price;
  readonly quantity: number;
  /** Null for an order that has only a one-time price. */
  readonly recurringPeriodSeconds: number | null;
}

/** An order as billing sees it. Only the fields from `endsAt` on ever change. */
export interface Order extends OrderTerms {
  readonly id: number;
  readonly description: string;
  readonly oneTimePrice: Price;
  readonly commitmentPeriods: number;
  /** Charged when a period starts, or when it is over. */
  readonly charge: 'advance' | 'arrears';
  readonly startsAt: Instant;
  /** The id of the order that this one replaces. */
  readonly replaces: number | null;
  readonly endsAt: Instant | null;
  readonly notForBilling: boolean;
  /** Nothing can fall due any more. Only saves time. */
  readonly closed: boolean;
  /** The earliest instant at which anything can fall due; null is unknown. Only saves time. */
  readonly nextDueAt: Instant | null;
}

/** An order that is not stored yet. */
export type NewOrder = Omit<Order, 'id' | 'closed' | 'nextDueAt'>;

/** When the running period of an upgraded order is charged up to the upgrade, or whole. */
export type UpgradePolicy = 'prorate' | 'full';

/** What `order replace` does to both orders. */
export interface Replacement {
  readonly kind: 'upgrade' | 'downgrade' | 'before-start';
  readonly oldEndsAt: Instant;
  readonly newStartsAt: Instant;
}

/** The largest quantity: what a 32-bit column holds. */
export const LARGEST_QUANTITY = 2_147_483_647;

/**
 * Everything about a single order that billing relies on and that does not hold: UNKNOWN_CURRENCY, INVALID_ORDER naming
 * the field.
 */
export function* faultsOfOrder(order: NewOrder): Generator<UserError, void, undefined> {
  const { currency, quantity, recurringPrice, oneTimePrice, recurringPeriodSeconds, commitmentPeriods } =
    order;
  if (!isCurrency(currency)) yield refuse.UNKNOWN_CURRENCY({ currency });
  const hasQuantity = isWhole(quantity, 1, LARGEST_QUANTITY);
  if (!hasQuantity) {
    yield invalid('quantity', `is ${quantity}, and must be a whole number from 1 to ${LARGEST_QUANTITY}`);
  }
  if (recurringPeriodSeconds !== null && !isWhole(recurringPeriodSeconds, 1, LONGEST_PERIOD_SECONDS)) {
    const range = `from 1 to ${LONGEST_PERIOD_SECONDS}`;
    yield invalid('period', `is ${recurringPeriodSeconds} seconds, and must be a whole number ${range}`);
  }
  if (recurringPrice < 0n) yield invalid('recurring price', `is negative: ${formatPrice(recurringPrice)}`);
  if (recurringPrice > 0n && recurringPeriodSeconds === null) {
    yield invalid('recurring price', 'needs a period that is not `once`');
  }
  const units = hasQuantity ? BigInt(quantity) : 1n;
  if (recurringPrice * units > LARGEST_CHARGE) yield invalid('recurring price', TOO_LARGE);
  if (magnitude(oneTimePrice) * units > LARGEST_CHARGE) yield invalid('one-time price', TOO_LARGE);
  if (order.charge !== 'advance' && order.charge !== 'arrears') {
    yield invalid('charge', 'is neither `advance` nor `arrears`');
  }
  if (!isInstant(order.startsAt)) {
    yield invalid(
      'start',
      `is ${formatInstant(order.startsAt)}, and must be a whole second up to the year 9999`,
    );
  } else if (!isWhole(commitmentPeriods, 1, LARGEST_QUANTITY)) {
    yield invalid('commitment', `is ${commitmentPeriods} periods, and must be at least 1`);
  } else if (order.startsAt + commitmentPeriods * (recurringPeriodSeconds ?? 0) > LAST_INSTANT) {
    yield invalid('commitment', `of ${commitmentPeriods} periods lasts beyond the year 9999`);
  }
  if (order.endsAt !== null && !isWhole(order.endsAt, order.startsAt, LAST_INSTANT)) {
    yield badEnd(order.startsAt, order.endsAt);
  }
}

/**
 * What does not hold at the door: all of `faultsOfOrder`, and PRICE_TOO_SMALL for a recurring price that amounts to
 * nothing.
 */
export function* faultsOfNewOrder(order: NewOrder): Generator<UserError, void, undefined> {
  yield* faultsOfOrder(order);
  const { recurringPrice, quantity, currency } = order;
  if (recurringPrice <= 0n || !isCurrency(currency) || !isWhole(quantity, 1, LARGEST_QUANTITY)) return;
  const perPeriod = recurringPrice * BigInt(quantity);
  // Half a smallest unit is the least that does not round to nothing.
  if (2n * perPeriod < MINOR_UNITS[currency]) {
    yield refuse.PRICE_TOO_SMALL({ price: formatPrice(perPeriod), currency });
  }
}

/**
 * Checks everything about a single order that billing relies on.
 * @throws the first of `faultsOfOrder`
 */
export function checkOrder(order: NewOrder): void {
  for (const fault of faultsOfOrder(order)) throw fault;
}

/**
 * Checks an order at the door.
 * @throws the first of `faultsOfNewOrder`
 */
export function checkNewOrder(order: NewOrder): void {
  for (const fault of faultsOfNewOrder(order)) throw fault;
}

/**
 * Checks the links between orders. Keys are ids, or the references of a file that is being imported.
 * @param replaces for each order the key of the order that it replaces, or null
 * @throws INVALID_ORDER when a replaced order is not among them, REPLACEMENT_CYCLE
 */
export function checkReplacements<Key extends number | string>(replaces: ReadonlyMap<Key, Key | null>): void {
  const sound = new Set<Key>();
  for (const start of replaces.keys()) {
    const path = new Set<Key>();
    for (let key: Key | null = start; key !== null && !sound.has(key); ) {
      if (path.has(key)) throw refuse.REPLACEMENT_CYCLE({ order: key });
      path.add(key);
      const next: Key | null | undefined = replaces.get(key);
      if (next === undefined) {
        throw invalid('predecessor', `${key} does not exist or belongs to another user`);
      }
      key = next;
    }
    for (const key of path) sound.add(key);
  }
}

/**
 * The ends that follow from replacement alone: for each replaced order the least start of the orders that
 * replace it. A replacement that was cancelled before its own start replaces nothing.
 */
export function impliedEnds(
  orders: Iterable<Pick<Order, 'replaces' | 'startsAt' | 'endsAt'>>,
): Map<number, Instant> {
  const ends = new Map<number, Instant>();
  for (const { replaces, startsAt, endsAt } of orders) {
    if (replaces === null || neverRuns({ startsAt, endsAt })) continue;
    const known = ends.get(replaces);
    if (known === undefined || startsAt < known) ends.set(replaces, startsAt);
  }
  return ends;
}

/** Whether an order was cancelled before its start: it replaces nothing. */
export function neverRuns({ startsAt, endsAt }: Pick<Order, 'startsAt' | 'endsAt'>): boolean {
  return endsAt !== null && endsAt <= startsAt;
}

/** When an order ends: its own end if set, else the one implied by replacement, else never (null). */
export function effectiveEnd(
  order: Pick<Order, 'id' | 'endsAt'>,
  implied: ReadonlyMap<number, Instant>,
): Instant | null {
  return order.endsAt ?? implied.get(order.id) ?? null;
}

/**
 * The earliest end that a cancellation at `at` can have: the end of the running period, and not before the
 * committed periods are over. Before its start, an order ends at its start; so does one without periods.
 */
export function commitmentEnd(
  order: Pick<Order, 'startsAt' | 'recurringPeriodSeconds' | 'commitmentPeriods'>,
  at: Instant,
): Instant {
  const { startsAt, recurringPeriodSeconds, commitmentPeriods } = order;
  if (at <= startsAt || recurringPeriodSeconds === null) return startsAt;
  const committed = addSeconds(startsAt, commitmentPeriods * recurringPeriodSeconds);
  return at <= committed ? committed : endOfPeriod(startsAt, recurringPeriodSeconds, at);
}

/** The end of the period that runs at `at`; of two that touch there, of the first. */
function endOfPeriod(startsAt: Instant, periodSeconds: number, at: Instant): Instant {
  return addSeconds(startsAt, Math.ceil((at - startsAt) / periodSeconds) * periodSeconds);
}

/**
 * Decides where a cancelled order ends.
 * @param state.end the effective end before
 * @param state.billed whether the order has bill records
 * @throws ORDER_ENDED; INVALID_ORDER for a one-time order that is billed, and for an end after the year 9999
 */
export function decideCancellation(
  order: Order,
  at: Instant,
  state: { end: Instant | null; billed: boolean },
): Instant {
  checkRunning(order, at, state);
  return checkedEnd(order, earlier(commitmentEnd(order, at), state.end));
}

/**
 * Decides where an order ends and its successor starts. The recurring prices are compared per second, as
 * exact fractions; an equal price counts as an upgrade.
 * @param state.end the effective end of the old order before
 * @param state.billed whether the old order has bill records
 * @throws CURRENCY_MISMATCH, ORDER_ENDED; INVALID_ORDER for a one-time order that is billed, and for an end after the
 *   year 9999
 */
export function decideReplacement(
  old: Order,
  successor: OrderTerms,
  at: Instant,
  policy: UpgradePolicy,
  state: { end: Instant | null; billed: boolean },
): Replacement {
  if (old.currency !== successor.currency) {
    throw refuse.CURRENCY_MISMATCH({ order: old.id, currency: old.currency, other: successor.currency });
  }
  checkRunning(old, at, state);
  const { startsAt, recurringPeriodSeconds } = old;
  if (at <= startsAt || recurringPeriodSeconds === null) {
    return { kind: 'before-start', oldEndsAt: startsAt, newStartsAt: startsAt };
  }
  if (isCheaper(successor, old)) {
    const oldEndsAt = checkedEnd(old, earlier(commitmentEnd(old, at), state.end));
    return { kind: 'downgrade', oldEndsAt, newStartsAt: oldEndsAt };
  }
  if (policy === 'prorate') return { kind: 'upgrade', oldEndsAt: at, newStartsAt: at };
  const oldEndsAt = checkedEnd(old, earlier(endOfPeriod(startsAt, recurringPeriodSeconds, at), state.end));
  return { kind: 'upgrade', oldEndsAt, newStartsAt: at };
}

/** What decides whether an order and its successor meet. */
export type LinkedOrder = OrderTerms & Pick<Order, 'startsAt' | 'endsAt'>;

/** How an order and its successor fail to meet. */
export type Misfit = 'overlap' | 'gap';

/**
 * Whether a replaced order ends where its successor starts, as `decideReplacement` has it: an upgrade under the
 * policy `full` lets it run to the end of its period, and one of the two that was cancelled before its start runs
 * beside nothing. Without an end of its own it ends where the successor starts.
 */
export function misfit(old: LinkedOrder, successor: LinkedOrder): Misfit | null {
  const { startsAt } = successor;
  if (neverRuns(successor)) return null;
  if (old.endsAt === null || old.endsAt === startsAt) return null;
  if (old.endsAt < startsAt) return 'gap';
  if (neverRuns(old)) return null;
  const { recurringPeriodSeconds } = old;
  if (recurringPeriodSeconds === null || isCheaper(successor, old)) return 'overlap';
  return old.endsAt > endOfPeriod(old.startsAt, recurringPeriodSeconds, startsAt) ? 'overlap' : null;
}

/**
 * Checks that a replaced order does not run beside its successor.
 * @param key the id of the replaced order, or its reference
 * @throws ORDERS_OVERLAP
 */
export function checkSuccession(key: number | string, old: LinkedOrder, successor: LinkedOrder): void {
  if (old.endsAt === null || misfit(old, successor) !== 'overlap') return;
  const [end, start] = [formatInstant(old.endsAt), formatInstant(successor.startsAt)];
  throw refuse.ORDERS_OVERLAP({ order: key, end, start });
}

/**
 * Checks an end that staff set by hand: any instant from the start on, or null for none.
 * @throws INVALID_ORDER
 */
export function decideNewEnd(order: Pick<Order, 'startsAt'>, endsAt: Instant | null): Instant | null {
  return endsAt === null ? null : checkedEnd(order, endsAt);
}

/**
 * Checks when the service of an ending order is shut down: from `at` to the end, as the user likes.
 * Billing never reads it.
 * @throws INVALID_ORDER
 */
export function decideServiceEnd(at: Instant, end: Instant | null, serviceEndsAt: Instant): Instant {
  if (serviceEndsAt < at) throw invalid('service end', `cannot be before ${formatInstant(at)}`);
  if (end !== null && serviceEndsAt > end) {
    throw invalid('service end', `cannot be after the order's end, ${formatInstant(end)}`);
  }
  return serviceEndsAt;
}

/** The end of a service that goes on no longer than its order: an earlier end of the order moves it. */
export function serviceEndWithin(serviceEndsAt: Instant | null, end: Instant | null): Instant | null {
  return serviceEndsAt === null ? null : earlier(serviceEndsAt, end);
}

const TOO_LARGE = `times the quantity is more than ${formatPrice(LARGEST_CHARGE, 0)}`;

function checkedEnd({ startsAt }: Pick<Order, 'startsAt'>, endsAt: Instant): Instant {
  if (!isWhole(endsAt, startsAt, LAST_INSTANT)) throw badEnd(startsAt, endsAt);
  return endsAt;
}

function badEnd(startsAt: Instant, endsAt: Instant): UserError {
  return invalid(
    'end',
    `is ${formatInstant(endsAt)}, and must be from its start, ${formatInstant(startsAt)}, to the year 9999`,
  );
}

function checkRunning(order: Order, at: Instant, { end, billed }: { end: Instant | null; billed: boolean }) {
  if (end !== null && (end <= at || end <= order.startsAt)) {
    throw refuse.ORDER_ENDED({ order: order.id, end: formatInstant(end) });
  }
  if (order.recurringPeriodSeconds === null && billed) {
    throw invalid('period', 'is `once` and it is billed: give money back with a negative one-time price');
  }
}

function isCheaper(a: OrderTerms, b: OrderTerms): boolean {
  const periodA = BigInt(a.recurringPeriodSeconds ?? 1);
  const periodB = BigInt(b.recurringPeriodSeconds ?? 1);
  return a.recurringPrice * BigInt(a.quantity) * periodB < b.recurringPrice * BigInt(b.quantity) * periodA;
}

function earlier(instant: Instant, limit: Instant | null): Instant {
  return limit !== null && limit < instant ? limit : instant;
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function invalid(field: string, fault: string) {
  return refuse.INVALID_ORDER({ field, fault });
}
