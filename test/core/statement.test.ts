import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDay } from '../../src/lib/core/instant.ts';
import { creditorReference, qrReference } from '../../src/lib/core/payment-reference.ts';
import {
  billNumberFor,
  type EntryDetail,
  formatStatementAmount,
  isRecordedAs,
  minorOfReceipt,
  parseStatementAmount,
  type Receipt,
  receiptsOf,
  type StatementAmount,
  type StatementEntry,
} from '../../src/lib/core/statement.ts';
import { refusalOf } from '../support/refusal.ts';

const chf = (text: string): StatementAmount => parseStatementAmount(text) ?? fail(text);

const detail = (given: Partial<EntryDetail> = {}): EntryDetail => ({
  line: 2,
  amount: null,
  currency: 'CHF',
  isCredit: null,
  bankReference: null,
  endToEndId: null,
  creditorReferences: [],
  payer: null,
  ...given,
});

const entry = (given: Partial<StatementEntry> = {}): StatementEntry => ({
  line: 1,
  account: 'CH93',
  day: parseDay('2025-02-10'),
  amount: chf('30'),
  currency: 'CHF',
  isCredit: true,
  isReversal: false,
  isBooked: true,
  hasCharges: false,
  bankReference: 'B1',
  details: [],
  ...given,
});

function fail(text: string): never {
  throw new Error(`${text} is no amount`);
}

function receipts(given: Partial<StatementEntry>): Receipt[] {
  const counts = new Map<string, number>();
  return receiptsOf(entry(given), (text) => {
    const count = counts.get(text) ?? 0;
    counts.set(text, count + 1);
    return count;
  });
}

const shown = (given: Partial<StatementEntry>) =>
  receipts(given).map(
    ({ amount, currency, reference }) => `${reference}: ${formatStatementAmount(amount, currency)}`,
  );

describe('an amount of a statement', () => {
  it('of a currency that cannot be billed in has two decimals, or as many as it needs', () => {
    expect(['1', '1.234'].map((text) => formatStatementAmount(chf(text), 'BHD'))).toEqual(['1.00', '1.234']);
  });

  it.each([
    ['27.03', '27.03'],
    ['27', '27.00'],
    ['27.', '27.00'],
    ['0.5', '0.50'],
    ['1.23450', '1.2345'],
    ['1.23456', '1.23456'],
  ])('%s is %s', (text, written) => expect(formatStatementAmount(chf(text), 'CHF')).toBe(written));

  it.each(['', '-1', '+1', '1,00', '1e3', '.5', '1.123456', ' 1', '0x1'])('%j is none', (text) => {
    expect(parseStatementAmount(text)).toBeNull();
  });

  it('has the decimals of its currency', () => {
    expect(formatStatementAmount(chf('500.00'), 'JPY')).toBe('500');
    const bill = { number: 12, currency: 'CHF' };
    const of = (given: Partial<StatementEntry>) => receipts(given)[0] ?? fail('nothing');
    expect(minorOfReceipt(of({ amount: chf('27.03') }), bill)).toBe(2703n);
    const yen = of({ amount: chf('500'), currency: 'JPY' });
    expect(minorOfReceipt(yen, { number: 1, currency: 'JPY' })).toBe(500n);
    expect(refusalOf(() => minorOfReceipt(yen, bill)).code).toBe('PAYMENT_CURRENCY');
    expect(refusalOf(() => minorOfReceipt(of({ amount: chf('1.005') }), bill)).code).toBe('INVALID_AMOUNT');
    const gold = of({ currency: 'XAU' });
    expect(refusalOf(() => minorOfReceipt(gold, { number: 1, currency: 'XAU' })).code).toBe(
      'PAYMENT_CURRENCY',
    );
  });
});

