import {
  type BillRecord,
  chargeOrder,
  checkSnapshot,
  isSettled,
  mayBeDue,
  NO_PERIOD,
  type OrderState,
  owedAfter,
  owedOnce,
  type StoredRecord,
  standingCharges,
  stateAfter,
  tariffOf,
} from './charge.ts';
import { compareText } from './compare-text.ts';
import { refuse, UserError } from './errors.ts';
import { type Day, dayOf, formatInstant, type Instant } from './instant.ts';
import { type Currency, formatMinor, isCurrency, LARGEST_AMOUNT, type Minor } from './money.ts';
import { checkOrder, checkReplacements, effectiveEnd, impliedEnds, type Order } from './order.ts';
import {
  type Buyer,
  type Territory,
  type VatRate,
  type VatRules,
  type VatTimeline,
  type VatTreatment,
  vatOn,
} from './vat.ts';

/** The VAT of all records of a bill that are taxed alike (EN 16931, BG-23). */
export interface VatGroup {
  readonly treatment: VatTreatment;
  readonly territory: Territory;
  readonly rate: VatRate;
  readonly base: Minor;
  /** Rounded once, on the base of the whole group. */
  readonly vat: Minor;
}

/** A bill before it is stored: the database adds the id, the number and both parties. */
export interface Bill {
  readonly currency: Currency;
  readonly issuedAt: Instant;
  readonly kind: 'invoice' | 'credit_note';
  readonly net: Minor;
  readonly vat: Minor;
  /** Net plus VAT: what is to be paid. */
  readonly total: Minor;
  readonly records: readonly BillRecord[];
  /** By treatment, territory and rate, ascending. */
  readonly vatGroups: readonly VatGroup[];
}

/** A bill as the database has it. */
export interface StoredBill extends Bill {
  readonly id: number;
  /** Null for a draft. */
  readonly number: number | null;
  /** The day by which it is to be paid; null for a draft, and when nothing is to be paid. */
  readonly dueOn: Day | null;
  readonly records: readonly StoredRecord[];
}

/** What all users of one run have in common. */
export interface BillingRun {
  /** The issue instant of the bills: everything due by then is billed. */
  readonly until: Instant;
  /** Null when the provider has no name or no country: nothing can be billed. */
  readonly vat: VatRules | null;
}

/** Everything about one user that a run reads. */
export interface Account {
  readonly buyer: Buyer;
  /**
   * Ascending by id: the orders that may have something due and, closed or not, every order of the user
   * that replaces another or is replaced.
   */
  readonly orders: readonly Order[];
  /** By order: its records as `chargeOrder` reads them. Orders without any may be left out. */
  readonly charged: ReadonlyMap<number, readonly StoredRecord[]>;
  /** The user's first draft, which has to be closed or discarded before anything new is billed. */
  readonly draftId: number | null;
  /** The currencies of bills that the user already has at exactly the issue instant. */
  readonly billedCurrencies: readonly string[];
}

/** What a run does for one user: all of it or, with a reason, nothing. */
export type AccountDecision =
  | {
      readonly skipped: null;
      readonly bills: readonly Bill[];
      /** Only the orders whose saved state changes. */
      readonly states: readonly OrderState[];
    }
  | { readonly skipped: UserError };

/** A disagreement between the stored history and what it should be. */
export interface Fault {
  readonly code: FaultCode;
  /** Number of the bill; null for a draft, or when no single bill is at fault. */
  readonly bill: number | null;
  readonly order: number | null;
  readonly message: string;
}

/** The kinds of faults that `bill verify` can find. */
export type FaultCode =
  | 'BILL_NET'
  | 'BILL_VAT'
  | 'BILL_TOTAL'
  | 'BILL_KIND'
  | 'BILL_CURRENCY'
  | 'BILL_DUE'
  | 'ORDER_CHANGED'
  | 'ORDER_FAULTY'
  | 'RECORD_WITHOUT_ORDER'
  | 'RECORD_NET'
  | 'CHARGED_TWICE'
  | 'CREDIT_OUTSIDE'
  | 'CREDIT_VAT'
  | 'PERIOD_SUM'
  | 'CLOSED_NOT_SETTLED'
  | 'NUMBER_GAP'
  | 'NUMBER_ORDER';

/**
 * Decides the bills of one user: one for each currency with something new, in order of currency.
 * A fault anywhere skips the user whole.
 */
