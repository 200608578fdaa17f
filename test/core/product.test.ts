import { describe, expect, it } from 'vitest';
import { DEFAULT_PRODUCTS } from '../../src/lib/core/defaults.ts';
import {
  parsePriceOption,
  parseProductName,
  priceSet,
  productDifferences,
  singlePrice,
} from '../../src/lib/core/product.ts';
import { refusalOf } from '../support/refusal.ts';

describe('parsePriceOption', () => {
  it('reads period, one-time and recurring price', () => {
    expect(parsePriceOption('30d=1+10.50')).toEqual({
      period: 2_592_000,
      oneTime: 10_000n,
      recurring: 105_000n,
    });
    expect(parsePriceOption('7200=-2.5+0')).toEqual({ period: 7200, oneTime: -25_000n, recurring: 0n });
  });

  it.each([
    ['30d', 'INVALID_PRICE_OPTION'],
    ['30d=10', 'INVALID_PRICE_OPTION'],
    ['=1+10', 'INVALID_PRICE_OPTION'],
    ['30d=1+', 'INVALID_PRICE_OPTION'],
    ['month=1+10', 'INVALID_PERIOD'],
    ['30d=1,5+10', 'INVALID_PRICE'],
    ['30d=1+10+1', 'INVALID_PRICE'],
    ['30d=1+1e3', 'INVALID_PRICE'],
    ['30d=1+-10', 'NEGATIVE_PRICE'],
  ])('refuses %j with %s', (text, code) => {
    expect(refusalOf(() => parsePriceOption(text)).code).toBe(code);
  });
});

describe('priceSet', () => {
  it('takes the first price as the default', () => {
    const prices = priceSet(['365d=0+120', '30d=0+11'].map(parsePriceOption), 'EUR');
    expect(prices.map(({ isDefault, currency }) => [isDefault, currency])).toEqual([
      [true, 'EUR'],
      [false, 'EUR'],
    ]);
  });

  it.each([[[]], [['30d=0+10', '2592000=0+11']], [['once=10+1']]])('refuses %j', (options) => {
    expect(refusalOf(() => priceSet(options.map(parsePriceOption), 'CHF')).code).toBe(
      'INVALID_PRODUCT_PRICES',
    );
  });
});

it('a single price has the period of 30 days, or once when nothing recurs', () => {
  expect(singlePrice(undefined, undefined, 1n)).toEqual([{ period: 2_592_000, oneTime: 0n, recurring: 1n }]);
  expect(singlePrice(undefined, 1n, undefined)).toEqual([{ period: 0, oneTime: 1n, recurring: 0n }]);
  expect(singlePrice(60, 1n, undefined)).toEqual([{ period: 60, oneTime: 1n, recurring: 0n }]);
  expect(singlePrice(60, undefined, undefined)).toEqual([]);
});

it('says in what two products differ', () => {
  const [vm] = DEFAULT_PRODUCTS;
  if (vm === undefined) throw new Error('there are defaults');
  expect(productDifferences(vm, { ...vm, prices: [...vm.prices].reverse() })).toEqual([]);
  const wanted = {
    ...vm,
    description: parseProductName('x'),
    prices: priceSet([parsePriceOption('30d=0+11')], 'CHF'),
  };
  expect(productDifferences(vm, wanted)).toEqual([
    'the description',
    'the price for 30d (stored: 0.00+10.50 CHF by default; asked for: 0.00+11.00 CHF by default)',
    'the price for 365d (stored: 0.00+120.00 CHF; asked for: none)',
  ]);
});
