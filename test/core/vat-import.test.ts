import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addDays, type Day } from '../../src/lib/core/instant.ts';
import { parseTerritory, type VatRate } from '../../src/lib/core/vat.ts';
import { describeRate, seriesKey, type VatRateEntry } from '../../src/lib/core/vat-file.ts';
import { planVatImport, type VatImportOptions, type VatImportPlan } from '../../src/lib/core/vat-import.ts';
import { SHIPPED_VAT_RATES } from '../../src/lib/core/vat-table.ts';
import { CASES } from '../support/property.ts';
import { refusalOf } from '../support/refusal.ts';
import { HAS_PUBLIC_VAT_FILE, PUBLIC_VAT_FILE, readVatFile, VAT_FIXTURE } from '../support/vat-files.ts';

const TODAY = '2026-01-01' as Day;
const FILE: VatImportOptions = { source: 'file', allowHistoryChange: false, today: TODAY };
const ALLOWED: VatImportOptions = { ...FILE, allowHistoryChange: true };
const SHIPPED: VatImportOptions = { ...FILE, source: 'shipped' };

/** Reads `0.2 from 2020-01-01 to 2021-01-01` as a rate of Austria, or of the territory before it. */
function rate(text: string): VatRateEntry {
  const match = /^(?:(.+) )?(0\.\d+) from (\S+)(?: to (\S+))?$/.exec(text);
  const [, territory = 'AT', fraction, from, to] = match ?? [];
  return {
    territory: parseTerritory(territory),
    rateType: 'standard',
    validFrom: from as Day,
    validTo: (to as Day | undefined) ?? null,
    rate: Math.round(Number(fraction) * 10_000) as VatRate,
    currency: 'EUR',
    description: '',
  };
}

/** Applies a plan as the database does: every `before` is deleted, then every `after` is inserted. */
function apply(stored: readonly VatRateEntry[], { changes }: VatImportPlan): VatRateEntry[] {
  const rows = new Set(stored);
  for (const { before } of changes) if (before !== null) expect(rows.delete(before)).toBe(true);
  for (const { after } of changes) if (after !== null) rows.add(after);
  return [...rows].sort((a, b) => (describeKey(a) < describeKey(b) ? -1 : 1));
}

function describeKey(row: VatRateEntry): string {
  return `${seriesKey(row)}\n${row.validFrom}`;
}

function imported(stored: string[], incoming: string[], options = FILE) {
  const before = stored.map(rate);
  const plan = planVatImport(before, incoming.map(rate), options);
  const after = apply(before, plan);
  return {
    rates: after.map(describeRate).map((text) => text.replace(/^AT /, '')),
    after,
    plan,
    counts: plan.counts,
  };
}

const counts = (inserted: number, updated: number, unchanged: number) => ({ inserted, updated, unchanged });

