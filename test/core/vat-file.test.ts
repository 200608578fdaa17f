import { describe, expect, test } from 'vitest';
import { describeRate, parseVatFile, type VatFileRecord } from '../../src/lib/core/vat-file.ts';
import { refusalOf } from '../support/refusal.ts';
import { HAS_PUBLIC_VAT_FILE, PUBLIC_VAT_FILE, readVatFile, VAT_FIXTURE } from '../support/vat-files.ts';

function record(line: number, cells: Partial<VatFileRecord['cells']> = {}): VatFileRecord {
  return {
    line,
    cells: {
      start_date: '2020-01-01',
      stop_date: '',
      territory_codes: 'AT',
      currency_code: 'EUR',
      rate: '0.2',
      rate_type: 'standard',
      description: '',
      ...cells,
    },
  };
}

function parse(...rows: Partial<VatFileRecord['cells']>[]) {
  return parseVatFile(
    rows.map((cells, index) => record(index + 2, cells)),
    'vat.csv',
  );
}

describe('our own file of every shape', async () => {
  const file = await readVatFile(VAT_FIXTURE);
  const of = (territory: string) =>
    file.rates.filter((rate) => rate.territory === territory).map(describeRate);

  test('is counted', () => {
    expect(file.recordsRead).toBe(24);
    expect(file.duplicates).toBe(7);
    expect(file.rates).toHaveLength(29);
  });

  test('has its holes of one day closed and the larger one reported', () => {
    expect(file.warnings.map(({ line, code, reason }) => [line, code, reason.split(/[ :]/)[0]])).toEqual([
      [4, 'HOLE_CLOSED', 'CH'],
      [27, 'HOLE_CLOSED', 'LU'],
      [28, 'HOLE_CLOSED', 'LU'],
      [33, 'HOLE_CLOSED', 'JP'],
      [35, 'HOLE_KEPT', 'MT'],
    ]);
    expect(of('LU')).toEqual([
      'LU 0.17 from 2015-01-01 to 2023-01-01',
      'LU 0.16 from 2023-01-01 to 2024-01-01',
      'LU 0.17 from 2024-01-01',
    ]);
    expect(of('MT')).toEqual(['MT 0.15 from 1999-01-01 to 2003-12-01', 'MT 0.18 from 2004-01-01']);
  });

  test('names a territory once, by its ISO code', () => {
    expect(of('GR-85')).toEqual(['GR-85 0.16 from 2010-07-01 to 2016-06-01']);
    expect(of('GB-BFPO 57')).toEqual(['GB-BFPO 57 0.19 from 2014-01-13']);
    expect(of('IC')).toEqual(['IC 0 from 2012-09-01']);
    expect(file.rates.filter(({ territory }) => /^(EL|UK)/.test(territory))).toEqual([]);
  });

  test('keeps kinds of rates apart', () => {
    expect(file.rates.filter(({ territory }) => territory === 'FI').map(({ rateType }) => rateType)).toEqual([
      'reduced',
      'standard',
    ]);
  });
});

describe('the public file', () => {
  test('is at hand where it must be', () => {
    expect(HAS_PUBLIC_VAT_FILE || !process.env.CI).toBe(true);
  });

  test.runIf(HAS_PUBLIC_VAT_FILE)('gives 302 rates of 138 territories', async () => {
    const { recordsRead, duplicates, rates, warnings } = await readVatFile(PUBLIC_VAT_FILE);
    expect([recordsRead, duplicates, rates.length]).toEqual([241, 29, 302]);
    expect(new Set(rates.map(({ territory }) => territory)).size).toBe(138);
    expect(warnings.map(({ line, code }) => [line, code])).toEqual(
      [177, 219, 220, 326, 330].map((line) => [line, 'HOLE_CLOSED']),
    );
  });
});

test('a rate keeps its cells, and text that the file leaves empty is empty', () => {
  expect(parse({ rate: '0.081', currency_code: '', description: ' Two\nlines ' }).rates).toEqual([
    {
      line: 2,
      territory: 'AT',
      rateType: 'standard',
      validFrom: '2020-01-01',
      validTo: null,
      rate: 810,
      currency: '',
      description: 'Two\nlines',
    },
  ]);
});

test('codes may be separated by CRLF and have blanks around them', () => {
  expect(parse({ territory_codes: 'GR\r\n EL \r\nGR-69\n' })).toMatchObject({
    duplicates: 1,
    rates: [{ territory: 'GR' }, { territory: 'GR-69' }],
  });
});

