import { expect, it } from 'vitest';
import { isQrIban } from '../../src/lib/core/iban.ts';
import { paymentPartOf } from '../../src/lib/core/payment-part.ts';
import { aBill, BUYER, IBAN, QR_IBAN, SELLER } from '../support/bill-document.ts';

it('an account takes one kind of reference and not the other', () => {
  expect(isQrIban(QR_IBAN)).toBe(true);
  expect(isQrIban(IBAN)).toBe(false);
  expect(isQrIban('LI2130999123000889012')).toBe(true);
  expect(isQrIban('CH5132000123000889012')).toBe(false);
  expect(isQrIban('DE89370400440532013000')).toBe(false);
  expect(paymentPartOf(aBill())).toMatchObject({ reference: 'RF6812', amount: 1081n, currency: 'CHF' });
  const seller = { ...SELLER, iban: QR_IBAN };
  expect(paymentPartOf(aBill({ seller }))?.reference).toBe('000000000000000000000000121');
});

it('a party is cut to what a slip takes, in its characters', () => {
  const buyer = {
    ...BUYER,
    organization: 'Zu\u0308rich\nŁ漢'.repeat(20),
    street: '',
    postal_code: '1'.repeat(20),
  };
  expect(paymentPartOf(aBill({ buyer }))?.debtor).toEqual({
    name: 'Zürich Ł?'.repeat(20).slice(0, 70).trim(),
    street: '',
    postalCode: '1'.repeat(16),
    city: 'Zürich',
    country: 'CH',
  });
});
