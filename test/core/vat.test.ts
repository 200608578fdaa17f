import { describe, expect, test } from 'vitest';
import { parseCountry } from '../../src/lib/core/country.ts';
import { formatInstant, type Instant, instant, parseDay, startOfDay } from '../../src/lib/core/instant.ts';
import {
  type Buyer,
  decideVat,
  formatVatPercent,
  formatVatRate,
  parseTerritory,
  parseVatRate,
  VatRateTable,
  VatRules,
  vatOn,
} from '../../src/lib/core/vat.ts';
import { refusalOf } from '../support/refusal.ts';

const day = (text: string): Instant => startOfDay(parseDay(text));
const NOW = day('2025-01-01');

const RATES = new VatRateTable(
  [
    ['DE', '0.19', '2021-01-01', null],
    ['DE', '0.16', '2020-07-01', '2021-01-01'],
    ['DE', '0.19', '2007-01-01', '2020-07-01'],
    ['CH', '0.077', '2018-01-01', '2024-01-01'],
    ['CH', '0.081', '2024-01-01', null],
    ['FR', '0.2', '2014-01-01', null],
    ['GB', '0.2', '2011-01-04', null],
    ['HR', '0.25', '2012-03-01', '2023-01-01'],
    ['HR', '0.25', '2023-01-01', null],
    ['GR', '0.24', '2016-06-01', null],
    ['GR-81', '0.17', '2016-06-01', '2018-01-01'],
    ['GR-82', '0.24', '2016-06-01', '2018-01-01'],
    ['AT', '0.2', '1984-01-01', null],
    ['AT-6691', '0.19', '1984-01-01', null],
    ['LU', '0.17', '2015-01-01', '2022-12-31'],
    ['LU', '0.16', '2023-01-01', null],
  ].map(([territory, rate, from, to]) => ({
    territory: parseTerritory(territory ?? ''),
    rate: parseVatRate(rate ?? ''),
    validFrom: parseDay(from ?? ''),
    validTo: typeof to === 'string' ? parseDay(to) : null,
  })),
);

const seller = (country: string, { oss = true, registeredIn = [] as string[] } = {}) => ({
  country: parseCountry(country),
  oss,
  registeredIn: registeredIn.map(parseCountry),
});

const buyer = (country: string, more: Partial<Buyer> = {}): Buyer => ({
  country: parseCountry(country),
  postalCode: null,
  vatIdValid: false,
  vatTerritory: null,
  ...more,
});

function decided(from: ReturnType<typeof seller>, to: Buyer, at = NOW): string {
  const { treatment, territory, rate } = decideVat(from, to, at, RATES);
  return `${treatment} ${territory} ${formatVatPercent(rate)}`;
}

