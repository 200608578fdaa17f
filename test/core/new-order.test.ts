import { describe, expect, test } from 'vitest';
import { type Currency, parsePrice } from '../../src/lib/core/money.ts';
import {
  checkChanged,
  differingFields,
  draftOrder,
  type OrderRequest,
  parseCharge,
  parseCount,
  placeOrder,
  succeedOrder,
} from '../../src/lib/core/new-order.ts';
import type { Order, Replacement } from '../../src/lib/core/order.ts';
import { type Product, type ProductPrice, parseProductName } from '../../src/lib/core/product.ts';
import { anOrder, day } from '../support/billing.ts';
import { refusalOf } from '../support/refusal.ts';

const [DAY, MONTH] = [86_400, 2_592_000];
const DEFAULTS = { startsAt: day('2025-01-01'), replaces: null };

function price(period: number, oneTime: string, recurring: string, isDefault = false): ProductPrice {
  return {
    period,
    oneTime: parsePrice(oneTime),
    recurring: parsePrice(recurring),
    currency: 'CHF',
    isDefault,
  };
}

function product(name: string, ...prices: ProductPrice[]): Product {
  return { name: parseProductName(name), description: '' as Product['description'], prices };
}

describe('an order of a product', () => {
  const vm = product('VM', price(MONTH, '5', '30', true), price(DAY, '2', '1.5'));
  const place = (request: OrderRequest, of: Product | null = vm) => placeOrder(request, of, DEFAULTS);

  test('has its default price, or that of the period that is asked for', () => {
    expect(place({})).toEqual({
      recurringPeriodSeconds: MONTH,
      recurringPrice: parsePrice('30'),
      oneTimePrice: parsePrice('5'),
      currency: 'CHF',
      quantity: 1,
      commitmentPeriods: 1,
      charge: 'advance',
      description: 'VM',
      startsAt: DEFAULTS.startsAt,
      endsAt: null,
      notForBilling: false,
      replaces: null,
    });
    expect(place({ period: DAY })).toMatchObject({ recurringPrice: parsePrice('1.5') });
  });

  test('takes its only price although that is not the default one', () => {
    expect(place({}, product('IP', price(DAY, '0', '1')))).toMatchObject({ recurringPeriodSeconds: DAY });
    const two = product('IP', price(DAY, '0', '1'), price(MONTH, '0', '20'));
    expect(refusalOf(() => place({}, two)).code).toBe('UNKNOWN_PRODUCT_PRICE');
  });

  test('has what the request says instead', () => {
    const request: OrderRequest = {
      recurringPrice: parsePrice('12'),
      oneTimePrice: parsePrice('1'),
      quantity: 3,
      commitmentPeriods: 2,
      charge: 'arrears',
      description: 'Web',
      startsAt: day('2025-02-01'),
      endsAt: day('2025-03-01'),
      notForBilling: true,
    };
    expect(place(request)).toMatchObject(request);
    expect(place({ period: 0, recurringPrice: 0n, oneTimePrice: 1n, currency: 'EUR' })).toMatchObject({
      recurringPeriodSeconds: null,
    });
    expect(refusalOf(() => place({ period: 60 })).code).toBe('UNKNOWN_PRODUCT_PRICE');
  });

  test.each<[string, OrderRequest, Product | null, string[]]>([
    ['both amounts of the product', {}, vm, ['currency']],
    ['its one-time price', { recurringPrice: 1n }, vm, ['currency']],
    ['its recurring price', { oneTimePrice: 1n }, vm, ['currency']],
    ['no amount of it', { recurringPrice: 100n, oneTimePrice: 1n }, vm, []],
    ['nothing but a zero', { recurringPrice: 100n }, product('IP', price(DAY, '0', '1')), []],
  ])('in another currency is refused where it keeps an amount: %s', (_, request, of, fields) => {
    const { faults } = draftOrder({ ...request, currency: 'EUR' }, of, DEFAULTS);
    expect(faults.filter(({ code }) => code === 'INVALID_ORDER').map(({ data }) => data.field)).toEqual(
      fields,
    );
  });
});

test.each<[string, OrderRequest, string]>([
  ['nothing', {}, 'recurring_price'],
  ['a currency', { currency: 'CHF' }, 'recurring_price'],
  ['a one-time price', { oneTimePrice: 1n }, 'currency'],
  ['a recurring price', { recurringPrice: 1n, currency: 'CHF' }, 'period'],
])('an order without a product is not complete with %s', (_, request, field) => {
  const refusal = refusalOf(() => placeOrder(request, null, DEFAULTS));
  expect(refusal).toMatchObject({ code: 'INCOMPLETE_ORDER', data: { field } });
});

test('an order without a product is placed for once where it says no period', () => {
  const order = placeOrder({ oneTimePrice: 100n, currency: 'CHF' }, null, DEFAULTS);
  expect(order).toMatchObject({ recurringPeriodSeconds: null, recurringPrice: 0n, oneTimePrice: 100n });
  expect(
    placeOrder({ oneTimePrice: 1n, recurringPrice: 0n, currency: 'CHF' }, null, DEFAULTS).description,
  ).toBe('');
});

