import { expect, it } from 'vitest';
import {
  CURRENCY_DECIMALS,
  formatDecimal,
  formatPrice,
  MINOR_UNITS,
  parsePrice,
} from '../../src/lib/core/money.ts';
import { refusalOf } from '../support/refusal.ts';

it('writes a number with the decimals that it needs, and those that are asked for', () => {
  expect([4, 2, 0].map((least) => formatDecimal(120_500n, 4, least))).toEqual(['12.0500', '12.05', '12.05']);
  expect([4, 2, 0].map((least) => formatDecimal(-100_000n, 4, least))).toEqual(['-10.0000', '-10.00', '-10']);
  expect(formatDecimal(7n, 0, 0)).toBe('7');
});

it('reads back the price that it writes', () => {
  for (const text of ['0.00', '10.00', '-0.0001', '999999999.9999']) {
    expect(formatPrice(parsePrice(text, { negative: true }))).toBe(text);
  }
  expect(parsePrice('-0')).toBe(0n);
});

it('knows the smallest unit of each currency', () => {
  expect(formatPrice(MINOR_UNITS.CHF)).toBe('0.01');
  expect(formatPrice(MINOR_UNITS.JPY, 0)).toBe('1');
});

it('gives each currency the decimals of ISO 4217, as Unicode has them but for the forint', () => {
  const decimalsOf = (currency: string) =>
    new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;
  for (const [currency, decimals] of Object.entries(CURRENCY_DECIMALS)) {
    if (currency !== 'HUF') expect([currency, decimalsOf(currency)]).toEqual([currency, decimals]);
  }
});

it('refuses a negative price unless it is allowed', () => {
  expect(refusalOf(() => parsePrice('-1')).code).toBe('NEGATIVE_PRICE');
});
