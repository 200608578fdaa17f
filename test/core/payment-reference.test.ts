import fc from 'fast-check';
import { isQRReferenceValid, isSCORReferenceValid } from 'swissqrbill/utils';
import { expect, it } from 'vitest';
import {
  billNumberOf,
  creditorReference,
  formatReference,
  qrReference,
} from '../../src/lib/core/payment-reference.ts';

it('references have the check digits of their standards', () => {
  // The example of ISO 11649; the checks of another implementation do the rest.
  expect(creditorReference(539_007_547_034)).toBe('RF18539007547034');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (number) => {
      expect(isSCORReferenceValid(creditorReference(number))).toBe(true);
      expect(isQRReferenceValid(qrReference(number))).toBe(true);
    }),
  );
});

it('references are read back, and nothing else is taken for one', () => {
  expect(billNumberOf('RF18 5390 0754 7034')).toBe(539_007_547_034);
  expect(billNumberOf('00 00000 00000 00000 00000 00121')).toBe(12);
  const others = ['', '0', 'RF', 'RF6912', 'RF680012', '121', '000000000000000000000000122', 'RF18a', '12'];
  const foreign = ['210000000003139471430009017', 'RF18539007547034000', qrReference(0), 'rf68 12x'];
  for (const text of [...others, ...foreign]) expect(billNumberOf(text), text).toBeNull();
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (number) => {
      expect(billNumberOf(formatReference(creditorReference(number)))).toBe(number);
      expect(billNumberOf(formatReference(qrReference(number)))).toBe(number);
    }),
  );
});

it('references are written in groups', () => {
  expect(formatReference('RF18539007547034')).toBe('RF18 5390 0754 7034');
  expect(formatReference('210000000003139471430009017')).toBe('21 00000 00003 13947 14300 09017');
});
