import { describe, expect, test } from 'vitest';
import type { StoredBill } from '../../src/lib/core/bill.ts';
import { verifyHistory, verifyNumbering } from '../../src/lib/core/bill-verification.ts';
import type { StoredRecord } from '../../src/lib/core/charge.ts';
import { addSeconds, LAST_INSTANT, parseDay } from '../../src/lib/core/instant.ts';
import type { Order } from '../../src/lib/core/order.ts';
import type { Territory } from '../../src/lib/core/vat.ts';
import { anOrder, day, stored } from '../support/billing.ts';

const NOW = day('2025-01-01');

describe('verification', () => {
  const UNTIL = day('2025-01-20');
  const order = anOrder({ oneTimePrice: 500_000n, endsAt: day('2025-01-16') });
  const sold = stored({ orders: [{ ...order, endsAt: null }] });
  const credited = stored(
    { orders: [order], charged: new Map([[1, sold.records]]) },
    { until: day('2025-01-16') },
    2,
  );
  const closed = { ...order, closed: true };

  const codes = (bills: readonly StoredBill[], orders: readonly Order[] = [closed]) =>
    verifyHistory({ orders, bills }, UNTIL).faults.map(({ code, bill }) => `${code} ${bill}`);

  /** The credited bill with a change to its only record, and sums that fit it. */
  function withRecord(change: Partial<StoredRecord>): StoredBill {
    return { ...credited, records: credited.records.map((record) => ({ ...record, ...change })) };
  }

  test('finds nothing in a sound history', () => {
    expect(verifyHistory({ orders: [closed], bills: [sold, credited] }, UNTIL)).toEqual({
      faults: [],
      pending: 0,
    });
  });

  test('counts what is merely due, and does not believe the saved times', () => {
    const trusting = { ...order, nextDueAt: LAST_INSTANT };
    expect(verifyHistory({ orders: [trusting], bills: [sold] }, UNTIL)).toEqual({ faults: [], pending: 1 });
    expect(verifyHistory({ orders: [anOrder({ id: 1 })], bills: [] }, UNTIL)).toEqual({
      faults: [],
      pending: 1,
    });
  });

  test('finds an order that was closed too early', () => {
    expect(codes([sold])).toEqual(['CLOSED_NOT_SETTLED null']);
    expect(codes([], [anOrder({ closed: true })])).toEqual(['CLOSED_NOT_SETTLED null']);
  });

  test.each<[string, readonly StoredBill[], string[]]>([
    ['a net', [{ ...sold, net: 6_001n, total: 6_487n }, credited], ['BILL_NET 1']],
    ['a VAT amount', [{ ...sold, vat: 487n, total: 6_487n }, credited], ['BILL_VAT 1']],
    ['a VAT group', [{ ...sold, vatGroups: [] }, credited], ['BILL_VAT 1']],
    ['a total', [{ ...sold, total: 1n }, credited], ['BILL_TOTAL 1']],
    ['a kind', [{ ...sold, kind: 'credit_note' }, credited], ['BILL_KIND 1']],
    ['a currency', [{ ...sold, currency: 'EUR' }, credited], ['BILL_CURRENCY 1']],
    [
      'a currency that is none, in which no amount can be told',
      [{ ...sold, currency: 'QQQ' as StoredBill['currency'], net: 6_001n }, credited],
      ['BILL_CURRENCY 1'],
    ],
    ['no due day', [{ ...sold, dueOn: null }, credited], ['BILL_DUE 1']],
    ['a due day before the issue', [{ ...sold, dueOn: parseDay('2024-12-31') }, credited], ['BILL_DUE 1']],
    ['a due day of a draft', [{ ...sold, number: null }, credited], ['BILL_DUE null']],
    ['a due day of a credit note', [sold, { ...credited, dueOn: sold.dueOn }], ['BILL_DUE 2']],
    ['a credit that has lost its charge', [sold, withRecord({ corrects: 77 })], ['CREDIT_OUTSIDE 2']],
    [
      'a record of another order',
      [
        sold,
        credited,
        {
          ...sold,
          id: 3,
          number: 3,
          records: sold.records.map((record) => ({ ...record, id: 999, orderId: 8 })),
        },
      ],
      ['RECORD_WITHOUT_ORDER 3'],
    ],
    ['changed terms', [sold, withRecord({ unitPrice: 1n })], ['ORDER_CHANGED 2']],
  ])('finds %s', (_, bills, faults) => {
    expect(codes(bills)).toEqual(faults);
  });

  test.each<[string, Partial<StoredRecord['vat']>]>([
    ['treatment', { treatment: 'destination' }],
    ['territory', { territory: 'US' as Territory }],
    ['rate', { rate: 770 as StoredRecord['vat']['rate'] }],
  ])('finds a credit with another VAT %s', (_, change) => {
    const vat = { ...sold.records[0]?.vat, ...change } as StoredRecord['vat'];
    expect(codes([sold, withRecord({ vat })])).toEqual(['BILL_VAT 2', 'CREDIT_VAT 2']);
  });

  test('finds a credit that reaches from its charge into the one before', () => {
    const [, whole] = sold.records;
    if (whole === undefined) throw new Error('two records were expected');
    const middle = day('2025-01-16');
    const records = [
      { ...whole, end: middle, net: 500n },
      { ...whole, id: 102, seq: 1, start: middle, net: 500n },
      { ...whole, id: 103, seq: 2, start: day('2025-01-11'), net: -667n, corrects: 102 },
    ];
    const bill = { ...sold, records, net: 333n, vat: 27n, total: 360n };
    const vatGroups = sold.vatGroups.map((group) => ({ ...group, base: 333n, vat: 27n }));
    const ended = anOrder({ ...closed, oneTimePrice: 0n, endsAt: day('2025-01-11') });
    expect(codes([{ ...bill, vatGroups }], [ended])).toEqual(['CREDIT_OUTSIDE 1']);
  });

  test('finds a wrong amount in a record', () => {
    expect(codes([sold, withRecord({ net: -501n })])).toEqual(['BILL_NET 2', 'BILL_VAT 2', 'RECORD_NET 2']);
  });

  test('finds what was charged twice', () => {
    const again = {
      ...sold,
      id: 3,
      number: 3,
      records: sold.records.map((record) => ({ ...record, id: record.id + 200, seq: 1 })),
    };
    expect(codes([sold, again], [{ ...order, endsAt: null }])).toEqual([
      'CHARGED_TWICE 3',
      'CHARGED_TWICE 3',
    ]);
  });

  test('finds a gap in what was charged', () => {
    const [oneTime, recurring] = sold.records;
    if (oneTime === undefined || recurring === undefined) throw new Error('two records were expected');
    const late = { ...recurring, start: day('2025-01-16'), net: 500n };
    const bill = { ...sold, records: [oneTime, late], net: 5_500n, vat: 446n, total: 5_946n };
    const groups = sold.vatGroups.map((group) => ({ ...group, base: 5_500n, vat: 446n }));
    expect(codes([{ ...bill, vatGroups: groups }])).toEqual(['PERIOD_SUM 1']);
  });

  test('finds an order that could never be billed', () => {
    expect(codes([], [anOrder({ quantity: 0 })])).toEqual(['ORDER_FAULTY null']);
  });

  test('finds gaps in the numbers and issue dates that fall', () => {
    const codesOf = (previous: Parameters<typeof verifyNumbering>[0], number: number, issuedAt = NOW) =>
      verifyNumbering(previous, { number, issuedAt }).map(({ code }) => code);
    expect(codesOf(null, 1)).toEqual([]);
    expect(codesOf(null, 2)).toEqual(['NUMBER_GAP']);
    expect(codesOf({ number: 1, issuedAt: NOW }, 2)).toEqual([]);
    expect(codesOf({ number: 1, issuedAt: NOW }, 3)).toEqual(['NUMBER_GAP']);
    expect(codesOf({ number: 1, issuedAt: addSeconds(NOW, 1) }, 2)).toEqual(['NUMBER_ORDER']);
  });
});