describe('a file', () => {
  test('fills an empty table, and changes nothing the second time', () => {
    const rows = ['0.1 from 2000-01-01 to 2010-01-01', '0.2 from 2010-01-01', 'DE 0.19 from 2007-01-01'];
    const first = imported([], rows);
    expect(first.counts).toEqual(counts(3, 0, 0));
    const second = planVatImport(first.after, rows.map(rate), FILE);
    expect(second).toEqual({ changes: [], counts: counts(0, 0, 3), warnings: [] });
  });

  test('ends an open rate where a new one begins', () => {
    const announced = imported(
      ['0.2 from 2010-01-01'],
      ['0.2 from 2010-01-01 to 2027-01-01', '0.21 from 2027-01-01'],
    );
    expect(announced.rates).toEqual(['0.2 from 2010-01-01 to 2027-01-01', '0.21 from 2027-01-01']);
    expect(announced.counts).toEqual(counts(1, 1, 0));
    expect(imported(['0.2 from 2010-01-01'], ['0.21 from 2027-01-01']).rates).toEqual(announced.rates);
  });

  test('may change the rate of today, but not that of yesterday', () => {
    expect(imported(['0.2 from 2010-01-01'], ['0.21 from 2026-01-01']).counts).toEqual(counts(1, 1, 0));
    const error = refusalOf(() => imported(['0.2 from 2010-01-01'], ['0.21 from 2025-12-31']));
    expect(error.code).toBe('VAT_HISTORY_CHANGE');
    expect(error.message).toContain('AT from 2025-12-31 to 2026-01-01 was 0.2 and would be 0.21.');
    expect(error.hint).toContain('--allow-history-change');
  });

  test('reaches further back without a word', () => {
    expect(
      imported(['0.2 from 2010-01-01'], ['0.1 from 2000-01-01 to 2005-01-01', '0.2 from 2005-01-01']),
    ).toMatchObject({
      rates: ['0.1 from 2000-01-01 to 2005-01-01', '0.2 from 2005-01-01'],
      counts: counts(1, 1, 0),
    });
  });

  test('that begins later than the stored rate changes nothing', () => {
    const stored = ['0.1 from 2000-01-01 to 2010-01-01', '0.2 from 2010-01-01'];
    const { rates, counts: counted } = imported(stored, [
      '0.1 from 2005-01-01 to 2010-01-01',
      '0.2 from 2010-01-01',
    ]);
    expect(rates).toEqual(stored);
    expect(counted).toEqual(counts(0, 0, 2));
  });

  test('with a hole does not make one, and one that fills a hole may', () => {
    const holed = ['0.1 from 2000-01-01 to 2005-01-01', '0.1 from 2008-01-01'];
    expect(imported(['0.1 from 2000-01-01'], holed).counts).toEqual(counts(0, 0, 2));
    const filled = imported(holed, [
      '0.1 from 2000-01-01 to 2005-01-01',
      '0.3 from 2005-01-01 to 2008-01-01',
    ]);
    expect(filled.rates).toEqual([holed[0], '0.3 from 2005-01-01 to 2008-01-01', holed[1]]);
  });

  test('ends a rate; in the past only with permission', () => {
    const stored = ['0.2 from 2010-01-01'];
    expect(imported(stored, ['0.2 from 2010-01-01 to 2027-01-01']).rates).toEqual([
      '0.2 from 2010-01-01 to 2027-01-01',
    ]);
    const ended = ['0.2 from 2010-01-01 to 2016-01-01'];
    expect(refusalOf(() => imported(stored, ended)).message).toContain(
      'AT from 2016-01-01 to 2026-01-01 was 0.2 and would have none.',
    );
    expect(imported(stored, ended, ALLOWED).rates).toEqual(ended);
  });

  test.each([
    ['another rate', ['0.2 from 2010-01-01'], ['0.21 from 2010-01-01'], 1],
    [
      'a later start of a rate',
      ['0.1 from 2000-01-01 to 2010-01-01', '0.2 from 2010-01-01'],
      ['0.1 from 2000-01-01 to 2011-01-01', '0.2 from 2011-01-01'],
      1,
    ],
    [
      'a cut that was not known',
      ['0.2 from 2010-01-01'],
      ['0.2 from 2010-01-01 to 2020-01-01', '0.1 from 2020-01-01 to 2021-01-01', '0.2 from 2021-01-01'],
      1,
    ],
    [
      'the loss of a cut',
      ['0.2 from 2010-01-01 to 2020-01-01', '0.1 from 2020-01-01 to 2021-01-01', '0.2 from 2021-01-01'],
      ['0.2 from 2010-01-01'],
      1,
    ],
    [
      'an older table',
      ['0.1 from 2000-01-01 to 2010-01-01', '0.2 from 2010-01-01'],
      ['0.1 from 2000-01-01'],
      1,
    ],
    [
      'two countries',
      ['0.2 from 2010-01-01', 'DE 0.19 from 2007-01-01'],
      ['0.1 from 2010-01-01', 'DE 0.1 from 2007-01-01'],
      2,
    ],
  ])('that changes the past is refused: %s', (_, stored, incoming, changes) => {
    const error = refusalOf(() => imported(stored, incoming));
    expect(error.code).toBe('VAT_HISTORY_CHANGE');
    expect(error.data.changes).toHaveLength(changes);
    expect(imported(stored, incoming, ALLOWED).rates).toEqual(incoming);
  });

  test('with permission changes a part and leaves the rest', () => {
    const { rates } = imported(['0.2 from 2010-01-01'], ['0.1 from 2020-01-01 to 2021-01-01'], ALLOWED);
    expect(rates).toEqual([
      '0.2 from 2010-01-01 to 2020-01-01',
      '0.1 from 2020-01-01 to 2021-01-01',
      '0.2 from 2021-01-01',
    ]);
  });

  test('corrects currency and description; blanks say nothing', () => {
    const stored = [{ ...rate('0.2 from 2010-01-01'), description: 'old' }];
    const replaced = planVatImport(
      stored,
      [{ ...rate('0.2 from 2010-01-01'), currency: 'CHF', description: 'new' }],
      FILE,
    );
    expect(replaced.counts).toEqual(counts(0, 1, 0));
    expect(apply(stored, replaced)).toMatchObject([{ currency: 'CHF', description: 'new' }]);
    const text = planVatImport(stored, [{ ...rate('0.2 from 2010-01-01'), description: 'new' }], FILE);
    expect(text.counts).toEqual(counts(0, 1, 0));
    const blank = planVatImport(stored, [{ ...rate('0.2 from 2010-01-01'), currency: '' }], FILE);
    expect(blank.counts).toEqual(counts(0, 0, 1));
  });

  test('says nothing about other territories and other kinds of rates', () => {
    const stored = [
      rate('DE 0.19 from 2007-01-01'),
      { ...rate('0.1 from 2000-01-01'), rateType: 'reduced' as const },
    ];
    const plan = planVatImport(stored, [rate('0.2 from 2010-01-01')], FILE);
    expect(apply(stored, plan).map(describeRate)).toEqual([
      'AT 0.1 from 2000-01-01',
      'AT 0.2 from 2010-01-01',
      'DE 0.19 from 2007-01-01',
    ]);
  });
});

