import { type Account, type Bill, decideBills, type StoredBill } from '../../src/lib/core/bill.ts';
import { verifyHistory, verifyNumbering } from '../../src/lib/core/bill-verification.ts';
import type { StoredRecord } from '../../src/lib/core/charge.ts';
import { parseCountry } from '../../src/lib/core/country.ts';
import { dueDayOf } from '../../src/lib/core/due-day.ts';
import {
  addSeconds,
  formatInstant,
  type Instant,
  instant,
  parseDay,
  parseInstant,
} from '../../src/lib/core/instant.ts';
import { checkIssueDate } from '../../src/lib/core/issue-date.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import {
  checkNewOrder,
  decideCancellation,
  decideNewEnd,
  decideReplacement,
  effectiveEnd,
  impliedEnds,
  type Order,
} from '../../src/lib/core/order.ts';
import { type Buyer, parseTerritory, type VatRate, VatRateTable, VatRules } from '../../src/lib/core/vat.ts';
import {
  type GoldenBill,
  type GoldenCustomer,
  type GoldenOrder,
  type GoldenRate,
  type GoldenRun,
  type GoldenSeller,
  type GoldenSuccessor,
  type GoldenWorld,
  goldenBill,
} from './golden.ts';

const PAYMENT_DAYS = 10;

/** The VAT of a seller under the rates of a case. */
export function vatRulesOf(seller: GoldenSeller, rates: readonly GoldenRate[]): VatRules {
  const table = new VatRateTable(
    rates.map(({ territory, rate, from, to }) => ({
      territory: parseTerritory(territory),
      rate: Math.round(Number(rate) * 100) as VatRate,
      validFrom: parseDay(from),
      validTo: to === null ? null : parseDay(to),
    })),
  );
  return new VatRules({ ...seller, country: parseCountry(seller.country), registeredIn: [] }, table);
}

interface Row {
  readonly customer: string;
  readonly order: Order;
}

interface Skip {
  readonly customer: string;
  readonly code: string;
}

/** Orders and bills in memory, kept as the database keeps them: triggers, draft bills and numbers included. */
export class MemoryWorld implements GoldenWorld {
  readonly #rules: VatRules;
  readonly #customers = new Map<string, Buyer>();
  readonly #rows = new Map<number, Row>();
  readonly #keys = new Map<string, number>();
  #bills: { customer: string; bill: StoredBill }[] = [];
  #ids = 0;
  #numbers = 0;

  constructor(rules: VatRules) {
    this.#rules = rules;
  }

