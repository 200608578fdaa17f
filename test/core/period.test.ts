import { expect, test } from 'vitest';
import { LONGEST_PERIOD_SECONDS, ONCE, PERIODS, parsePeriod, periodName } from '../../src/lib/core/period.ts';
import { refusalOf } from '../support/refusal.ts';

test('names and seconds are read, and written back by the name', () => {
  expect(parsePeriod('30d')).toBe(2_592_000);
  expect(parsePeriod('2592000')).toBe(2_592_000);
  expect(parsePeriod('once')).toBe(ONCE);
  expect(parsePeriod('7200')).toBe(7_200);
  expect(periodName(2_592_000)).toBe('30d');
  expect(periodName(7_200)).toBe('7200');
  for (const [name, seconds] of Object.entries(PERIODS)) expect(periodName(seconds)).toBe(name);
});

test.each([
  'month',
  'year',
  '',
  ' 30d',
  '30D',
  '-1',
  '1.5',
  '1e3',
  '0x10',
  '2147483648',
  '99999999999',
  'constructor',
])('%j is not a period', (text) => {
  expect(refusalOf(() => parsePeriod(text)).code).toBe('INVALID_PERIOD');
});

test('a name stands for what it says', () => {
  const minute = 60;
  const hour = 60 * minute;
  const day = 24 * hour;
  expect(PERIODS).toEqual({
    '365d': 365 * day,
    '30d': 30 * day,
    week: 7 * day,
    day,
    hour,
    minute,
    second: 1,
    once: 0,
  });
});

test('the longest period is read', () => {
  expect(parsePeriod('2147483647')).toBe(LONGEST_PERIOD_SECONDS);
});
