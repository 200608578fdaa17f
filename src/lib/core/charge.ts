import { refuse } from './errors.ts';
import { type Instant, instant, LAST_INSTANT, SECONDS_PER_DAY } from './instant.ts';
import { type Currency, divideRoundHalfUp, MINOR_UNITS, type Minor, type Price } from './money.ts';
import type { Order } from './order.ts';
import type { Territory, VatRate, VatTerms, VatTimeline } from './vat.ts';

/** The most records that one run creates for one order. */
const MOST_RECORDS_PER_RUN = 10_000;

/** The period index of a one-time record. */
export const NO_PERIOD = -1;

/** One line of a bill: a charge, or the credit of a part of an earlier charge. Never changed once stored. */
export interface BillRecord {
  readonly orderId: number;
  readonly kind: 'one_time' | 'recurring';
  /** Counts the periods of the order from 0; −1 for `one_time`. */
  readonly periodIndex: number;
  /** Counts the records of this order, kind and period from 0. */
  readonly seq: number;
  /** The part of the period that is charged or credited, half-open; both ends the same for `one_time`. */
  readonly start: Instant;
  readonly end: Instant;
  /** Negative for a credit, and for a one-time price below 0. */
  readonly net: Minor;
  readonly vat: VatTerms;
  /** The id of the charge that a credit takes back; null for a charge. */
  readonly corrects: number | null;
  readonly currency: Currency;
  readonly description: string;
  readonly unitPrice: Price;
  readonly quantity: number;
  readonly periodSeconds: number | null;
}

/** A record as the database has it. */
export interface StoredRecord extends BillRecord {
  readonly id: number;
}

/** What only saves time on the next run. */
export interface OrderState {
  readonly orderId: number;
  readonly closed: boolean;
  /** `LAST_INSTANT` when nothing falls due unless the order is changed. */
  readonly nextDueAt: Instant;
}

/** What is paid for what: all that the formula needs. */
export interface Tariff {
  /** Price × quantity in ten-thousandths of the currency unit: for a whole period, or once. */
  readonly price: bigint;
  readonly periodSeconds: number;
  /** Ten-thousandths in a minor unit of the currency: 100n with two decimals. */
  readonly scale: bigint;
}

/** The tariff of a record. */
export function tariffOf(
  terms: Pick<BillRecord, 'currency' | 'unitPrice' | 'quantity' | 'periodSeconds'>,
): Tariff {
  return {
    price: terms.unitPrice * BigInt(terms.quantity),
    periodSeconds: terms.periodSeconds ?? 0,
    scale: MINOR_UNITS[terms.currency],
  };
}

/**
 * What is owed for the first `seconds` of a period, rounded once to the minor unit. Every recurring record
 * is a difference of two such amounts, so that any sequence of charges and credits adds up exactly.
 */
export function owedAfter({ price, periodSeconds, scale }: Tariff, seconds: number): Minor {
  if (seconds === 0) return 0n;
  if (seconds === periodSeconds) return divideRoundHalfUp(price, scale);
  return divideRoundHalfUp(price * BigInt(seconds), BigInt(periodSeconds) * scale);
}

/** What is owed once, whatever the time: price × quantity rounded to the minor unit. */
export function owedOnce({ price, scale }: Tariff): Minor {
  return divideRoundHalfUp(price, scale);
}

/** The length of a record in seconds; negative for a credit. */
export function recordSeconds({ start, end, corrects }: BillRecord): number {
  return corrects === null ? end - start : start - end;
}

/** So many of the days, or seconds, of a period. */
export interface PeriodShare {
  readonly part: number;
  readonly whole: number;
  readonly unit: 'days' | 'seconds';
}

/** How much of its period a record is for; null when that is all of it, and for what is charged once. */
export function periodShareOf({
  start,
  end,
  periodSeconds,
}: Pick<BillRecord, 'start' | 'end' | 'periodSeconds'>): PeriodShare | null {
  const seconds = end - start;
  if (periodSeconds === null || seconds === periodSeconds) return null;
  const inDays = seconds % SECONDS_PER_DAY === 0 && periodSeconds % SECONDS_PER_DAY === 0;
  const unit = inDays ? SECONDS_PER_DAY : 1;
  return { part: seconds / unit, whole: periodSeconds / unit, unit: inDays ? 'days' : 'seconds' };
}

