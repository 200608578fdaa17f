import { describe, expect, it } from 'vitest';
import { refuse } from '../../src/lib/core/errors.ts';
import { ImportReport } from '../../src/lib/core/import-report.ts';

const bad = refuse.EMPTY_CELL({ column: 'username' });

describe('ImportReport', () => {
  it('lists the first hundred refused rows in the order of the file, and counts all', () => {
    const report = new ImportReport();
    for (let line = 1001; line > 1; line -= 1) report.refuse({ line, texts: {} }, bad);
    const { refused, refusedRows, rows } = report.result();
    expect([refusedRows, rows]).toEqual([1000, 1000]);
    expect(refused.map(({ line }) => line)).toEqual(Array.from({ length: 100 }, (_, index) => index + 2));
  });

  it('names the column that the refusal names, when the file has it', () => {
    const report = new ImportReport();
    const needsCountry = refuse.ADDRESS_NEEDS_COUNTRY({});
    report.refuse({ line: 2, texts: { username: 'a', country: '' } }, needsCountry);
    report.refuse({ line: 3, texts: { username: 'b' } }, needsCountry);
    expect(report.result().refused.map(({ field, value }) => [field, value])).toEqual([
      ['country', ''],
      [null, null],
    ]);
  });

  it('lets a bug through', () => {
    const report = new ImportReport();
    const bug = () => {
      throw new TypeError('bug');
    };
    expect(() => report.attempt({ line: 2, texts: {} }, bug)).toThrow(TypeError);
  });
});