describe('the shipped table', () => {
  test('leaves what is stored within its ranges and after them', () => {
    const stored = [
      '0.2 from 2010-01-01 to 2020-01-01',
      '0.1 from 2020-01-01 to 2021-01-01',
      '0.2 from 2021-01-01 to 2025-01-01',
      '0.3 from 2025-01-01',
    ];
    const { rates, plan } = imported(stored, ['0.2 from 2000-01-01'], SHIPPED);
    expect(rates).toEqual(['0.2 from 2000-01-01 to 2020-01-01', ...stored.slice(1)]);
    expect(plan.warnings.map(({ line, code }) => [line, code])).toEqual([
      [null, 'RATE_KEPT'],
      [null, 'RATE_KEPT'],
    ]);
    expect(imported(stored, ['0.2 from 2000-01-01'], { ...SHIPPED, allowHistoryChange: true }).rates).toEqual(
      ['0.2 from 2000-01-01'],
    );
  });

  test('counts against a rate that begins with its own', () => {
    const stored = ['0.1 from 2020-01-01 to 2021-01-01'];
    expect(refusalOf(() => imported(stored, ['0.2 from 2020-01-01'], SHIPPED)).code).toBe(
      'VAT_HISTORY_CHANGE',
    );
  });

  test('brings later rates, but those of the past only with permission', () => {
    const shipped = (day: string) => [`0.2 from 2010-01-01 to ${day}`, `0.21 from ${day}`];
    expect(imported(['0.2 from 2010-01-01'], shipped('2027-01-01'), SHIPPED).rates).toEqual(
      shipped('2027-01-01'),
    );
    expect(refusalOf(() => imported(['0.2 from 2010-01-01'], shipped('2025-01-01'), SHIPPED)).code).toBe(
      'VAT_HISTORY_CHANGE',
    );
  });

  test('does not replace the text of what is stored', () => {
    const stored = [{ ...rate('0.2 from 2010-01-01'), currency: 'CHF' }];
    expect(planVatImport(stored, [rate('0.2 from 2010-01-01')], SHIPPED).changes).toEqual([]);
  });
});