describe('a successor', () => {
  const small = product('Small', price(MONTH, '5', '10', true), price(DAY, '1', '0.5'));
  const large = product('Large', price(DAY, '2', '3', true), price(MONTH, '20', '60'));
  const old = anOrder({ quantity: 2, commitmentPeriods: 3, charge: 'arrears', notForBilling: true });
  const succeed = (
    request: OrderRequest,
    products: Partial<Record<'product' | 'oldProduct', Product>> = {},
    of: Order = old,
  ) => succeedOrder(of, request, { product: null, oldProduct: null, ...products });

  test('inherits everything but the one-time price and the end', () => {
    const ending = { ...old, oneTimePrice: 700n, endsAt: day('2025-06-01') };
    const { id, closed, nextDueAt, ...terms } = ending;
    expect(succeed({}, {}, ending)).toEqual({ ...terms, oneTimePrice: 0n, endsAt: null, replaces: id });
  });

  test('of another product has its price for the old period, and its name', () => {
    expect(succeed({}, { product: large, oldProduct: small })).toMatchObject({
      recurringPeriodSeconds: MONTH,
      recurringPrice: parsePrice('60'),
      oneTimePrice: parsePrice('20'),
      description: 'Large',
      quantity: 2,
    });
    const yearly = { ...old, recurringPeriodSeconds: 31_536_000 };
    expect(succeed({}, { product: large }, yearly)).toMatchObject({ recurringPeriodSeconds: DAY });
  });

  test('of the same product keeps its description and pays nothing once', () => {
    expect(succeed({ period: DAY }, { product: small, oldProduct: small })).toMatchObject({
      recurringPrice: parsePrice('0.5'),
      oneTimePrice: 0n,
      description: 'VM',
    });
    expect(succeed({ period: DAY }, { oldProduct: small })).toMatchObject({
      recurringPrice: parsePrice('0.5'),
    });
  });

  test('with a new period needs a price for it', () => {
    expect(refusalOf(() => succeed({ period: DAY }))).toMatchObject({
      code: 'INCOMPLETE_ORDER',
      data: { field: 'recurring_price' },
    });
    expect(succeed({ period: DAY, recurringPrice: 100n })).toMatchObject({
      recurringPeriodSeconds: DAY,
      recurringPrice: 100n,
    });
  });

  test('takes no amount of a product in another currency', () => {
    const euro = { ...old, currency: 'EUR' as Currency };
    const swiss = { product: large, oldProduct: small };
    expect(refusalOf(() => succeed({ currency: 'EUR' }, swiss, euro)).code).toBe('INVALID_ORDER');
    // Left to `decideReplacement`, which refuses it whatever the amounts are.
    expect(succeed({ currency: 'EUR' }, swiss).currency).toBe('EUR');
  });
});

describe('a replacement changes something', () => {
  const old = { ...anOrder({ oneTimePrice: 500n }), product: 'VM' };
  const same = { ...old, oneTimePrice: 0n };
  const check = (change: Partial<typeof old>, kind: Replacement['kind'] = 'upgrade', oneTimePrice?: bigint) =>
    checkChanged(old, { ...same, ...change }, { kind, oneTimePrice });

  test.each<[string, Partial<typeof old>]>([
    ['product', { product: 'IP' }],
    ['description', { description: 'Web' }],
    ['quantity', { quantity: 2 }],
    ['recurring price', { recurringPrice: 1n }],
    ['period', { recurringPeriodSeconds: 60 }],
    ['commitment', { commitmentPeriods: 2 }],
    ['charge', { charge: 'arrears' }],
  ])('with another %s', (_, change) => {
    expect(() => check(change)).not.toThrow();
  });

  test('or is refused, also where it asks for what was charged already', () => {
    expect(refusalOf(() => check({})).code).toBe('ORDER_UNCHANGED');
    expect(refusalOf(() => check({}, 'upgrade', 0n)).code).toBe('ORDER_UNCHANGED');
    expect(() => check({}, 'upgrade', 500n)).not.toThrow();
    expect(refusalOf(() => check({}, 'before-start', 500n)).code).toBe('ORDER_UNCHANGED');
    expect(() => check({}, 'before-start', 0n)).not.toThrow();
  });
});

test('orders of one reference are told apart by all that was asked for', () => {
  const { id, replaces, closed, nextDueAt, ...terms } = anOrder();
  const stored = { ...terms, username: 'nico', product: 'VM', predecessor: null };
  const differing = (change: Partial<typeof stored>, request: OrderRequest = {}) =>
    differingFields(stored, { ...stored, ...change }, request);
  expect(differing({})).toEqual([]);
  const changes = {
    username: 'anna',
    product: 'IP',
    quantity: 2,
    startsAt: day('2025-01-02'),
    endsAt: day('2025-02-01'),
    recurringPeriodSeconds: 60,
    recurringPrice: 1n,
    oneTimePrice: 1n,
    currency: 'EUR',
    commitmentPeriods: 2,
    charge: 'arrears',
    description: 'Web',
    predecessor: '7',
    notForBilling: true,
  } as unknown as typeof stored;
  const always =
    'username product quantity starts_at period recurring_price one_time_price currency commitment_periods charge description replaces';
  expect(differing(changes)).toEqual(always.split(' '));
  expect(differing(changes, { endsAt: day('2025-02-01'), notForBilling: true }).toSorted()).toEqual(
    [...always.split(' '), 'ends_at', 'not_for_billing'].toSorted(),
  );
});

test.each(['0', '', '-1', '1.5', '12x', 'x12', ' 1', '1e3', '2147483648', '99999999999'])(
  '%j is no count',
  (text) => {
    expect(refusalOf(() => parseCount('quantity', text))).toMatchObject({
      code: 'INVALID_ORDER',
      data: { field: 'quantity' },
    });
  },
);

test('counts and times of charging are read', () => {
  expect(['1', '007', '2147483647'].map((text) => parseCount('quantity', text))).toEqual([
    1, 7, 2_147_483_647,
  ]);
  expect(['advance', 'arrears'].map(parseCharge)).toEqual(['advance', 'arrears']);
  expect(refusalOf(() => parseCharge('Advance')).code).toBe('INVALID_ORDER');
});
