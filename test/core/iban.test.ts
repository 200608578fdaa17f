import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatIban, parseIban } from '../../src/lib/core/iban.ts';
import { refusalOf } from '../support/refusal.ts';

/** Examples that the banks of these countries publish in SWIFT's registry. */
const PUBLISHED = [
  'AT61 1904 3002 3457 3201',
  'CH93 0076 2011 6238 5295 7',
  'DE89 3704 0044 0532 0130 00',
  'FR14 2004 1010 0505 0001 3M02 606',
  'LI21 0881 0000 2324 013A A',
  'ME25 5050 0001 2345 6789 51',
  'MK07 2501 2000 0058 984',
  'MT84 MALT 0110 0001 2345 MTLC AST0 01S',
  'NO93 8601 1117 947',
];

describe('parseIban', () => {
  it.each(PUBLISHED)('takes %s', (text) => {
    const iban = parseIban(text);
    expect(iban).toBe(text.replaceAll(' ', ''));
    expect(formatIban(iban)).toBe(text);
    expect(parseIban(iban.toLowerCase())).toBe(iban);
  });

  it('refuses every single wrong digit and every swap of different neighbours', () => {
    const digits = fc.record({
      text: fc.constantFrom(...PUBLISHED).map((text) => text.replaceAll(' ', '')),
      at: fc.nat(40),
      digit: fc.integer({ min: 0, max: 9 }).map(String),
    });
    fc.assert(
      fc.property(digits, ({ text, at, digit }) => {
        const place = 2 + (at % (text.length - 3));
        const wrong = text.slice(0, place) + digit + text.slice(place + 1);
        const [left = '', right = ''] = text.slice(place, place + 2);
        const swapped = text.slice(0, place) + right + left + text.slice(place + 2);
        for (const changed of [wrong, swapped]) {
          if (changed !== text) expect(refusalOf(() => parseIban(changed)).code).toBe('INVALID_IBAN');
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('says what is wrong', () => {
    expect(refusalOf(() => parseIban('CH93 0076 2011 6238 5295')).message).toContain('21 characters, not 20');
    expect(refusalOf(() => parseIban('CH93 0076 2011 6238 5295 8')).message).toContain('check digits');
    expect(refusalOf(() => parseIban('9300762011623852957')).message).toContain('a country, two digits');
    expect(parseIban('')).toBe('');
  });
});