export function decideBills({ until, vat }: BillingRun, account: Account): AccountDecision {
  try {
    if (account.draftId !== null) throw refuse.DRAFT_PENDING({ id: account.draftId });
    let timeline: VatTimeline | undefined;
    const timelineOnce = () => {
      timeline ??= rulesOf(vat).timelineFor(account.buyer);
      return timeline;
    };
    const records: BillRecord[] = [];
    const states: OrderState[] = [];
    const implied = impliedEndsOf(account.orders);
    for (const order of account.orders) {
      if (!mayBeDue(order, until)) continue;
      checkNamed(order);
      const end = effectiveEnd(order, implied);
      chargeOrder(order, end, account.charged.get(order.id) ?? NONE, until, timelineOnce, records);
      const state = stateAfter(order, end, until);
      if (state.closed || state.nextDueAt !== order.nextDueAt) states.push(state);
    }
    if (records.length > 0) rulesOf(vat);
    const bills = billsOf(records, until);
    for (const bill of bills) {
      const { currency } = bill;
      if (!isStorable(bill)) throw refuse.BILL_TOO_LARGE({ currency });
      if (account.billedCurrencies.includes(currency)) {
        throw refuse.ISSUE_DATE_TAKEN({ at: formatInstant(until), currency });
      }
    }
    return { skipped: null, bills, states };
  } catch (error) {
    if (error instanceof UserError) return { skipped: error };
    throw error;
  }
}

/** Groups records by treatment, territory and rate, and computes the VAT of each group. */
export function vatGroupsOf(records: readonly BillRecord[]): VatGroup[] {
  const groups = new Map<
    string,
    { treatment: VatTreatment; territory: Territory; rate: VatRate; base: Minor }
  >();
  for (const { vat, net } of records) {
    const key = `${vat.treatment}|${vat.territory}|${vat.rate}`;
    const group = groups.get(key);
    if (group !== undefined) group.base += net;
    else groups.set(key, { treatment: vat.treatment, territory: vat.territory, rate: vat.rate, base: net });
  }
  return [...groups.values()]
    .map((group) => ({ ...group, vat: vatOn(group.base, group.rate) }))
    .sort(compareVatGroups);
}

/** The order of the VAT groups of a bill: by treatment, territory and rate, ascending. */
export function compareVatGroups(a: VatGroup, b: VatGroup): number {
  return compareText(a.treatment, b.treatment) || compareText(a.territory, b.territory) || a.rate - b.rate;
}

function billsOf(records: readonly BillRecord[], issuedAt: Instant): Bill[] {
  if (records.length === 0) return [];
  const byCurrency = Map.groupBy(records, ({ currency }) => currency);
  return [...byCurrency.keys()]
    .sort()
    .map((currency) => billOf(currency, byCurrency.get(currency) ?? [], issuedAt));
}

function billOf(currency: Currency, records: readonly BillRecord[], issuedAt: Instant): Bill {
  const vatGroups = vatGroupsOf(records);
  const net = sum(records.map((record) => record.net));
  const vat = sum(vatGroups.map((group) => group.vat));
  const total = net + vat;
  return { currency, issuedAt, kind: kindOf(total), net, vat, total, records, vatGroups };
}

function isStorable({ net, vat, total, vatGroups }: Bill): boolean {
  const amounts = [net, vat, total, ...vatGroups.flatMap((group) => [group.base, group.vat])];
  return amounts.every((amount) => -LARGEST_AMOUNT <= amount && amount <= LARGEST_AMOUNT);
}

function kindOf(total: Minor): Bill['kind'] {
  return total < 0n ? 'credit_note' : 'invoice';
}

/** One user's whole history: all orders, and all bills with their records. */
export interface History {
  readonly orders: readonly Order[];
  readonly bills: readonly StoredBill[];
}

/**
 * Recomputes one user's history. What is merely due by `until` is counted by orders as `pending`; saved
 * times are not believed.
 */
export function verifyHistory(
  { orders, bills }: History,
  until: Instant,
): { faults: Fault[]; pending: number } {
  const faults: Fault[] = [];
  for (const bill of bills) verifyBill(bill, faults);
  const numbers = new Map(bills.flatMap((bill) => bill.records.map(({ id }) => [id, bill.number] as const)));
  const byOrder = Map.groupBy(
    bills.flatMap((bill) => bill.records),
    ({ orderId }) => orderId,
  );
  const implied = impliedEnds(orders);
  let pending = 0;
  for (const order of orders) {
    const records = byOrder.get(order.id) ?? [];
    byOrder.delete(order.id);
    records.sort((a, b) => a.periodIndex - b.periodIndex || a.seq - b.seq);
    const found = faultsOfOrder(order, records);
    for (const { code, message, record } of found) {
      faults.push({
        code,
        message,
        order: order.id,
        bill: record === null ? null : (numbers.get(record) ?? null),
      });
    }
    if (found.length > 0 || order.notForBilling) continue;
    if (isSettled(order, effectiveEnd(order, implied), records, until)) continue;
    if (order.closed) {
      const message = `Order ${order.id} is closed, but what it is charged differs from what is owed.`;
      faults.push({ code: 'CLOSED_NOT_SETTLED', bill: null, order: order.id, message });
    } else {
      pending++;
    }
  }
  for (const [order, [record]] of byOrder) {
    const bill = record === undefined ? null : (numbers.get(record.id) ?? null);
    const message = `There are bill records for order ${order}, which the user does not have.`;
    faults.push({ code: 'RECORD_WITHOUT_ORDER', bill, order, message });
  }
  return { faults, pending };
}

