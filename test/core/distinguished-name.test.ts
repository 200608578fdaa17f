import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalDn } from '../../src/lib/core/distinguished-name.ts';
import { CASES } from '../support/property.ts';

it('has one spelling for all spellings of a name', () => {
  const spellings = [
    'uid=nico,ou=people,dc=example,dc=net',
    'UID=Nico,OU=People,DC=Example,DC=NET',
    'uid = nico , ou=people, dc=example ,dc=net',
    'uid=\\6eico,ou=people,dc=example,dc=net',
    'uid=n\\69co,ou=peopl\\65,dc=example,dc=net',
  ];
  expect(new Set(spellings.map(canonicalDn)).size).toBe(1);
  expect(canonicalDn('cn=a+uid=b,dc=x')).toBe(canonicalDn('uid=b+cn=a,dc=x'));
  expect(canonicalDn('cn=M\\C3\\BCller')).toBe(canonicalDn('cn=müller'));
  expect(canonicalDn('cn=a\\,dc\\=x')).not.toBe(canonicalDn('cn=a,dc=x'));
  expect(canonicalDn('2.5.4.3=a')).not.toBeNull();
});

it.each([
  '',
  'nico',
  'uid=a,',
  ',uid=a',
  'uid=a,,dc=x',
  '=a',
  'u d=a',
  'uid=a"b',
  'uid=a;b',
  'cn=\\',
  'cn=\\zz',
  'cn=\\ff',
  'cn=a\0b',
])('takes %j for no name', (text) => {
  expect(canonicalDn(text)).toBeNull();
});

const type = fc.constantFrom('uid', 'CN', 'ou', 'dc', '2.5.4.3');
const rdn = fc.array(fc.tuple(type, fc.string({ unit: 'grapheme', maxLength: 12 })), {
  minLength: 1,
  maxLength: 2,
});

/** RFC 4514 §2.4, with every byte that may be escaped escaped at will. */
function write(rdns: readonly (readonly (readonly [string, string])[])[], asHex: boolean): string {
  const escaped = (value: string) =>
    asHex
      ? [...Buffer.from(value)].map((byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('')
      : value.replace(/[\\",+;<>=#]|^ | $/g, '\\$&').replaceAll('\0', '\\00');
  return rdns.map((parts) => parts.map(([name, value]) => `${name}=${escaped(value)}`).join('+')).join(',');
}

it('reads every name back, however it is escaped, and keeps different names apart', {
  timeout: 120_000,
}, () => {
  const names = fc.array(rdn, { minLength: 1, maxLength: 4 });
  const expected = (rdns: readonly (readonly (readonly [string, string])[])[]) =>
    rdns
      .map((parts) =>
        parts
          .map(([name, value]) => {
            const text = value.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
            return `${name.toLowerCase()}=${JSON.stringify(text)}`;
          })
          .sort()
          .join('+'),
      )
      .join(',');
  fc.assert(
    fc.property(names, fc.boolean(), (rdns, asHex) => {
      fc.pre(rdns.flat().every(([, value]) => value.isWellFormed()));
      expect(canonicalDn(write(rdns, asHex))).toBe(expected(rdns));
    }),
    { numRuns: CASES },
  );
});