/**
 * Whether a run at `until` has to look at the order at all. What is due beyond the last instant was written by another
 * program, in milliseconds or microseconds perhaps: it is looked at, so that somebody hears of it.
 */
export function mayBeDue(
  { closed, notForBilling, nextDueAt }: Pick<Order, 'closed' | 'notForBilling' | 'nextDueAt'>,
  until: Instant,
): boolean {
  if (closed || notForBilling) return false;
  return nextDueAt === null || nextDueAt <= until || nextDueAt > LAST_INSTANT;
}

/**
 * The first period that a run has to look at: everything before is settled as long as the order is not
 * changed, so its records need not be read. 0 when `nextDueAt` is unknown, or the period is no length of time.
 */
export function firstUnsettledPeriod(
  order: Pick<Order, 'startsAt' | 'nextDueAt' | 'recurringPeriodSeconds'>,
): number {
  const { startsAt, nextDueAt, recurringPeriodSeconds } = order;
  if (nextDueAt === null || recurringPeriodSeconds === null || recurringPeriodSeconds < 1) return 0;
  return Math.max(0, Math.floor((nextDueAt - startsAt) / recurringPeriodSeconds) - 1);
}

/**
 * Adds to `into` what a run creates for one order: the difference between what is owed and what is charged.
 * In one run a period is charged or credited, never both, so that a credit always corrects a stored record.
 * @param order a checked order that is neither closed nor not for billing
 * @param end its effective end
 * @param charged its records that are one-time or not before `firstUnsettledPeriod`, by period index, then seq
 * @param timeline asked for only when something is charged
 * @throws ORDER_CHANGED, TOO_MANY_PERIODS, and what the timeline throws
 */
export function chargeOrder(
  order: Order,
  end: Instant | null,
  charged: readonly StoredRecord[],
  until: Instant,
  timeline: () => VatTimeline,
  into: BillRecord[],
): void {
  for (const record of charged) checkSnapshot(order, record);
  const first = firstUnsettledPeriod(order);
  if (!settle({ order, end, charged, until, timeline, into, first, limit: MOST_RECORDS_PER_RUN })) {
    throw refuse.TOO_MANY_PERIODS({ order: order.id, limit: MOST_RECORDS_PER_RUN });
  }
}

/** Whether a run at `until` would create nothing for the order. Reads all records and trusts no saved time. */
export function isSettled(
  order: Order,
  end: Instant | null,
  charged: readonly StoredRecord[],
  until: Instant,
): boolean {
  return settle({ order, end, charged, until, timeline: () => UNTAXED, into: [], first: 0, limit: 0 });
}

/** What saves time on the next run of an order that has been charged up to `until`. */
export function stateAfter(order: Order, end: Instant | null, until: Instant): OrderState {
  const { startsAt, recurringPeriodSeconds, recurringPrice, charge } = order;
  const ended = end !== null && end <= until;
  if (ended || (recurringPeriodSeconds === null && startsAt <= until)) {
    return { orderId: order.id, closed: true, nextDueAt: LAST_INSTANT };
  }
  let next = Math.min(end ?? LAST_INSTANT, LAST_INSTANT);
  if (startsAt > until && (order.oneTimePrice !== 0n || recurringPeriodSeconds === null)) {
    next = Math.min(next, startsAt);
  }
  if (recurringPeriodSeconds !== null && recurringPrice > 0n) {
    const begun = startsAt > until ? 0 : Math.floor((until - startsAt) / recurringPeriodSeconds) + 1;
    const period = charge === 'advance' ? begun : Math.max(1, begun);
    next = Math.min(next, startsAt + period * recurringPeriodSeconds);
  }
  return { orderId: order.id, closed: false, nextDueAt: instant(next) };
}