/** Checks that a numbered bill follows on the one before it: the first is 1, no gaps, no earlier issue date. */
export function verifyNumbering(
  previous: { readonly number: number; readonly issuedAt: Instant } | null,
  bill: { readonly number: number; readonly issuedAt: Instant },
): Fault[] {
  const faults: Fault[] = [];
  const expected = (previous?.number ?? 0) + 1;
  if (bill.number !== expected) {
    const message = `Bill ${bill.number} stands where number ${expected} is expected.`;
    faults.push({ code: 'NUMBER_GAP', bill: bill.number, order: null, message });
  }
  if (previous !== null && bill.issuedAt < previous.issuedAt) {
    const message = `Bill ${bill.number} was issued at ${formatInstant(bill.issuedAt)}, before bill ${previous.number}.`;
    faults.push({ code: 'NUMBER_ORDER', bill: bill.number, order: null, message });
  }
  return faults;
}

/** Checks that the counter stands at the highest number given: else a gap or a number that is taken comes next. */
export function verifyCounter(highest: number, counter: number): Fault[] {
  if (counter === highest) return [];
  const message = `The counter of bills stands at ${counter}, but the highest number given is ${highest}.`;
  return [{ code: 'NUMBER_GAP', bill: null, order: null, message }];
}

function verifyBill(bill: StoredBill, faults: Fault[]): void {
  const name = bill.number === null ? `Draft ${bill.id}` : `Bill ${bill.number}`;
  const fault = (code: FaultCode, message: string) =>
    faults.push({ code, bill: bill.number, order: null, message: `${name} ${message}.` });
  if (!isCurrency(bill.currency)) {
    fault('BILL_CURRENCY', `is in ${bill.currency}, which is not a known currency`);
    return;
  }
  const amount = (minor: Minor) => `${formatMinor(minor, bill.currency)} ${bill.currency}`;
  const expected = billOf(bill.currency, bill.records, bill.issuedAt);
  if (bill.records.some(({ currency }) => currency !== bill.currency)) {
    fault('BILL_CURRENCY', `has records of orders in another currency than ${bill.currency}`);
  }
  if (bill.net !== expected.net) {
    fault('BILL_NET', `has a net of ${amount(bill.net)}; its records add up to ${amount(expected.net)}`);
  }
  if (bill.vat !== expected.vat || !sameGroups(bill.vatGroups, expected.vatGroups)) {
    fault('BILL_VAT', `has VAT groups that differ from its records; they give ${amount(expected.vat)}`);
  }
  if (bill.total !== bill.net + bill.vat) {
    fault('BILL_TOTAL', `has a total of ${amount(bill.total)}, which is not its net plus its VAT`);
  }
  if (bill.kind !== kindOf(bill.total)) {
    fault('BILL_KIND', `is called ${bill.kind} with a total of ${amount(bill.total)}`);
  }
  const due = dueFaultOf(bill);
  if (due !== null) fault('BILL_DUE', due);
}

/** Issued bills with something to pay have a day by which to pay it, `dueDayOf`, and others have none. */
function dueFaultOf({ number, total, dueOn, issuedAt }: StoredBill): string | null {
  if (number === null || total <= 0n) {
    return dueOn === null ? null : `has nothing to be paid, but ${dueOn} as the day by which to pay it`;
  }
  if (dueOn === null) return 'has no day by which it is to be paid';
  const issuedOn = dayOf(issuedAt);
  return dueOn < issuedOn ? `is to be paid by ${dueOn}, and was issued on ${issuedOn}` : null;
}

/** A fault of an order, with the id of the record that shows it. */
interface OrderFault {
  readonly code: FaultCode;
  readonly message: string;
  readonly record: number | null;
}