test.each([
  ['start_date', '', '"" is not a day'],
  ['start_date', '01.01.2020', 'is not a day'],
  ['start_date', '2020-02-30', 'is not a day'],
  ['stop_date', 'open', 'is not a day'],
  ['stop_date', '2020-01-01', 'not after the start date'],
  ['stop_date', '2019-12-31', 'not after the start date'],
  ['territory_codes', '', '"" is not a VAT territory'],
  ['territory_codes', 'AT\nXX', '"XX" is not a VAT territory'],
  ['territory_codes', 'at', 'is not a VAT territory'],
  ['territory_codes', 'AT DE', 'is not a VAT territory'],
  ['rate', '19', '19 % is 0.19'],
  ['rate', '19%', 'is not a VAT rate'],
  ['rate', '1', 'is not a VAT rate'],
  ['rate', '0,19', 'is not a VAT rate'],
  ['rate', '-0.1', 'is not a VAT rate'],
  ['rate', '0.12345', 'at most four decimals'],
  ['rate', '', 'is not a VAT rate'],
  ['rate_type', 'Standard', 'A rate type is one of: standard, '],
  ['rate_type', '', 'A rate type is one of: standard, '],
  ['currency_code', 'Euro', 'A currency is three capital letters'],
] as const)('%s %j is refused', (column, value, reason) => {
  const error = refusalOf(() => parse({}, { [column]: value }));
  expect(error.code).toBe('VAT_FILE_REFUSED');
  expect(error.message).toContain(`"vat.csv", line 3, ${column}: `);
  expect(error.message).toContain(reason);
  expect(error.data.refused).toEqual([
    { line: 3, column, value, reason: expect.stringContaining(reason) as string },
  ]);
});

test('every fault is named, in the order of lines, but no more than 100', () => {
  const error = refusalOf(() =>
    parse({ rate: 'x', start_date: 'y' }, {}, { stop_date: 'z' }, { rate: '0.1' }),
  );
  expect(error.data.refused).toMatchObject([
    { line: 2, column: 'start_date' },
    { line: 2, column: 'rate' },
    { line: 4, column: 'stop_date' },
    { line: 5, column: 'start_date' },
  ]);
  expect(error.message).toContain('The file has 3 more faults.');
  const mixed = refusalOf(() => parse({}, { rate: '0.1' }, { rate: 'x' }));
  expect(mixed.data.refused).toMatchObject([{ line: 3 }, { line: 4 }]);
  const overlapping = refusalOf(() => parse({ rate: '0.1' }, { rate: 'x' }, {}));
  expect(overlapping.data.refused).toMatchObject([{ line: 3 }, { line: 4 }]);
  const many = refusalOf(() => parse(...Array.from({ length: 150 }, () => ({ rate: 'x' }))));
  expect(many.data.refused).toHaveLength(100);
  expect(many.data.faults).toBe(150);
});

test.each([
  ['an open range before another', [{}, { start_date: '2021-01-01' }]],
  ['a range that ends too late', [{ stop_date: '2021-01-02' }, { start_date: '2021-01-01' }]],
  ['another rate on the same days', [{}, { rate: '0.1' }]],
  ['another end of the same rate', [{}, { stop_date: '2021-01-01' }]],
  ['another currency', [{}, { currency_code: 'CHF' }]],
  ['an alias with another rate', [{ territory_codes: 'GR' }, { territory_codes: 'EL', rate: '0.1' }]],
])('%s is refused in whichever order it stands', (_, rows) => {
  for (const order of [rows, [...rows].reverse()]) {
    const error = refusalOf(() => parse(...order));
    expect(error.code).toBe('VAT_FILE_REFUSED');
    expect(error.message).toContain(' overlaps line ');
  }
});

test('a row that stands there twice counts once, with a warning', () => {
  const file = parse({ description: 'first' }, { territory_codes: 'DE' }, { description: 'second' });
  expect(file).toMatchObject({ recordsRead: 3, duplicates: 1 });
  expect(file.rates.map(({ description }) => description)).toEqual(['first', '']);
  expect(file.warnings).toEqual([
    { line: 4, code: 'ROW_REPEATED', reason: 'AT 0.2 from 2020-01-01 stands in line 2 already.' },
  ]);
});
