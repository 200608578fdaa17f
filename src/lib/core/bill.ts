import {
  type BillRecord,
  chargeOrder,
  mayBeDue,
  type OrderState,
  type StoredRecord,
  stateAfter,
} from './charge.ts';
import { compareText } from './compare-text.ts';
import { refuse, UserError } from './errors.ts';
import { type Day, formatInstant, type Instant } from './instant.ts';
import { type Currency, LARGEST_AMOUNT, type Minor } from './money.ts';
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

/** The bill of these records, which are in one currency. */
export function billOf(currency: Currency, records: readonly BillRecord[], issuedAt: Instant): Bill {
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

/** What a bill of this total is called. */
export function kindOf(total: Minor): Bill['kind'] {
  return total < 0n ? 'credit_note' : 'invoice';
}

/** One user's whole history: all orders, and all bills with their records. */
export interface History {
  readonly orders: readonly Order[];
  readonly bills: readonly StoredBill[];
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
