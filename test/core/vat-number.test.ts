import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCountry } from '../../src/lib/core/country.ts';
import { checkVatNumberIn, parseVatNumber } from '../../src/lib/core/vat-number.ts';
import { refusalOf } from '../support/refusal.ts';

describe('parseVatNumber', () => {
  // One number of the form that each country gives out, and one a character too short or of another country's form.
  it.each([
    ['ATU12345678', 'AT12345678'],
    ['BE0123456789', 'BE2123456789'],
    ['BG1234567890', 'BG12345678'],
    ['CY12345678X', 'CY123456789'],
    ['CZ1234567890', 'CZ1234567'],
    ['DE123456789', 'DE12345678'],
    ['DK12345678', 'DK1234567'],
    ['EE123456789', 'EE12345678'],
    ['EL123456789', 'EL12345678'],
    ['ESX12345678', 'ES123456789'],
    ['FI12345678', 'FI123456789'],
    ['FRAB123456789', 'FRIO123456789'],
    ['GB123456789', 'GB1234567890'],
    ['HR12345678901', 'HR1234567890'],
    ['HU12345678', 'HU1234567'],
    ['IE1234567WA', 'IE12345678'],
    ['IT12345678901', 'IT123456789'],
    ['LT123456789012', 'LT1234567890'],
    ['LU12345678', 'LU1234567'],
    ['LV12345678901', 'LV1234567890'],
    ['MT12345678', 'MT123456789'],
    ['NL123456789B01', 'NL123456789A01'],
    ['PL1234567890', 'PL123456789'],
    ['PT123456789', 'PT1234567890'],
    ['RO12', 'RO1'],
    ['SE123456789001', 'SE123456789'],
    ['SI12345678', 'SI1234567'],
    ['SK1234567890', 'SK123456789'],
    ['XIGD001', 'XIGD501'],
  ])('takes %s and not %s', (right, wrong) => {
    expect(parseVatNumber(right)).toBe(right);
    expect(refusalOf(() => parseVatNumber(wrong)).code).toBe('INVALID_VAT_NUMBER');
  });

  it.each([
    ['che-123.456.788 mwst', 'CHE-123.456.788 MWST'],
    ['CHE123456788', 'CHE-123.456.788'],
    ['DE 123 456 789', 'DE123456789'],
    ['GR123456789', 'EL123456789'],
    [' nl123456789b01 ', 'NL123456789B01'],
    ['no 123 456 789 mva', 'NO 123 456 789 MVA'],
    ['', ''],
  ])('spells %j as %j', (text, spelled) => {
    expect(parseVatNumber(text)).toBe(spelled);
  });

  it.each(['CHE-123.456.78', 'CHE-123.456.788 VAT', 'DE123456789X', '?', 'A\nB', 'NO<1>'])(
    'refuses %j',
    (text) => {
      expect(refusalOf(() => parseVatNumber(text)).code).toBe('INVALID_VAT_NUMBER');
    },
  );

  // The last digits are 0, 2, 7 and 8; the sum of the first leaves nothing.
  const SWISS = ['CHE-116.281.710', 'CHE-100.155.212', 'CHE-107.787.577', 'CHE-123.456.788'];

  it('refuses every wrong digit and every swap of neighbours in a Swiss number', () => {
    for (const right of SWISS) expect(parseVatNumber(right)).toBe(right);
    const digits = fc.record({
      digits: fc.constantFrom(...SWISS).map((text) => text.replace(/\D/g, '')),
      at: fc.nat(8),
      digit: fc.integer({ min: 0, max: 9 }).map(String),
    });
    fc.assert(
      fc.property(digits, ({ digits: right, at, digit }) => {
        const wrong = right.slice(0, at) + digit + right.slice(at + 1);
        const [left = '', next = ''] = right.slice(at, at + 2);
        const swapped = right.slice(0, at) + next + left + right.slice(at + 2);
        for (const changed of [wrong, swapped]) {
          if (changed !== right) {
            const { code, message } = refusalOf(() => parseVatNumber(`CHE${changed}MWST`));
            expect({ code, message }).toEqual({
              code: 'INVALID_VAT_NUMBER',
              message: `"CHE${changed}MWST" is not a VAT number of CH: its check digit, the last one, does not fit.`,
            });
          }
        }
      }),
    );
  });

  it('says how a number of that country is written', () => {
    const { message, hint } = refusalOf(() => parseVatNumber('DE12345'));
    expect(message).toBe('"DE12345" is not a VAT number of DE.');
    expect(hint).toContain('DE123456789');
  });
});

describe('checkVatNumberIn', () => {
  it('wants to know who issued the number of a buyer in the Union or Switzerland', () => {
    const bare = parseVatNumber('123456789');
    expect(refusalOf(() => checkVatNumberIn(parseCountry('DE'), bare)).message).toContain('of DE');
    expect(refusalOf(() => checkVatNumberIn(parseCountry('EL'), bare)).hint).toContain('EL123456789');
    expect(() => checkVatNumberIn(parseCountry('US'), bare)).not.toThrow();
  });

  it('takes a number that another member state issued', () => {
    expect(() => checkVatNumberIn(parseCountry('DE'), parseVatNumber('ATU12345678'))).not.toThrow();
  });
});
