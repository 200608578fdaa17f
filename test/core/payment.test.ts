import fc from 'fast-check';
import { isQRReferenceValid, isSCORReferenceValid } from 'swissqrbill/utils';
import { expect, it } from 'vitest';
import { isQrIban } from '../../src/lib/core/iban.ts';
import {
  billNumberOf,
  creditorReference,
  formatReference,
  paymentOf,
  qrReference,
} from '../../src/lib/core/payment.ts';
import { aBill, BUYER, IBAN, QR_IBAN, SELLER } from '../support/bill-document.ts';

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

it('an account takes one kind of reference and not the other', () => {
  expect(isQrIban(QR_IBAN)).toBe(true);
  expect(isQrIban(IBAN)).toBe(false);
  expect(isQrIban('LI2130999123000889012')).toBe(true);
  expect(isQrIban('CH5132000123000889012')).toBe(false);
  expect(isQrIban('DE89370400440532013000')).toBe(false);
  expect(paymentOf(aBill())).toMatchObject({ reference: 'RF6812', amount: 1081n, currency: 'CHF' });
  const seller = { ...SELLER, iban: QR_IBAN };
  expect(paymentOf(aBill({ seller }))?.reference).toBe('000000000000000000000000121');
});

it('a party is cut to what a slip takes, in its characters', () => {
  const buyer = {
    ...BUYER,
    organization: 'Zu\u0308rich\nŁ漢'.repeat(20),
    street: '',
    postal_code: '1'.repeat(20),
  };
  expect(paymentOf(aBill({ buyer }))?.debtor).toEqual({
    name: 'Zürich Ł?'.repeat(20).slice(0, 70).trim(),
    street: '',
    postalCode: '1'.repeat(16),
    city: 'Zürich',
    country: 'CH',
  });
});
