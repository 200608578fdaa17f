import { describe, expect, it } from 'vitest';
import { refuse } from '../../src/lib/core/errors.ts';
import { type FaultyRow, ImportReport } from '../../src/lib/core/import-report.ts';

const row = (line: number, ...fields: (string | null)[]): FaultyRow => ({
  line,
  faults: fields.map((field) => ({ field, error: refuse.EMPTY_CELL({ column: field ?? 'row' }) })),
  text: (column) => `${column} of ${line}`,
});

describe('ImportReport', () => {
  it('lists the first hundred refused rows in the order of the file, and counts all', () => {
    const report = new ImportReport();
    for (let line = 1001; line > 1; line -= 1) report.refuse(row(line, 'username'));
    const { refused, refusedRows, rows } = report.result();
    expect([refusedRows, rows]).toEqual([1000, 1000]);
    expect(refused.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 2));
  });

  it('lists every fault of a row', () => {
    const report = new ImportReport();
    report.refuse(row(3, 'city'));
    report.refuse(row(2, 'country', null));
    const { refused, refusedRows } = report.result();
    expect(refusedRows).toBe(2);
    expect(refused.map(({ line, field, value }) => [line, field, value])).toEqual([
      [2, 'country', 'country of 2'],
      [2, null, null],
      [3, 'city', 'city of 3'],
    ]);
  });
});
