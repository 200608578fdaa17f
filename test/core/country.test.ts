import { expect, test } from 'vitest';
import { isInUnion, membershipOf, parseCountry, vatCountry } from '../../src/lib/core/country.ts';
import { type Instant, parseDay, startOfDay } from '../../src/lib/core/instant.ts';
import { refusalOf } from '../support/refusal.ts';

const day = (text: string): Instant => startOfDay(parseDay(text));
const ALL = Array.from({ length: 676 }, (_, n) => String.fromCharCode(65 + n / 26, 65 + (n % 26)));
const KNOWN = ALL.filter(isKnown);

test('all 249 assigned codes of ISO 3166-1 are known, and two aliases', () => {
  expect(KNOWN).toHaveLength(249 + 2);
});

test('aliases and lower case are read as the assigned code', () => {
  expect(parseCountry('EL')).toBe('GR');
  expect(parseCountry('uk')).toBe('GB');
  expect(parseCountry('ch')).toBe('CH');
});

test.each(['', 'C', 'CHE', 'XX', 'EU', ' CH', 'Switzerland', 'C\u0000'])('%j is not a country', (text) => {
  expect(refusalOf(() => parseCountry(text)).code).toBe('UNKNOWN_COUNTRY');
});

test('the Union has 27 members today and had 28 between 2013-07-01 and 2021-01-01', () => {
  const members = (at: Instant) =>
    KNOWN.map(parseCountry).filter((code, index, all) => all.indexOf(code) === index && isInUnion(code, at));
  expect(members(day('2025-01-01'))).toHaveLength(27);
  expect(members(day('2020-12-31'))).toHaveLength(28);
  expect(members(day('2013-06-30'))).toHaveLength(27);
  expect(members(day('2006-12-31'))).toHaveLength(25);
  expect(members(day('1994-12-31'))).toHaveLength(12);
});

test('GB leaves the Union for VAT at the end of 2020, to the second', () => {
  expect(isInUnion(parseCountry('GB'), day('2020-12-31'))).toBe(true);
  expect(isInUnion(parseCountry('GB'), day('2021-01-01'))).toBe(false);
  expect(membershipOf(parseCountry('CH'))).toBeNull();
});

test('Liechtenstein counts as Switzerland and Monaco as France', () => {
  expect(['LI', 'MC', 'CH', 'DE'].map((code) => vatCountry(parseCountry(code)))).toEqual([
    'CH',
    'FR',
    'CH',
    'DE',
  ]);
});

function isKnown(code: string): boolean {
  try {
    return parseCountry(code).length === 2;
  } catch {
    return false;
  }
}
