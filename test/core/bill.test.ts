import { describe, expect, test } from 'vitest';
import { type Account, type BillingRun, decideBills, vatGroupsOf } from '../../src/lib/core/bill.ts';
import {
  firstUnsettledPeriod,
  periodShareOf,
  type StoredRecord,
  stateAfter,
} from '../../src/lib/core/charge.ts';
import { addSeconds, LAST_INSTANT } from '../../src/lib/core/instant.ts';
import { LARGEST_CHARGE } from '../../src/lib/core/money.ts';
import type { Order } from '../../src/lib/core/order.ts';
import { account, anOrder, day, decided, RUN, SWISS_BUYER, stored } from '../support/billing.ts';

const NOW = day('2025-01-01');
function codeOf(given: Partial<Account>, run: Partial<BillingRun> = {}): string | undefined {
  return decideBills({ ...RUN, ...run }, account(given)).skipped?.code;
}

describe('a user is skipped', () => {
  const nobody = { ...SWISS_BUYER, country: null };

  test.each<[string, Partial<Account>, Partial<BillingRun>]>([
    ['DRAFT_PENDING', { draftId: 7, orders: [] }, {}],
    ['PROVIDER_INCOMPLETE', {}, { vat: null }],
    ['MISSING_COUNTRY', { buyer: nobody }, {}],
    [
      'MISSING_VAT_RATE',
      { orders: [anOrder({ startsAt: day('2020-01-01'), endsAt: day('2020-02-01') })] },
      {},
    ],
    ['SELLER_NOT_REGISTERED', { buyer: { ...SWISS_BUYER, country: 'DE' as typeof SWISS_BUYER.country } }, {}],
    ['ISSUE_DATE_TAKEN', { billedCurrencies: ['EUR', 'CHF'] }, {}],
    ['UNKNOWN_CURRENCY', { orders: [anOrder({ currency: 'QQQ' })] }, {}],
    ['INVALID_ORDER', { orders: [anOrder(), anOrder({ id: 2, quantity: 0 })] }, {}],
    ['INVALID_ORDER', { orders: [anOrder({ replaces: 9 })] }, {}],
    ['REPLACEMENT_CYCLE', { orders: [anOrder({ replaces: 1 })] }, {}],
    [
      'TOO_MANY_PERIODS',
      { orders: [anOrder({ recurringPeriodSeconds: 1 })] },
      { until: addSeconds(NOW, 10_000) },
    ],
    [
      'BILL_TOO_LARGE',
      { orders: Array.from({ length: 901 }, (_, id) => anOrder({ id, recurringPrice: LARGEST_CHARGE })) },
      {},
    ],
  ])('with %s', (code, given, run) => {
    expect(codeOf(given, run)).toBe(code);
  });

  test.each<[string, Partial<Account>, Partial<BillingRun>]>([
    ['the provider is unknown', {}, { vat: null }],
    ['the country is unknown', { buyer: nobody }, {}],
    ['there is a bill of that instant', { billedCurrencies: ['CHF'] }, {}],
  ])('only if there is something to bill: %s', (_, given, run) => {
    const settled = { ...given, orders: [anOrder({ startsAt: day('2025-01-02') })] };
    expect(decided(settled, run).bills).toEqual([]);
  });

  test('not for a bill of that instant in another currency', () => {
    expect(decided({ billedCurrencies: ['EUR'] }).bills).toHaveLength(1);
  });

  test('by a message that names the order', () => {
    const decision = decideBills(RUN, account({ orders: [anOrder({ id: 7, quantity: 0 })] }));
    expect(decision.skipped?.message).toMatch(/^order 7: The order's quantity is 0/);
  });

  test('not at the largest amounts that can be stored', () => {
    const orders = Array.from({ length: 833 }, (_, id) => anOrder({ id, recurringPrice: LARGEST_CHARGE }));
    const [bill] = decided({ orders }).bills;
    expect(bill).toMatchObject({ net: 8_330_000_000_000_000n, vat: 674_730_000_000_000n });
    expect((bill?.total ?? 0n) < BigInt(Number.MAX_SAFE_INTEGER)).toBe(true);
  });

  test('not at exactly 10,000 records', () => {
    const orders = [anOrder({ recurringPeriodSeconds: 1 })];
    expect(decided({ orders }, { until: addSeconds(NOW, 9_999) }).bills[0]?.records).toHaveLength(10_000);
  });

  test.each<[string, Partial<Order>]>([
    ['unit price', { recurringPrice: 99n }],
    ['quantity', { quantity: 2 }],
    ['period', { recurringPeriodSeconds: 86_400 }],
    ['currency', { currency: 'EUR' }],
    ['start', { startsAt: addSeconds(NOW, 1) }],
  ])('when the %s of a billed order was changed', (field, change) => {
    const charged = new Map([[1, stored().records]]);
    const decision = decideBills(
      { ...RUN, until: day('2025-02-01') },
      account({ charged, orders: [anOrder(change)] }),
    );
    expect(decision.skipped).toMatchObject({ code: 'ORDER_CHANGED', data: { order: 1, record: 100, field } });
  });
});

describe('bills', () => {
  test('are one for each currency, in order', () => {
    const orders = ['EUR', 'CHF', 'EUR'].map((currency, index) => anOrder({ id: index + 1, currency }));
    const { bills } = decided({ orders });
    expect(bills.map((bill) => [bill.currency, bill.records.map(({ orderId }) => orderId)])).toEqual([
      ['CHF', [2]],
      ['EUR', [1, 3]],
    ]);
  });

  test('have their VAT by treatment, then territory, then rate', () => {
    const vats = ['domestic CH 260', 'domestic CH 810', 'domestic DE 190', 'outside BR 0', 'outside US 0'];
    const [record] = stored().records;
    const records = vats.toReversed().map((vat) => {
      const [treatment, territory, rate] = vat.split(' ');
      return { ...record, vat: { treatment, territory, rate: Number(rate), reason: '' } } as StoredRecord;
    });
    const groups = vatGroupsOf(records);
    expect(groups.map(({ treatment, territory, rate }) => `${treatment} ${territory} ${rate}`)).toEqual(vats);
  });

  test('carry a snapshot of the order in every record', () => {
    const [record] = decided({ orders: [anOrder({ quantity: 3 })] }).bills[0]?.records ?? [];
    expect(record).toEqual({
      orderId: 1,
      kind: 'recurring',
      periodIndex: 0,
      seq: 0,
      start: NOW,
      end: day('2025-01-31'),
      net: 3_000n,
      vat: { treatment: 'domestic', territory: 'CH', rate: 810, reason: expect.stringContaining('CH') },
      corrects: null,
      currency: 'CHF',
      description: 'VM',
      unitPrice: 100_000n,
      quantity: 3,
      periodSeconds: 2_592_000,
    });
  });

  test('credit with the rate that was charged and name the record', () => {
    const bill = stored();
    const charged = bill.records.map((record) => ({
      ...record,
      vat: { ...record.vat, rate: 770 as typeof record.vat.rate },
    }));
    const orders = [anOrder({ endsAt: day('2025-01-16') })];
    const credit = stored({ orders, charged: new Map([[1, charged]]) }, { until: day('2025-01-16') });
    expect(credit).toMatchObject({ kind: 'credit_note', net: -500n, vat: -39n, total: -539n });
    expect(credit.records[0]).toMatchObject({ corrects: 100, seq: 1, vat: { rate: 770 } });
  });

  test('leave out what is closed, not for billing, or not due by the saved time', () => {
    const orders = [
      anOrder({ id: 1, closed: true }),
      anOrder({ id: 2, notForBilling: true }),
      anOrder({ id: 3, nextDueAt: addSeconds(NOW, 1) }),
    ];
    expect(decided({ orders })).toEqual({ skipped: null, bills: [], states: [] });
  });
});

test.each([
  ['days, where both are whole days', 15 * 86_400, 30 * 86_400, { part: 15, whole: 30, unit: 'days' }],
  ['seconds, of a part of a day', 86_401, 30 * 86_400, { part: 86_401, whole: 2_592_000, unit: 'seconds' }],
  [
    'seconds, of a period of a day and a half',
    86_400,
    129_600,
    { part: 86_400, whole: 129_600, unit: 'seconds' },
  ],
  ['nothing, when it is the whole period', 86_400, 86_400, null],
  ['nothing, of what is charged once', 0, null, null],
])('the share of a period is told in %s', (_, seconds, periodSeconds, share) => {
  expect(periodShareOf({ start: NOW, end: addSeconds(NOW, seconds), periodSeconds })).toEqual(share);
});

describe('the saved time', () => {
  const at = day('2025-01-16');
  test.each<[string, Partial<Order>, string | null]>([
    ['the next period', {}, '2025-01-31'],
    ['the next period, with a one-time price that was due before', { oneTimePrice: 1n }, '2025-01-31'],
    ['the end of the running period, in arrears', { charge: 'arrears' }, '2025-01-31'],
    ['the end, to be closed', { endsAt: day('2025-01-20') }, '2025-01-20'],
    ['the start', { startsAt: day('2025-02-01') }, '2025-02-01'],
    [
      'the end of the first period, in arrears',
      { charge: 'arrears', startsAt: day('2025-02-01') },
      '2025-03-03',
    ],
    [
      'the one-time price, in arrears',
      { charge: 'arrears', startsAt: day('2025-02-01'), oneTimePrice: 1n },
      '2025-02-01',
    ],
    ['never, if free', { recurringPrice: 0n }, null],
  ])('is %s', (_, given, expected) => {
    const order = anOrder(given);
    const nextDueAt = expected === null ? LAST_INSTANT : day(expected);
    expect(stateAfter(order, order.endsAt, at)).toEqual({ orderId: 1, closed: false, nextDueAt });
  });

  test.each<[string, Partial<Order>]>([
    ['over', { endsAt: at }],
    ['one-time and begun', { recurringPeriodSeconds: null, recurringPrice: 0n, oneTimePrice: 5n }],
  ])('is not needed when an order is %s', (_, given) => {
    const order = anOrder(given);
    expect(stateAfter(order, order.endsAt, at).closed).toBe(true);
  });

  test('keeps a run from reading settled periods', () => {
    expect(firstUnsettledPeriod(anOrder())).toBe(0);
    expect(firstUnsettledPeriod(anOrder({ nextDueAt: NOW }))).toBe(0);
    expect(firstUnsettledPeriod(anOrder({ nextDueAt: addSeconds(NOW, 100 * 2_592_000) }))).toBe(99);
  });
});
