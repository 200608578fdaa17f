import { parse } from 'csv-parse/sync';
import { expect, it } from 'vitest';
import { billCsv } from '../../src/lib/core/bill-csv.ts';
import { aBill, aRecord } from '../support/bill-document.ts';

const rowsOf = (description: string) =>
  parse(billCsv(aBill({ records: [aRecord({ description, net: -1000n })] })), { columns: true }) as Record<
    string,
    string
  >[];

it.each(['=1+1', '+1+1', '-1+1', '@SUM(A1)', '\t=1', '\r=1', '＝1', '＠x'])(
  'a spreadsheet does not run %j',
  (description) => {
    expect(rowsOf(description)).toMatchObject([{ description: `'${description}`, net: '-10.00' }]);
  },
);

it.each(['a "b", c', 'two\r\nlines', "'", '', '1=1', ' - '])('%j is read back as it is', (description) => {
  expect(rowsOf(description)).toMatchObject([{ description }]);
});
