import { expect, it } from 'vitest';
import { formatBillReference, parseBillReference } from '../../src/lib/core/bill-reference.ts';
import { refusalOf } from '../support/refusal.ts';

it('a bill is named by its number, or by its id', () => {
  expect(parseBillReference('12')).toEqual({ number: 12 });
  expect(parseBillReference('id:7')).toEqual({ id: 7 });
  for (const text of ['12', 'id:7', '999999999999999']) {
    expect(formatBillReference(parseBillReference(text))).toBe(text);
  }
});

it.each(['', '0', '-1', '01', '1.5', '1e3', 'id:', 'id:0', 'ID:7', ' 7', '9999999999999999'])(
  '%j names no bill',
  (text) => {
    expect(refusalOf(() => parseBillReference(text)).code).toBe('INVALID_BILL_NUMBER');
  },
);
