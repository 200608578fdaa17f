import { expect, it } from 'vitest';
import { explainRecord } from '../../src/lib/core/bill-explanation.ts';
import type { StoredRecord } from '../../src/lib/core/charge.ts';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import { parseTerritory, parseVatRate, VatRateTable } from '../../src/lib/core/vat.ts';
import { aRecord } from '../support/bill-document.ts';
import { day } from '../support/billing.ts';

const CH = parseTerritory('CH');
const RATES = new VatRateTable([
  {
    territory: CH,
    rate: parseVatRate('0.077'),
    validFrom: parseDay('2018-01-01'),
    validTo: parseDay('2024-01-01'),
  },
  { territory: CH, rate: parseVatRate('0.081'), validFrom: parseDay('2024-01-01'), validTo: null },
]);

const explain = (record: StoredRecord, rates = RATES) => explainRecord(record, day('2025-01-01'), rates);

it('a whole period goes from nothing to its price', () => {
  expect(explain(aRecord())).toMatchObject({
    periodStart: day('2025-01-01'),
    before: { seconds: 0, amount: 0n, isExact: true },
    after: { seconds: 2_592_000, amount: 1000n, isExact: true },
    rateValidFrom: '2024-01-01',
    rule: expect.stringMatching(/^A whole period .* \(.*Art\. 93.*\)\.$/),
  });
});

it('a part starts at the seconds of its period, and says when it is rounded', () => {
  const first = aRecord({ end: day('2025-01-02'), net: 33n });
  expect(explain(first)).toMatchObject({
    after: { seconds: 86_400, amount: 33n, isExact: false },
    rule: expect.stringMatching(/^The first part /),
  });
  const later = aRecord({ periodIndex: 1, start: day('2025-02-15'), end: day('2025-03-02'), net: 500n });
  expect(explain(later)).toMatchObject({
    periodStart: day('2025-01-31'),
    before: { seconds: 1_296_000, amount: 500n },
    after: { seconds: 2_592_000, amount: 1000n },
    rule: expect.stringMatching(/^A later part /),
  });
});

it('a credit goes from more to less', () => {
  expect(
    explain(aRecord({ id: 2, seq: 1, start: day('2025-01-16'), net: -500n, corrects: 1 })),
  ).toMatchObject({
    before: { seconds: 2_592_000, amount: 1000n },
    after: { seconds: 1_296_000, amount: 500n },
    rule: expect.stringMatching(/given back.*Art\. 90 and 219/),
  });
});

it('a one-time price has no period, and below zero it is an adjustment', () => {
  const once = { kind: 'one_time', periodIndex: -1, end: day('2025-01-01'), periodSeconds: null } as const;
  expect(explain(aRecord({ ...once, unitPrice: parsePrice('0.125'), quantity: 3, net: 38n }))).toMatchObject({
    periodStart: null,
    before: { amount: 0n },
    after: { seconds: 0, amount: 38n, isExact: false },
    rule: expect.stringMatching(/^A one-time price /),
  });
  const unitPrice = parsePrice('-5', { negative: true });
  expect(explain(aRecord({ ...once, unitPrice, net: -500n }))).toMatchObject({
    after: { amount: -500n, isExact: true },
    rule: expect.stringMatching(/adjustment/),
  });
});

it('a rate is named only where one was needed and the table still has it', () => {
  const with_ = (vat: Partial<StoredRecord['vat']>, start = day('2025-01-01')) =>
    explain(aRecord({ start, vat: { ...aRecord().vat, ...vat } })).rateValidFrom;
  expect(with_({ rate: parseVatRate('0.077') }, day('2023-12-31'))).toBe('2018-01-01');
  expect(with_({ rate: parseVatRate('0.077') })).toBeNull();
  expect(with_({ treatment: 'reverse_charge', rate: parseVatRate('0') })).toBeNull();
  expect(with_({ treatment: 'outside', rate: parseVatRate('0') })).toBeNull();
  expect(with_({ territory: parseTerritory('DE') })).toBeNull();
});
