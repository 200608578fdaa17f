import { expect, test } from 'vitest';
import { isInUnion, parseCountry } from '../../src/lib/core/country.ts';
import { type Day, startOfDay } from '../../src/lib/core/instant.ts';
import type { VatRateRow } from '../../src/lib/core/vat.ts';
import { describeRate } from '../../src/lib/core/vat-file.ts';
import { SHIPPED_VAT_RATES } from '../../src/lib/core/vat-table.ts';
import { HAS_PUBLIC_VAT_FILE, PUBLIC_VAT_FILE, readVatFile } from '../support/vat-files.ts';

const COUNTRIES = [...new Set(SHIPPED_VAT_RATES.map(({ territory }) => territory))];

function of(rows: readonly VatRateRow[], territory: string): VatRateRow[] {
  return rows.filter((row) => row.territory === territory);
}

function rateOn(day: Day, rows: readonly VatRateRow[]): number | undefined {
  return rows.find(({ validFrom, validTo }) => validFrom <= day && (validTo === null || day < validTo))?.rate;
}

test('the table has the 27 of the Union, CH, GB, IS, LI and NO', () => {
  const now = startOfDay('2026-01-01' as Day);
  const others = COUNTRIES.filter((code) => !isInUnion(parseCountry(code), now));
  expect(others).toEqual(['CH', 'GB', 'IS', 'LI', 'NO']);
  expect(COUNTRIES).toHaveLength(32);
});

test.each(COUNTRIES)('%s has a rate on every day since its first, and each change is one', (country) => {
  const rows = of(SHIPPED_VAT_RATES, country);
  expect(rows.at(-1)?.validTo).toBeNull();
  for (const [index, row] of rows.slice(0, -1).entries()) {
    expect(row.validTo).toBe(rows[index + 1]?.validFrom);
    expect(row.validFrom < (row.validTo ?? '')).toBe(true);
    expect(row.rate).not.toBe(rows[index + 1]?.rate);
  }
  expect(rows.every(({ rate }) => Number.isInteger(rate) && rate >= 500 && rate <= 3000)).toBe(true);
});

test.each([
  ['CH', '1994-12-31', undefined],
  ['CH', '1995-01-01', 650],
  ['CH', '2010-12-31', 760],
  ['CH', '2023-12-31', 770],
  ['CH', '2024-01-01', 810],
  ['LI', '2024-01-01', 810],
  ['DE', '2020-06-30', 1900],
  ['DE', '2020-07-01', 1600],
  ['DE', '2020-12-31', 1600],
  ['DE', '2021-01-01', 1900],
  ['IE', '2020-08-31', 2300],
  ['IE', '2020-09-01', 2100],
  ['IE', '2021-02-28', 2100],
  ['IE', '2021-03-01', 2300],
  ['LU', '2023-06-01', 1600],
  ['EE', '2025-06-30', 2200],
  ['EE', '2025-07-01', 2400],
  ['FI', '2024-09-01', 2550],
  ['SK', '2025-01-01', 2300],
  ['RO', '2025-08-01', 2100],
  ['NO', '2004-12-31', 2400],
  ['IS', '2015-01-01', 2400],
  ['GB', '2009-06-01', 1500],
] as const)('%s on %s: %s', (country, day, rate) => {
  expect(rateOn(day as Day, of(SHIPPED_VAT_RATES, country))).toBe(rate);
});

test.runIf(HAS_PUBLIC_VAT_FILE)(
  'table and public file agree on every day that both know, but for the cut of 2020 in Ireland',
  async () => {
    const { rates } = await readVatFile(PUBLIC_VAT_FILE);
    const differences = COUNTRIES.flatMap((country) => {
      const [ours, theirs] = [of(SHIPPED_VAT_RATES, country), of(rates, country)];
      // Rates change on these days only, so what agrees on them agrees on all.
      const days = [...ours, ...theirs].map(({ validFrom }) => validFrom);
      return days.flatMap((day) => {
        const [our, their] = [rateOn(day, ours), rateOn(day, theirs)];
        return our === undefined || their === undefined || our === their
          ? []
          : [`${country} ${day} ${our} ${their}`];
      });
    });
    expect(differences).toEqual(['IE 2020-09-01 2100 2300']);
    const known = COUNTRIES.filter((country) => of(rates, country).length > 0);
    expect(COUNTRIES.filter((country) => !known.includes(country))).toEqual(['IS', 'LI']);
  },
);

test('a rate says itself in words', () => {
  expect(of(SHIPPED_VAT_RATES, 'CH').slice(-2).map(describeRate)).toEqual([
    'CH 0.077 from 2018-01-01 to 2024-01-01',
    'CH 0.081 from 2024-01-01',
  ]);
});
