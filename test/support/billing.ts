import { parseCountry } from '../../src/lib/core/country.ts';
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