  async setCustomer(name: string, { country, postcode, vat_id_valid }: GoldenCustomer): Promise<void> {
    this.#customers.set(name, {
      country: parseCountry(country),
      postalCode: postcode ?? null,
      vatIdValid: vat_id_valid ?? false,
      vatTerritory: null,
    });
  }

  async addOrder(golden: GoldenOrder): Promise<void> {
    const endsAt = golden.ends_at === null ? null : at(golden.ends_at);
    this.insert(golden.id, golden.customer, {
      description: golden.id,
      currency: golden.currency,
      oneTimePrice: parsePrice(golden.one_time_price ?? '0', { negative: true }),
      recurringPrice: parsePrice(golden.recurring_price ?? '0'),
      quantity: golden.quantity ?? 1,
      recurringPeriodSeconds: golden.recurring_period_seconds ?? null,
      commitmentPeriods: golden.commitment_periods ?? 1,
      charge: golden.charge ?? 'advance',
      startsAt: at(golden.starts_at),
      endsAt: golden.last_second === undefined ? endsAt : addSeconds(at(golden.last_second), 1),
      notForBilling: golden.not_for_billing ?? false,
      replaces: golden.replaces === undefined ? null : this.#idOf(golden.replaces),
    });
  }

  /** Stores an order; what it replaces is reopened. */
  insert(key: string, customer: string, order: Omit<Order, 'id' | 'closed' | 'nextDueAt'>): Order {
    const stored = { ...order, id: this.#idOf(key), closed: false, nextDueAt: null };
    this.#rows.set(stored.id, { customer, order: stored });
    if (stored.replaces !== null) this.#reopen(stored.replaces);
    return stored;
  }

  async run(until: string, { draft }: { draft: boolean }): Promise<GoldenRun> {
    const { bills, skips, store } = this.bill(at(until));
    store({ draft });
    const stored = this.#bills.slice(this.#bills.length - bills.length);
    return {
      bills: stored.map(({ customer, bill }) => this.#show(customer, bill, bill.number)),
      errors: skips,
    };
  }

  async dryRun(until: string): Promise<GoldenRun> {
    const { bills, skips } = this.bill(at(until));
    return { bills: bills.map(({ customer, bill }) => this.#show(customer, bill, null)), errors: skips };
  }

  async crashRun(until: string): Promise<void> {
    this.bill(at(until));
  }

  /** Decides a run for all customers; nothing is changed before `store`. */
  bill(until: Instant) {
    checkIssueDate(until, { now: until, newest: this.#newest(this.#bills) });
    const bills: { customer: string; bill: Bill }[] = [];
    const skips: Skip[] = [];
    const states: { orderId: number; closed: boolean; nextDueAt: Instant }[] = [];
    for (const customer of this.#customers.keys()) {
      const decision = decideBills({ until, vat: this.#rules }, this.account(customer, until));
      if (decision.skipped !== null) {
        skips.push({ customer, code: decision.skipped.code });
        continue;
      }
      bills.push(...decision.bills.map((bill) => ({ customer, bill })));
      states.push(...decision.states);
    }
    const store = ({ draft }: { draft: boolean }) => {
      for (const { customer, bill } of bills) this.#store(customer, bill, draft);
      for (const { orderId, closed, nextDueAt } of states) this.#change(orderId, { closed, nextDueAt });
    };
    return { bills, skips, store };
  }

  account(customer: string, until: Instant): Account {
    const own = this.#bills.filter((row) => row.customer === customer).map(({ bill }) => bill);
    return {
      buyer: this.#customers.get(customer) ?? fail(`no customer ${customer}`),
      orders: this.ordersOf(customer),
      charged: Map.groupBy(this.recordsOf(customer), ({ orderId }) => orderId),
      draftId: own.find(({ number }) => number === null)?.id ?? null,
      billedCurrencies: own.filter(({ issuedAt }) => issuedAt === until).map(({ currency }) => currency),
    };
  }

  ordersOf(customer: string): Order[] {
    return [...this.#rows.values()].filter((row) => row.customer === customer).map(({ order }) => order);
  }

  recordsOf(customer: string): StoredRecord[] {
    return this.#bills
      .filter((row) => row.customer === customer)
      .flatMap(({ bill }) => bill.records)
      .sort((a, b) => a.periodIndex - b.periodIndex || a.seq - b.seq);
  }

  /** All that `bill verify` says. */
  verify(until: Instant) {
    const bills = this.#bills.map(({ bill }) => bill);
    const numbered = bills.flatMap(({ number, issuedAt }) => (number === null ? [] : [{ number, issuedAt }]));
    const histories = [...this.#customers.keys()].map((customer) =>
      verifyHistory(
        {
          orders: this.ordersOf(customer),
          bills: this.#bills.filter((row) => row.customer === customer).map(({ bill }) => bill),
        },
        until,
      ),
    );
    return {
      faults: [
        ...numbered.flatMap((bill, index) => verifyNumbering(numbered[index - 1] ?? null, bill)),
        ...histories.flatMap(({ faults }) => faults),
      ],
      pending: histories.reduce((total, { pending }) => total + pending, 0),
    };
  }

  async replace(key: string, when: string, successor: GoldenSuccessor, policy: 'prorate' | 'full') {
    const { id, recurring_price, quantity, commitment_periods, currency } = successor;
    const { order: old, customer } = this.#row(this.#idOf(key));
    const terms = {
      ...old,
      oneTimePrice: 0n,
      ...(recurring_price === undefined ? {} : { recurringPrice: parsePrice(recurring_price) }),
      ...(quantity === undefined ? {} : { quantity }),
      ...(commitment_periods === undefined ? {} : { commitmentPeriods: commitment_periods }),
      ...(currency === undefined ? {} : { currency }),
    };
    const decision = decideReplacement(old, terms, at(when), policy, this.#stateOf(old));
    const placed = { ...terms, startsAt: decision.newStartsAt, endsAt: null, replaces: old.id };
    checkNewOrder(placed);
    this.changeEnd(old.id, decision.oldEndsAt);
    this.insert(id, customer, placed);
    return {
      kind: decision.kind,
      old_ends_at: formatInstant(decision.oldEndsAt),
      new_starts_at: formatInstant(decision.newStartsAt),
    };
  }

  async cancel(key: string, when: string): Promise<{ ends_at: string }> {
    const { order } = this.#row(this.#idOf(key));
    const end = decideCancellation(order, at(when), this.#stateOf(order));
    this.changeEnd(order.id, end);
    return { ends_at: formatInstant(end) };
  }

  async setEnd(key: string, endsAt: string | null): Promise<void> {
    const { order } = this.#row(this.#idOf(key));
    this.changeEnd(order.id, decideNewEnd(order, endsAt === null ? null : at(endsAt)));
  }

  /** Moves an end as the database does, which reopens the order and the one that it replaces. */
  changeEnd(id: number, endsAt: Instant | null): void {
    const { replaces, endsAt: before } = this.#row(id).order;
    if (endsAt === before) return;
    this.#change(id, { endsAt });
    this.#reopen(id);
    if (replaces !== null) this.#reopen(replaces);
  }

  async closeDrafts(): Promise<number[]> {
    const issued = this.#bills.filter(({ bill }) => bill.number !== null);
    const newest = this.#newest(issued);
    for (const { bill } of this.#bills) {
      if (bill.number === null) checkIssueDate(bill.issuedAt, { now: bill.issuedAt, newest });
    }
    const numbers: number[] = [];
    this.#bills = this.#bills.map(({ customer, bill }) => {
      if (bill.number !== null) return { customer, bill };
      const number = ++this.#numbers;
      numbers.push(number);
      return { customer, bill: { ...bill, number, dueOn: dueDayOf(bill, PAYMENT_DAYS) } };
    });
    return numbers;
  }

  async discardDrafts(): Promise<void> {
    for (const { bill } of this.#bills.filter(({ bill }) => bill.number === null)) {
      for (const { orderId } of bill.records) this.#reopen(orderId);
    }
    this.#bills = this.#bills.filter(({ bill }) => bill.number !== null);
  }

  async closedOrders(): Promise<string[]> {
    return [...this.#rows.values()]
      .filter(({ order }) => order.closed)
      .map(({ order }) => this.#keyOf(order.id));
  }

  async close(): Promise<void> {}

  #newest(bills: readonly { bill: StoredBill }[]): Instant | null {
    return bills.length === 0 ? null : instant(Math.max(...bills.map(({ bill }) => bill.issuedAt)));
  }

  #stateOf(order: Order): { end: Instant | null; billed: boolean } {
    const { customer } = this.#row(order.id);
    return {
      end: effectiveEnd(order, impliedEnds(this.ordersOf(customer))),
      billed: this.recordsOf(customer).some(({ orderId }) => orderId === order.id),
    };
  }

  #store(customer: string, bill: Bill, draft: boolean): void {
    const records = bill.records.map((record) => ({ ...record, id: ++this.#ids }));
    const number = draft ? null : ++this.#numbers;
    const dueOn = draft ? null : dueDayOf(bill, PAYMENT_DAYS);
    this.#bills.push({ customer, bill: { ...bill, id: ++this.#ids, number, dueOn, records } });
  }

  #row(id: number): Row {
    return this.#rows.get(id) ?? fail(`no order ${id}`);
  }

  #change(id: number, change: Partial<Order>): void {
    const { customer, order } = this.#row(id);
    this.#rows.set(id, { customer, order: { ...order, ...change } });
  }

  #reopen(id: number): void {
    if (this.#rows.has(id)) this.#change(id, { closed: false, nextDueAt: null });
  }

  #idOf(key: string): number {
    const id = this.#keys.get(key) ?? this.#keys.size + 1;
    this.#keys.set(key, id);
    return id;
  }

  #keyOf(id: number): string {
    return [...this.#keys].find(([, known]) => known === id)?.[0] ?? fail(`no order ${id}`);
  }

  #show(customer: string, bill: Bill, number: number | null): GoldenBill {
    return goldenBill(customer, bill, number, (id) => this.#keyOf(id));
  }
}

function at(text: string): Instant {
  return parseInstant(text, instant(0));
}

function fail(message: string): never {
  throw new Error(message);
}