function faultsOfOrder(order: Order, records: readonly StoredRecord[]): OrderFault[] {
  try {
    checkOrder(order);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [{ code: 'ORDER_FAULTY', message: `Order ${order.id}: ${error.message}`, record: null }];
  }
  for (const record of records) {
    try {
      checkSnapshot(order, record);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return [{ code: 'ORDER_CHANGED', message: error.message, record: record.id }];
    }
  }
  return [...Map.groupBy(records, ({ periodIndex }) => periodIndex)].flatMap(([index, ofPeriod]) =>
    index === NO_PERIOD ? faultsOfOneTime(ofPeriod) : faultsOfPeriod(order, index, ofPeriod),
  );
}

function faultsOfOneTime(records: readonly StoredRecord[]): OrderFault[] {
  const faults: OrderFault[] = [];
  for (const [index, record] of records.entries()) {
    if (index > 0) faults.push(faultOf('CHARGED_TWICE', record, 'charges a one-time price again'));
    const owed = owedOnce(tariffOf(record));
    if (record.net !== owed) faults.push(faultOf('RECORD_NET', record, differs(record, owed)));
  }
  return faults;
}

function faultsOfPeriod(order: Order, index: number, records: readonly StoredRecord[]): OrderFault[] {
  const faults: OrderFault[] = [];
  const start = order.startsAt + index * (order.recurringPeriodSeconds ?? 0);
  let upTo = start;
  for (const [position, record] of records.entries()) {
    const tariff = tariffOf(record);
    const part = owedAfter(tariff, record.end - start) - owedAfter(tariff, record.start - start);
    const owed = record.corrects === null ? part : -part;
    if (record.net !== owed) faults.push(faultOf('RECORD_NET', record, differs(record, owed)));
    if (record.corrects === null) {
      if (record.start < upTo) {
        faults.push(faultOf('CHARGED_TWICE', record, 'charges time that was charged before'));
      }
      upTo = record.end;
      continue;
    }
    upTo = record.start;
    const standing = standingCharges(records.slice(0, position));
    const charge = standing.find(({ record: { id } }) => id === record.corrects);
    if (charge === undefined || record.start < charge.record.start || record.end > charge.end) {
      faults.push(
        faultOf('CREDIT_OUTSIDE', record, `takes back more than record ${record.corrects} charges`),
      );
    } else if (!sameRate(charge.record, record)) {
      faults.push(
        faultOf('CREDIT_VAT', record, `has other VAT than record ${record.corrects}, which it corrects`),
      );
    }
  }
  const [first] = records;
  if (first === undefined || faults.length > 0) return faults;
  const charged = sum(records.map(({ net }) => net));
  const amount = (minor: Minor) => formatMinor(minor, first.currency);
  const owed = owedAfter(tariffOf(first), upTo - start);
  if (charged === owed) return faults;
  return [
    faultOf(
      'PERIOD_SUM',
      first,
      `and those after it in period ${index} add up to ${amount(charged)}, not ${amount(owed)}`,
    ),
  ];
}

function faultOf(code: FaultCode, record: StoredRecord, what: string): OrderFault {
  return { code, message: `Record ${record.id} of order ${record.orderId} ${what}.`, record: record.id };
}

function differs({ net, currency }: StoredRecord, owed: Minor): string {
  return `has a net of ${formatMinor(net, currency)}; the formula gives ${formatMinor(owed, currency)}`;
}

function sameRate({ vat: a }: StoredRecord, { vat: b }: StoredRecord): boolean {
  return a.treatment === b.treatment && a.territory === b.territory && a.rate === b.rate;
}

function sameGroups(stored: readonly VatGroup[], expected: readonly VatGroup[]): boolean {
  const text = (groups: readonly VatGroup[]) =>
    groups
      .map(({ treatment, territory, rate, base, vat }) => `${treatment}|${territory}|${rate}|${base}|${vat}`)
      .sort()
      .join('\n');
  return text(stored) === text(expected);
}

const NONE: readonly StoredRecord[] = [];
const NO_ENDS: ReadonlyMap<number, Instant> = new Map();

function impliedEndsOf(orders: readonly Order[]): ReadonlyMap<number, Instant> {
  if (orders.every(({ replaces }) => replaces === null)) return NO_ENDS;
  checkReplacements(new Map(orders.map(({ id, replaces }) => [id, replaces])));
  return impliedEnds(orders);
}

function checkNamed(order: Order): void {
  try {
    checkOrder(order);
  } catch (error) {
    throw error instanceof UserError ? error.at(`order ${order.id}`) : error;
  }
}

function rulesOf(vat: VatRules | null): VatRules {
  if (vat === null) throw refuse.PROVIDER_INCOMPLETE({});
  return vat;
}

function sum(amounts: readonly Minor[]): Minor {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