/**
 * Checks that a stored record was made from the terms that its order has now.
 * @throws ORDER_CHANGED
 */
export function checkSnapshot(order: Order, record: StoredRecord): void {
  const field = changedField(order, record);
  if (field !== null) throw refuse.ORDER_CHANGED({ order: order.id, record: record.id, field });
}

function changedField(order: Order, record: StoredRecord): string | null {
  const oneTime = record.kind === 'one_time';
  const period = oneTime ? null : order.recurringPeriodSeconds;
  if (record.unitPrice !== (oneTime ? order.oneTimePrice : order.recurringPrice)) return 'unit price';
  if (record.quantity !== order.quantity) return 'quantity';
  if (record.periodSeconds !== period) return 'period';
  if (record.currency !== order.currency) return 'currency';
  const start = order.startsAt + (period === null ? 0 : record.periodIndex * period);
  if (record.start < start || record.end > start + (period ?? 0)) return 'start';
  return null;
}

interface Settlement {
  readonly order: Order;
  readonly end: Instant | null;
  readonly charged: readonly StoredRecord[];
  readonly until: Instant;
  readonly timeline: () => VatTimeline;
  readonly into: BillRecord[];
  readonly first: number;
  readonly limit: number;
}

/** Returns false as soon as there are more than `limit` new records. */
function settle(run: Settlement): boolean {
  const { order, end, charged, into, first } = run;
  const most = into.length + run.limit;
  const { startsAt, recurringPeriodSeconds } = order;

  let next = 0;
  while (charged[next]?.kind === 'one_time') next++;
  if (next === 0) chargeOnce(run);
  if (recurringPeriodSeconds === null || order.recurringPrice === 0n) return into.length <= most;

  const tariff = tariffOf({
    currency: order.currency as Currency,
    unitPrice: order.recurringPrice,
    quantity: order.quantity,
    periodSeconds: recurringPeriodSeconds,
  });
  if (owedAfter(tariff, recurringPeriodSeconds) === 0n) return into.length <= most;
  const last = lastDuePeriod(run, recurringPeriodSeconds);
  while (next < charged.length && (charged[next]?.periodIndex ?? 0) < first) next++;
  for (let index = first; index <= last || next < charged.length; index++) {
    // Beyond what is due, only periods with records are of interest.
    if (index > last) index = charged[next]?.periodIndex ?? index;
    const from = next;
    while (charged[next]?.periodIndex === index) next++;
    const start = startsAt + index * recurringPeriodSeconds;
    const whole = start + recurringPeriodSeconds;
    const owed = end === null ? whole : Math.max(start, Math.min(whole, end));
    const newest = next > from ? charged[next - 1] : undefined;
    const paid = newest === undefined ? start : chargedUpTo(newest);
    const seq = newest === undefined ? 0 : newest.seq + 1;
    if (owed > paid) charge(run, tariff, { index, seq, start, from: paid, to: owed });
    else if (owed < paid) credit(run, tariff, { index, seq, start, to: owed }, charged.slice(from, next));
    if (into.length > most) return false;
  }
  return into.length <= most;
}

function chargeOnce({ order, end, until, timeline, into }: Settlement): void {
  const { startsAt, oneTimePrice, quantity } = order;
  if (oneTimePrice === 0n || startsAt > until || (end !== null && end <= startsAt)) return;
  const currency = order.currency as Currency;
  const net = owedOnce(tariffOf({ currency, unitPrice: oneTimePrice, quantity, periodSeconds: null }));
  if (net === 0n) return;
  into.push(
    newRecord(order, {
      kind: 'one_time',
      periodIndex: NO_PERIOD,
      seq: 0,
      start: startsAt,
      end: startsAt,
      net,
      vat: timeline().spanAt(startsAt).terms,
      corrects: null,
    }),
  );
}