describe('an entry', () => {
  it('is a receipt when it is a booked credit, or takes one back', () => {
    expect(shown({})).toEqual(['B1: 30.00']);
    expect(shown({ isCredit: false })).toEqual([]);
    expect(shown({ isBooked: false })).toEqual([]);
    expect(shown({ isReversal: true })).toEqual([]);
    expect(shown({ isCredit: false, isReversal: true })).toEqual(['B1 reversed: -30.00']);
  });

  it('is as many receipts as it has transactions, each with its own name', () => {
    const two = (given: Partial<EntryDetail>) => [
      detail({ amount: chf('10'), ...given }),
      detail({ amount: chf('20') }),
    ];
    expect(shown({ details: two({ bankReference: 'T1' }) })).toEqual(['T1: 10.00', 'B1: 20.00']);
    expect(shown({ details: two({}) })).toEqual(['B1/1: 10.00', 'B1/2: 20.00']);
    const mixed = [...two({}), detail({ amount: chf('5'), isCredit: false })];
    expect(shown({ amount: chf('25'), details: mixed })).toEqual(['B1/1: 10.00', 'B1/2: 20.00']);
    const reversed = { isCredit: false, isReversal: true, details: two({}) };
    expect(shown(reversed)).toEqual(['B1/1 reversed: -10.00', 'B1/2 reversed: -20.00']);
  });

  it('takes its own amount where its only transaction tells none, or one in another currency', () => {
    expect(shown({ details: [detail()] })).toEqual(['B1: 30.00']);
    expect(shown({ details: [detail({ amount: chf('32'), currency: 'EUR' })] })).toEqual(['B1: 30.00']);
  });

  it('is not taken apart when its transactions do not add up', () => {
    const details = [
      detail({ amount: chf('10') }),
      detail({ amount: chf('19'), creditorReferences: ['RF6812'] }),
    ];
    const [receipt] = receipts({ details });
    expect(receipt).toMatchObject({ amount: chf('30'), reference: 'B1', creditorReferences: [] });
    expect(refusalOf(() => billNumberFor(receipt ?? fail('none'))).code).toBe('STATEMENT_DETAILS');
    expect(shown({ details, hasCharges: true })).toEqual(['B1/1: 10.00', 'B1/2: 19.00']);
    expect(shown({ details: [detail(), detail({ amount: chf('30') })] })).toEqual(['B1: 30.00']);
  });

  it('gets a name from what it says when the bank gives none, the same in each file', () => {
    const details = ['10', '10', '10.0'].map((amount) => detail({ amount: chf(amount), endToEndId: 'E1' }));
    const name = 'CH93 2025-02-10 10.00 CHF E1';
    expect(shown({ bankReference: null, details })).toEqual([
      `${name}: 10.00`,
      `${name} #2: 10.00`,
      `${name} #3: 10.00`,
    ]);
  });

  it('gets a name that fits when it says much', () => {
    const creditorReferences = [1, 2, 3, 4, 5, 6].map((number) => qrReference(number));
    const details = ['15', '15'].map((amount) => detail({ amount: chf(amount), creditorReferences }));
    const names = receipts({ bankReference: null, isReversal: true, isCredit: false, details }).map(
      ({ reference }) => reference.slice(-14),
    );
    expect(names).toEqual([expect.stringMatching(/\d reversed$/), expect.stringMatching(/\d #2 reversed$/)]);
  });

  it('never loses or makes money', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ minor: fc.integer({ min: 1, max: 10_000 }), isCredit: fc.boolean() })),
        fc.boolean(),
        (parts, isReversal) => {
          const details = parts.map(({ minor, isCredit }) => detail({ amount: chf(`${minor}`), isCredit }));
          const sum = parts.reduce((total, { minor, isCredit }) => total + (isCredit ? minor : -minor), 0);
          fc.pre(sum !== 0 && sum > 0 !== isReversal);
          const found = receipts({ amount: chf(`${Math.abs(sum)}`), isCredit: sum > 0, isReversal, details });
          const received = found.reduce((total, { amount }) => total + amount, 0n);
          const wanted = parts.filter(({ isCredit }) => isCredit !== isReversal);
          expect(found).toHaveLength(wanted.length);
          const expected = wanted.reduce((total, { minor }) => total + minor, 0) * (isReversal ? -1 : 1);
          expect(received).toBe(BigInt(expected) * 100_000n);
          expect(new Set(found.map(({ reference }) => reference)).size).toBe(found.length);
        },
      ),
    );
  });
});

describe('a receipt', () => {
  const of = (...creditorReferences: string[]) =>
    receipts({ details: [detail({ creditorReferences })] })[0] ?? fail('nothing');

  it('names a bill by its reference, and by nothing else', () => {
    expect(billNumberFor(of(qrReference(12)))).toBe(12);
    expect(billNumberFor(of(creditorReference(7), creditorReference(7)))).toBe(7);
    expect(refusalOf(() => billNumberFor(of())).code).toBe('PAYMENT_WITHOUT_REFERENCE');
    expect(refusalOf(() => billNumberFor(of('RF18539007547034', 'x'))).code).toBe('SEVERAL_REFERENCES');
    expect(refusalOf(() => billNumberFor(of('12'))).code).toBe('FOREIGN_REFERENCE');
  });

  it('is known when payments of its name add up to it', () => {
    const paid = (amount: bigint, currency = 'CHF') => ({ amount, currency });
    expect(isRecordedAs(of(), [paid(1000n), paid(2000n)])).toBe(true);
    expect(isRecordedAs(of(), [paid(3001n)])).toBe(false);
    expect(isRecordedAs(of(), [paid(1000n, 'EUR'), paid(2000n)])).toBe(false);
    expect(isRecordedAs(of(), [])).toBe(false);
  });
});