describe('the decision', () => {
  const valid = { vatIdValid: true };
  test.each([
    ['the same country, whoever buys', seller('CH'), buyer('CH', valid), 'domestic CH 8.1'],
    ['Liechtenstein counts as Switzerland', seller('CH'), buyer('LI'), 'domestic CH 8.1'],
    ['a seller in Liechtenstein', seller('LI'), buyer('CH'), 'domestic CH 8.1'],
    ['a business in the Union', seller('CH'), buyer('DE', valid), 'reverse_charge DE 0'],
    ['a business in Monaco', seller('CH'), buyer('MC', valid), 'reverse_charge FR 0'],
    ['a consumer in the Union', seller('CH'), buyer('DE'), 'destination DE 19'],
    ['a consumer in Monaco', seller('CH'), buyer('MC'), 'destination FR 20'],
    ['Greece by its VAT prefix', seller('CH'), buyer('EL'), 'destination GR 24'],
    [
      'OSS replaced by a registration',
      seller('CH', { oss: false, registeredIn: ['DE'] }),
      buyer('DE'),
      'destination DE 19',
    ],
    ['a Union seller without OSS', seller('DE', { oss: false }), buyer('FR'), 'domestic DE 19'],
    ['a Union seller with OSS', seller('DE'), buyer('FR'), 'destination FR 20'],
    ['a Union seller to a business', seller('DE', { oss: false }), buyer('FR', valid), 'reverse_charge FR 0'],
    ['a Union seller to Switzerland', seller('DE'), buyer('CH'), 'outside CH 0'],
    ['the rest of the world', seller('CH'), buyer('US', valid), 'outside US 0'],
    ['Great Britain after leaving', seller('CH'), buyer('UK', valid), 'outside GB 0'],
    [
      'a postal code with a rate',
      seller('CH'),
      buyer('AT', { postalCode: ' 6691 ' }),
      'destination AT-6691 19',
    ],
    ['a postal code without', seller('CH'), buyer('AT', { postalCode: '1010' }), 'destination AT 20'],
    [
      'a territory set by hand',
      seller('CH'),
      buyer('AT', { vatTerritory: parseTerritory('AT-6691') }),
      'destination AT-6691 19',
    ],
    [
      'a territory whose rate has ended',
      seller('CH'),
      buyer('GR', { postalCode: '81' }),
      'destination GR 24',
    ],
  ])('%s', (_, from, to, expected) => {
    expect(decided(from, to)).toBe(expected);
  });

  test('goes by the date of the supply', () => {
    expect(decided(seller('CH'), buyer('GB'), day('2020-12-31'))).toBe('destination GB 20');
    expect(decided(seller('CH'), buyer('GB', valid), day('2020-12-31'))).toBe('reverse_charge GB 0');
    expect(decided(seller('CH'), buyer('HR'), day('2013-06-30'))).toBe('outside HR 0');
    expect(decided(seller('CH'), buyer('HR'), day('2013-07-01'))).toBe('destination HR 25');
    expect(decided(seller('CH'), buyer('GR', { postalCode: '81' }), day('2017-12-31'))).toBe(
      'destination GR-81 17',
    );
    expect(decided(seller('CH'), buyer('CH'), day('2023-12-31'))).toBe('domestic CH 7.7');
  });

  test('is refused rather than guessed', () => {
    const refusal = (from: ReturnType<typeof seller>, to: Buyer, at = NOW) =>
      refusalOf(() => decideVat(from, to, at, RATES)).code;
    expect(refusal(seller('CH'), buyer('CH', { country: null }))).toBe('MISSING_COUNTRY');
    expect(refusal(seller('CH'), buyer('SE'))).toBe('MISSING_VAT_RATE');
    expect(refusal(seller('CH'), buyer('CH'), day('2017-12-31'))).toBe('MISSING_VAT_RATE');
    expect(refusal(seller('CH'), buyer('LU'), day('2022-12-31'))).toBe('MISSING_VAT_RATE');
    expect(refusal(seller('CH', { oss: false }), buyer('DE'))).toBe('SELLER_NOT_REGISTERED');
    expect(refusal(seller('CH', { oss: false, registeredIn: ['FR'] }), buyer('DE'))).toBe(
      'SELLER_NOT_REGISTERED',
    );
  });

  test('has a reason of one sentence', () => {
    for (const to of [buyer('CH'), buyer('DE'), buyer('DE', valid), buyer('US')]) {
      expect(decideVat(seller('CH'), to, NOW, RATES).reason).toMatch(/^[A-Z][^\n]+\.$/);
    }
  });
});

