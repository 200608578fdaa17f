import { describe, expect, test } from 'vitest';
import {
  type Account,
  type BillingRun,
  decideBills,
  type StoredBill,
  vatGroupsOf,
  verifyHistory,
  verifyNumbering,
} from '../../src/lib/core/bill.ts';
import {
  firstUnsettledPeriod,
  periodShareOf,
  type StoredRecord,
  stateAfter,
} from '../../src/lib/core/charge.ts';
import { dueDayOf } from '../../src/lib/core/due-day.ts';
import { addSeconds, LAST_INSTANT, parseDay } from '../../src/lib/core/instant.ts';
import { LARGEST_CHARGE } from '../../src/lib/core/money.ts';
import type { Order } from '../../src/lib/core/order.ts';
import type { Territory } from '../../src/lib/core/vat.ts';
import { anOrder, day, SWISS_BUYER, SWISS_RULES } from '../support/billing.ts';

const NOW = day('2025-01-01');
const RUN: BillingRun = { until: NOW, vat: SWISS_RULES };

function account(given: Partial<Account> = {}): Account {
  return {
    buyer: SWISS_BUYER,
    orders: [anOrder()],
    charged: new Map(),
    draftId: null,
    billedCurrencies: [],
    ...given,
  };
}

function decided(given: Partial<Account> = {}, run: Partial<BillingRun> = {}) {
  const decision = decideBills({ ...RUN, ...run }, account(given));
  if (decision.skipped !== null) throw decision.skipped;
  return decision;
}

function codeOf(given: Partial<Account>, run: Partial<BillingRun> = {}): string | undefined {
  return decideBills({ ...RUN, ...run }, account(given)).skipped?.code;
}

