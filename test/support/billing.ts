import { type Account, type BillingRun, decideBills, type StoredBill } from '../../src/lib/core/bill.ts';
import { parseCountry } from '../../src/lib/core/country.ts';
import { dueDayOf } from '../../src/lib/core/due-day.ts';
import { type Instant, parseDay, startOfDay } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import type { Order } from '../../src/lib/core/order.ts';
import { type Buyer, parseTerritory, parseVatRate, VatRateTable, VatRules } from '../../src/lib/core/vat.ts';

/** The first instant of a day. */
export const day = (text: string): Instant => startOfDay(parseDay(text));

/** 10 CHF for 30 days from 2025-01-01, or what is given instead. */
export function anOrder(given: Partial<Order> = {}): Order {
  return {
    id: 1,
    description: 'VM',
    currency: 'CHF',
    oneTimePrice: 0n,
    recurringPrice: parsePrice('10'),
    quantity: 1,
    recurringPeriodSeconds: 2_592_000,
    commitmentPeriods: 1,
    charge: 'advance',
    startsAt: day('2025-01-01'),
    endsAt: null,
    replaces: null,
    notForBilling: false,
    closed: false,
    nextDueAt: null,
    ...given,
  };
}

export const SWISS_BUYER: Buyer = {
  country: parseCountry('CH'),
  postalCode: '8000',
  vatIdValid: false,
  vatTerritory: null,
};

/** A Swiss seller, and the Swiss rate of 8.1 % since 2024. */
export const SWISS_RULES = new VatRules(
  { country: parseCountry('CH'), oss: false, registeredIn: [] },
  new VatRateTable([
    {
      territory: parseTerritory('CH'),
      rate: parseVatRate('0.081'),
      validFrom: parseDay('2024-01-01'),
      validTo: null,
    },
  ]),
);

/** A run on 2025-01-01. */
export const RUN: BillingRun = { until: day('2025-01-01'), vat: SWISS_RULES };

/** Somebody Swiss with that order, or with what is given instead. */
export function account(given: Partial<Account> = {}): Account {
  return {
    buyer: SWISS_BUYER,
    orders: [anOrder()],
    charged: new Map(),
    draftId: null,
    billedCurrencies: [],
    ...given,
  };
}

/** What a run does for an account that is not skipped. */
export function decided(given: Partial<Account> = {}, run: Partial<BillingRun> = {}) {
  const decision = decideBills({ ...RUN, ...run }, account(given));
  if (decision.skipped !== null) throw decision.skipped;
  return decision;
}

/** The bill of a run, with ids and a number. */
export function stored(given: Partial<Account> = {}, run: Partial<BillingRun> = {}, number = 1): StoredBill {
  const [bill] = decided(given, run).bills;
  if (bill === undefined) throw new Error('nothing was billed');
  const records = bill.records.map((record, index) => ({ ...record, id: number * 100 + index }));
  return { ...bill, id: number, number, dueOn: dueDayOf(bill, 10), records };
}