/** The last period that is due: begun (in advance) or over (in arrears), and not empty. −1 if none is. */
function lastDuePeriod({ order, end, until }: Settlement, length: number): number {
  const { startsAt } = order;
  const lastNotEmpty = end === null ? Number.POSITIVE_INFINITY : Math.ceil((end - startsAt) / length) - 1;
  if (order.charge === 'arrears') {
    const over = Math.floor((until - startsAt) / length) - 1;
    return end !== null && end <= until ? lastNotEmpty : Math.max(NO_PERIOD, Math.min(over, lastNotEmpty));
  }
  const begun = Math.floor((until - startsAt) / length);
  return Math.max(NO_PERIOD, Math.min(begun, lastNotEmpty));
}

/** The end of what a period is charged for, given its newest record. */
function chargedUpTo(newest: BillRecord): number {
  return newest.corrects === null ? newest.end : newest.start;
}

function charge(
  { order, timeline, into }: Settlement,
  tariff: Tariff,
  part: { index: number; seq: number; start: number; from: number; to: number },
): void {
  let { seq, from } = part;
  let before = owedAfter(tariff, from - part.start);
  while (from < part.to) {
    const span = timeline().spanAt(instant(from));
    const to = Math.min(span.end, part.to);
    const after = owedAfter(tariff, to - part.start);
    if (after !== before) {
      into.push(
        newRecord(order, {
          kind: 'recurring',
          periodIndex: part.index,
          seq: seq++,
          start: instant(from),
          end: instant(to),
          net: after - before,
          vat: span.terms,
          corrects: null,
        }),
      );
    }
    from = to;
    before = after;
  }
}

/** Takes back what is charged after `to`, newest first, from the charges that still stand. */
function credit(
  { order, into }: Settlement,
  tariff: Tariff,
  part: { index: number; seq: number; start: number; to: number },
  charged: readonly StoredRecord[],
): void {
  let { seq } = part;
  for (const { record, end } of standingCharges(charged).reverse()) {
    if (end <= part.to) break;
    const start = Math.max(record.start, part.to);
    const net = owedAfter(tariff, start - part.start) - owedAfter(tariff, end - part.start);
    if (net === 0n) continue;
    into.push(
      newRecord(order, {
        kind: 'recurring',
        periodIndex: part.index,
        seq: seq++,
        start: instant(start),
        end: instant(end),
        net,
        vat: record.vat,
        corrects: record.id,
      }),
    );
  }
}

/** A charge and up to where it still stands after the credits that came later. */
export interface StandingCharge {
  readonly record: StoredRecord;
  readonly end: Instant;
}

/** Replays the records of one period, ordered by seq, and returns the charges that stand, oldest first. */
export function standingCharges(records: readonly StoredRecord[]): StandingCharge[] {
  const standing: StandingCharge[] = [];
  for (const record of records) {
    if (record.corrects === null) {
      standing.push({ record, end: record.end });
      continue;
    }
    for (let top = standing.at(-1); top !== undefined && top.end > record.start; top = standing.at(-1)) {
      standing.pop();
      if (top.record.start >= record.start) continue;
      standing.push({ record: top.record, end: record.start });
    }
  }
  return standing;
}

function newRecord(
  order: Order,
  part: Pick<BillRecord, 'kind' | 'periodIndex' | 'seq' | 'start' | 'end' | 'net' | 'vat' | 'corrects'>,
): BillRecord {
  const oneTime = part.kind === 'one_time';
  return {
    orderId: order.id,
    kind: part.kind,
    periodIndex: part.periodIndex,
    seq: part.seq,
    start: part.start,
    end: part.end,
    net: part.net,
    vat: part.vat,
    corrects: part.corrects,
    currency: order.currency as Currency,
    description: order.description,
    unitPrice: oneTime ? order.oneTimePrice : order.recurringPrice,
    quantity: order.quantity,
    periodSeconds: oneTime ? null : order.recurringPeriodSeconds,
  };
}

/** Stands in for VAT where only the question matters whether anything would be charged. */
const UNTAXED: VatTimeline = {
  spanAt: () => ({
    start: Number.NEGATIVE_INFINITY,
    end: Number.POSITIVE_INFINITY,
    terms: { treatment: 'outside', territory: '' as Territory, rate: 0 as VatRate, reason: '' },
  }),
};