/** The bill of a run, with ids and a number. */
function stored(given: Partial<Account> = {}, run: Partial<BillingRun> = {}, number = 1): StoredBill {
  const [bill] = decided(given, run).bills;
  if (bill === undefined) throw new Error('nothing was billed');
  const records = bill.records.map((record, index) => ({ ...record, id: number * 100 + index }));
  return { ...bill, id: number, number, dueOn: dueDayOf(bill, 10), records };
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

describe('verification', () => {
  const UNTIL = day('2025-01-20');
  const order = anOrder({ oneTimePrice: 500_000n, endsAt: day('2025-01-16') });
  const sold = stored({ orders: [{ ...order, endsAt: null }] });
  const credited = stored(
    { orders: [order], charged: new Map([[1, sold.records]]) },
    { until: day('2025-01-16') },
    2,
  );
  const closed = { ...order, closed: true };

  const codes = (bills: readonly StoredBill[], orders: readonly Order[] = [closed]) =>
    verifyHistory({ orders, bills }, UNTIL).faults.map(({ code, bill }) => `${code} ${bill}`);

  /** The credited bill with a change to its only record, and sums that fit it. */
  function withRecord(change: Partial<StoredRecord>): StoredBill {
    return { ...credited, records: credited.records.map((record) => ({ ...record, ...change })) };
  }

  test('finds nothing in a sound history', () => {
    expect(verifyHistory({ orders: [closed], bills: [sold, credited] }, UNTIL)).toEqual({
      faults: [],
      pending: 0,
    });
  });

  test('counts what is merely due, and does not believe the saved times', () => {
    const trusting = { ...order, nextDueAt: LAST_INSTANT };
    expect(verifyHistory({ orders: [trusting], bills: [sold] }, UNTIL)).toEqual({ faults: [], pending: 1 });
    expect(verifyHistory({ orders: [anOrder({ id: 1 })], bills: [] }, UNTIL)).toEqual({
      faults: [],
      pending: 1,
    });
  });

  test('finds an order that was closed too early', () => {
    expect(codes([sold])).toEqual(['CLOSED_NOT_SETTLED null']);
    expect(codes([], [anOrder({ closed: true })])).toEqual(['CLOSED_NOT_SETTLED null']);
  });

  test.each<[string, readonly StoredBill[], string[]]>([
    ['a net', [{ ...sold, net: 6_001n, total: 6_487n }, credited], ['BILL_NET 1']],
    ['a VAT amount', [{ ...sold, vat: 487n, total: 6_487n }, credited], ['BILL_VAT 1']],
    ['a VAT group', [{ ...sold, vatGroups: [] }, credited], ['BILL_VAT 1']],
    ['a total', [{ ...sold, total: 1n }, credited], ['BILL_TOTAL 1']],
    ['a kind', [{ ...sold, kind: 'credit_note' }, credited], ['BILL_KIND 1']],
    ['a currency', [{ ...sold, currency: 'EUR' }, credited], ['BILL_CURRENCY 1']],
    [
      'a currency that is none, in which no amount can be told',
      [{ ...sold, currency: 'QQQ' as StoredBill['currency'], net: 6_001n }, credited],
      ['BILL_CURRENCY 1'],
    ],
    ['no due day', [{ ...sold, dueOn: null }, credited], ['BILL_DUE 1']],
    ['a due day before the issue', [{ ...sold, dueOn: parseDay('2024-12-31') }, credited], ['BILL_DUE 1']],
    ['a due day of a draft', [{ ...sold, number: null }, credited], ['BILL_DUE null']],
    ['a due day of a credit note', [sold, { ...credited, dueOn: sold.dueOn }], ['BILL_DUE 2']],
    ['a credit that has lost its charge', [sold, withRecord({ corrects: 77 })], ['CREDIT_OUTSIDE 2']],
    [
      'a record of another order',
      [
        sold,
        credited,
        {
          ...sold,
          id: 3,
          number: 3,
          records: sold.records.map((record) => ({ ...record, id: 999, orderId: 8 })),
        },
      ],
      ['RECORD_WITHOUT_ORDER 3'],
    ],
    ['changed terms', [sold, withRecord({ unitPrice: 1n })], ['ORDER_CHANGED 2']],
  ])('finds %s', (_, bills, faults) => {
    expect(codes(bills)).toEqual(faults);
  });

  test.each<[string, Partial<StoredRecord['vat']>]>([
    ['treatment', { treatment: 'destination' }],
    ['territory', { territory: 'US' as Territory }],
    ['rate', { rate: 770 as StoredRecord['vat']['rate'] }],
  ])('finds a credit with another VAT %s', (_, change) => {
    const vat = { ...sold.records[0]?.vat, ...change } as StoredRecord['vat'];
    expect(codes([sold, withRecord({ vat })])).toEqual(['BILL_VAT 2', 'CREDIT_VAT 2']);
  });

  test('finds a credit that reaches from its charge into the one before', () => {
    const [, whole] = sold.records;
    if (whole === undefined) throw new Error('two records were expected');
    const middle = day('2025-01-16');
    const records = [
      { ...whole, end: middle, net: 500n },
      { ...whole, id: 102, seq: 1, start: middle, net: 500n },
      { ...whole, id: 103, seq: 2, start: day('2025-01-11'), net: -667n, corrects: 102 },
    ];
    const bill = { ...sold, records, net: 333n, vat: 27n, total: 360n };
    const vatGroups = sold.vatGroups.map((group) => ({ ...group, base: 333n, vat: 27n }));
    const ended = anOrder({ ...closed, oneTimePrice: 0n, endsAt: day('2025-01-11') });
    expect(codes([{ ...bill, vatGroups }], [ended])).toEqual(['CREDIT_OUTSIDE 1']);
  });

  test('finds a wrong amount in a record', () => {
    expect(codes([sold, withRecord({ net: -501n })])).toEqual(['BILL_NET 2', 'BILL_VAT 2', 'RECORD_NET 2']);
  });

  test('finds what was charged twice', () => {
    const again = {
      ...sold,
      id: 3,
      number: 3,
      records: sold.records.map((record) => ({ ...record, id: record.id + 200, seq: 1 })),
    };
    expect(codes([sold, again], [{ ...order, endsAt: null }])).toEqual([
      'CHARGED_TWICE 3',
      'CHARGED_TWICE 3',
    ]);
  });

  test('finds a gap in what was charged', () => {
    const [oneTime, recurring] = sold.records;
    if (oneTime === undefined || recurring === undefined) throw new Error('two records were expected');
    const late = { ...recurring, start: day('2025-01-16'), net: 500n };
    const bill = { ...sold, records: [oneTime, late], net: 5_500n, vat: 446n, total: 5_946n };
    const groups = sold.vatGroups.map((group) => ({ ...group, base: 5_500n, vat: 446n }));
    expect(codes([{ ...bill, vatGroups: groups }])).toEqual(['PERIOD_SUM 1']);
  });

  test('finds an order that could never be billed', () => {
    expect(codes([], [anOrder({ quantity: 0 })])).toEqual(['ORDER_FAULTY null']);
  });

  test('finds gaps in the numbers and issue dates that fall', () => {
    const codesOf = (previous: Parameters<typeof verifyNumbering>[0], number: number, issuedAt = NOW) =>
      verifyNumbering(previous, { number, issuedAt }).map(({ code }) => code);
    expect(codesOf(null, 1)).toEqual([]);
    expect(codesOf(null, 2)).toEqual(['NUMBER_GAP']);
    expect(codesOf({ number: 1, issuedAt: NOW }, 2)).toEqual([]);
    expect(codesOf({ number: 1, issuedAt: NOW }, 3)).toEqual(['NUMBER_GAP']);
    expect(codesOf({ number: 1, issuedAt: addSeconds(NOW, 1) }, 2)).toEqual(['NUMBER_ORDER']);
  });
});
