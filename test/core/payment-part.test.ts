import { expect, it } from 'vitest';
import { isQrIban } from '../../src/lib/core/iban.ts';
import { LARGEST_SLIP_AMOUNT, paymentPartOf } from '../../src/lib/core/payment-part.ts';
import { aBill, aRecord, BUYER, IBAN, QR_IBAN, SELLER } from '../support/bill-document.ts';

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

it.each([
  ['a draft', aBill({ number: null })],
  ['a credit note', aBill({ total: -1081n })],
  ['a bill of nothing', aBill({ total: 0n })],
  ['more than a slip takes', aBill({ total: LARGEST_SLIP_AMOUNT + 1n })],
  ['another currency', aBill({ currency: 'USD', records: [aRecord({ currency: 'USD' })] })],
  ['an account abroad', aBill({ seller: { ...SELLER, iban: 'DE89370400440532013000' } })],
  ['a seller without a city', aBill({ seller: { ...SELLER, city: '' } })],
])('there is none for %s', (_, bill) => {
  expect(paymentPartOf(bill)).toBeNull();
});

it('there is one up to the largest amount, in euros, and for an account in Liechtenstein', () => {
  const seller = { ...SELLER, iban: 'LI21088100002324013AA' };
  expect(paymentPartOf(aBill({ total: LARGEST_SLIP_AMOUNT, currency: 'EUR', seller }))).toMatchObject({
    amount: LARGEST_SLIP_AMOUNT,
    currency: 'EUR',
  });
});

it.each(['organization', 'postal_code', 'city', 'country'] as const)(
  'the payer writes the address by hand that lacks its %s',
  (field) => {
    const buyer = { ...BUYER, full_name: '', [field]: '' };
    expect(paymentPartOf(aBill({ buyer }))?.debtor).toBeNull();
  },
);

it('a party is called as the person where there is no organization, and a street is cut too', () => {
  const buyer = { ...BUYER, organization: '', street: 'a'.repeat(71), city: 'b'.repeat(36) };
  expect(paymentPartOf(aBill({ buyer }))?.debtor).toMatchObject({
    name: 'Nico Muster',
    street: 'a'.repeat(70),
    city: 'b'.repeat(35),
  });
});