describe('a timeline', () => {
  /** The spans that cover an interval, written `from rate`. */
  function spans(from: ReturnType<typeof seller>, to: Buyer, start: Instant, end: Instant): string[] {
    const timeline = new VatRules(from, RATES).timelineFor(to);
    const found: string[] = [];
    for (let at: number = start; at < end; ) {
      const span = timeline.spanAt(instant(at));
      found.push(
        `${formatInstant(instant(at)).slice(0, 10)} ${span.terms.treatment} ${formatVatPercent(span.terms.rate)}`,
      );
      at = span.end;
    }
    return found;
  }

  test('changes where the rate changes, and nowhere else', () => {
    expect(spans(seller('CH'), buyer('DE'), day('2019-01-01'), NOW)).toEqual([
      '2019-01-01 destination 19',
      '2020-07-01 destination 16',
      '2021-01-01 destination 19',
    ]);
    expect(spans(seller('CH'), buyer('HR'), day('2022-01-01'), NOW)).toEqual(['2022-01-01 destination 25']);
    expect(spans(seller('CH'), buyer('US'), day('1970-01-01'), NOW)).toEqual(['1970-01-01 outside 0']);
  });

  test('changes where a country enters or leaves the Union', () => {
    expect(spans(seller('CH'), buyer('GB'), day('2020-01-01'), NOW)).toEqual([
      '2020-01-01 destination 20',
      '2021-01-01 outside 0',
    ]);
  });

  test('refuses only the faulty time', () => {
    const timeline = new VatRules(seller('CH'), RATES).timelineFor(buyer('LU'));
    expect(timeline.spanAt(day('2022-12-30')).end).toBe(day('2022-12-31'));
    expect(refusalOf(() => timeline.spanAt(day('2022-12-31'))).code).toBe('MISSING_VAT_RATE');
    expect(timeline.spanAt(day('2023-01-01')).terms.rate).toBe(1_600);
  });

  test('agrees with the decision at every instant', () => {
    const rules = new VatRules(seller('CH'), RATES);
    for (const to of [
      buyer('DE'),
      buyer('GB'),
      buyer('HR'),
      buyer('GR', { postalCode: '81' }),
      // Another territory from 2018 on, at the same rate.
      buyer('GR', { postalCode: '82' }),
      buyer('GR'),
    ]) {
      for (let at = day('2017-01-01'); at < NOW; at = instant(at + 86_399)) {
        expect(rules.timelineFor(to).spanAt(at).terms).toEqual(decideVat(seller('CH'), to, at, RATES));
      }
    }
  });
});

describe('rates and territories', () => {
  test.each([
    ['0', 0, '0', '0'],
    ['0.0', 0, '0', '0'],
    ['0.081', 810, '0.081', '8.1'],
    ['.2', 2_000, '0.2', '20'],
    ['0.1666', 1_666, '0.1666', '16.66'],
    ['0.0001', 1, '0.0001', '0.01'],
    ['0.9999', 9_999, '0.9999', '99.99'],
  ])('%s is %d ten-thousandths', (text, rate, fraction, percent) => {
    expect(parseVatRate(text)).toBe(rate);
    expect(formatVatRate(parseVatRate(text))).toBe(fraction);
    expect(formatVatPercent(parseVatRate(text))).toBe(percent);
  });

  test.each([
    '',
    '.',
    '0.',
    '19',
    '1',
    '1.0',
    '-0.1',
    '+0.1',
    '0,19',
    '1e-1',
    '0.12345',
    '19%',
    ' 0.1',
    '00.1',
  ])('%j is not a rate', (text) => expect(refusalOf(() => parseVatRate(text)).code).toBe('INVALID_VAT_RATE'));

  test('VAT is rounded half away from zero', () => {
    expect([100n, 150n, -150n, 1_000n].map((base) => vatOn(base, parseVatRate('0.01')))).toEqual([
      1n,
      2n,
      -2n,
      10n,
    ]);
  });

  test('territories carry the aliases of their countries', () => {
    expect(parseTerritory('UK-BFPO 57')).toBe('GB-BFPO 57');
    expect(parseTerritory('EL-84')).toBe('GR-84');
    expect(parseTerritory('ES-CN')).toBe('ES-CN');
    expect(parseTerritory('CH')).toBe('CH');
  });

  test.each(['', 'XX', 'ch', 'AT-', 'AT 6691', 'AT-6691\n', 'AT-6691 ', 'AT-1234567890123456', 'XX-1'])(
    '%j is not a territory',
    (text) => expect(refusalOf(() => parseTerritory(text)).code).toBe('INVALID_TERRITORY'),
  );
});