describe.each([
  ['our own file', VAT_FIXTURE, true],
  ['the public file', PUBLIC_VAT_FILE, HAS_PUBLIC_VAT_FILE],
])('%s and the shipped table', (_, path, isThere) => {
  const today = TODAY;
  const kept = (warnings: VatImportPlan['warnings']) => warnings.map(({ reason }) => reason.slice(0, 2));

  test.runIf(isThere)('in this order keep what the file says', async () => {
    const { rates } = await readVatFile(path);
    const file = apply([], planVatImport([], rates, FILE));
    expect(planVatImport(file, rates, FILE).counts).toEqual(counts(0, 0, rates.length));
    const plan = planVatImport(file, SHIPPED_VAT_RATES, SHIPPED);
    const both = apply(file, plan);
    for (const rows of [rates, SHIPPED_VAT_RATES]) expectKnown(both, rows, rates);
    expect(planVatImport(both, SHIPPED_VAT_RATES, SHIPPED).changes).toEqual([]);
    expect(planVatImport(both, rates, FILE).changes).toEqual([]);
    expect(kept(plan.warnings)).toEqual(path === PUBLIC_VAT_FILE ? ['IE'] : []);
  });

  test.runIf(isThere)('in the other order keep what the table says', async () => {
    const { rates } = await readVatFile(path);
    const shipped = apply([], planVatImport([], SHIPPED_VAT_RATES, SHIPPED));
    const plan = planVatImport(shipped, rates, FILE);
    const both = apply(shipped, plan);
    for (const rows of [SHIPPED_VAT_RATES, rates]) expectKnown(both, rows, SHIPPED_VAT_RATES);
    expect(planVatImport(both, rates, FILE).changes).toEqual([]);
    expect(planVatImport(both, SHIPPED_VAT_RATES, SHIPPED).changes).toEqual([]);
    expect(kept(plan.warnings)).toEqual(path === PUBLIC_VAT_FILE ? ['IE'] : []);
    expect(plan.warnings.every(({ line }) => line !== null)).toBe(true);
  });

  test.runIf(isThere)('with permission say what came last', async () => {
    const { rates } = await readVatFile(path);
    const options = { allowHistoryChange: true, today };
    const file = apply([], planVatImport([], rates, { ...options, source: 'file' }));
    const both = apply(file, planVatImport(file, SHIPPED_VAT_RATES, { ...options, source: 'shipped' }));
    expectKnown(both, SHIPPED_VAT_RATES, SHIPPED_VAT_RATES);
  });

  /** On every day on which `rows` begin a rate, the result has it, or that of `first` where they disagree. */
  function expectKnown(
    result: VatRateEntry[],
    rows: readonly VatRateEntry[],
    first: readonly VatRateEntry[],
  ) {
    for (const row of rows) {
      const stated = rateOn(first, row, row.validFrom) ?? row.rate;
      expect([describeRate(row), rateOn(result, row, row.validFrom)]).toEqual([describeRate(row), stated]);
    }
  }
});

function rateOn(rows: readonly VatRateEntry[], series: VatRateEntry, day: Day): VatRate | undefined {
  return rows.find(
    (row) =>
      seriesKey(row) === seriesKey(series) &&
      row.validFrom <= day &&
      (row.validTo === null || day < row.validTo),
  )?.rate;
}

describe('for any two tables', () => {
  const FIRST = '2020-01-01' as Day;
  const LENGTH = 14;
  const today = addDays(FIRST, 7);
  const day = (index: number) => addDays(FIRST, index);
  /** A table of one territory: cuts of a fortnight, each part with one of three rates or none. */
  const table = fc
    .tuple(
      fc.uniqueArray(fc.nat({ max: LENGTH }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.constantFrom(0, 1000, 2000, 3000), { minLength: 5, maxLength: 5 }),
    )
    .map(([starts, rates]) =>
      starts
        .sort((a, b) => a - b)
        .map((start, index) => {
          const next = starts[index + 1];
          const validTo = next === undefined ? null : day(next);
          return {
            ...rate('0.1 from 2020-01-01'),
            validFrom: day(start),
            validTo,
            rate: rates[index] as VatRate,
          };
        })
        .filter((row) => row.rate > 0),
    );
  const options = fc.record({
    source: fc.constantFrom<VatImportOptions['source']>('file', 'shipped'),
    allowHistoryChange: fc.boolean(),
    today: fc.constant(today),
  });

  test('nothing overlaps, the past stays, what is new counts, and once is enough', () => {
    let refused = 0;
    fc.assert(
      fc.property(table, table, options, (stored, incoming, how) => {
        let plan: VatImportPlan;
        try {
          plan = planVatImport(stored, incoming, how);
        } catch (error) {
          expect(error).toMatchObject({ code: 'VAT_HISTORY_CHANGE' });
          expect(how.allowHistoryChange).toBe(false);
          refused++;
          return;
        }
        const result = apply(stored, plan);
        for (const [index, row] of result.slice(0, -1).entries()) {
          expect(row.validTo !== null && row.validTo <= (result[index + 1]?.validFrom ?? '')).toBe(true);
        }
        const series = rate('0.1 from 2020-01-01');
        for (let index = 0; index <= LENGTH + 1; index++) {
          const [was, says, is] = [stored, incoming, result].map((rows) => rateOn(rows, series, day(index)));
          const past = day(index) < today;
          if (!how.allowHistoryChange && past && was !== undefined) expect(is).toBe(was);
          if (how.allowHistoryChange && says !== undefined) expect(is).toBe(says);
          if (was === undefined) expect(is).toBe(says);
        }
        expect(planVatImport(result, incoming, how).changes).toEqual([]);
      }),
      { numRuns: CASES / 5 },
    );
    expect(refused).toBeGreaterThan(0);
  });
});
