import type { BillDocument } from './bill-document.ts';
import { isQrIban, remainder97 } from './iban.ts';
import type { Minor } from './money.ts';

/** A party of a payment, in the characters and lengths that the Swiss QR code takes. */
export interface PaymentParty {
  readonly name: string;
  readonly street: string;
  readonly postalCode: string;
  readonly city: string;
  readonly country: string;
}

/** What stands in a Swiss QR-bill. */
export interface Payment {
  readonly iban: string;
  readonly currency: 'CHF' | 'EUR';
  /** Above 0. */
  readonly amount: Minor;
  readonly reference: string;
  readonly creditor: PaymentParty;
  /** Null when the address is not complete: the payer writes it by hand. */
  readonly debtor: PaymentParty | null;
}

/** 999,999,999.99, the largest amount of a QR-bill (Swiss Implementation Guidelines for the QR-bill, 4.2.2). */
export const LARGEST_SLIP_AMOUNT = 99_999_999_999n;

/**
 * What the payment part of a bill says; null when the bill can have none: drafts, credit notes and bills of nothing,
 * other currencies than CHF and EUR, accounts outside of Switzerland and Liechtenstein, and sellers without an address.
 */
export function paymentOf(bill: BillDocument): Payment | null {
  const { number, currency, total, seller, buyer } = bill;
  const creditor = partyOf(seller.name, seller);
  if (number === null || creditor === null || !/^(CH|LI)/.test(seller.iban)) return null;
  if ((currency !== 'CHF' && currency !== 'EUR') || total <= 0n || total > LARGEST_SLIP_AMOUNT) return null;
  return {
    iban: seller.iban,
    currency,
    amount: total,
    reference: paymentReference(seller.iban, number),
    creditor,
    debtor: partyOf(buyer.organization || buyer.full_name, buyer),
  };
}

/** What a payer of a bill quotes: a QR reference goes with a QR-IBAN only, the creditor reference with all others. */
export function paymentReference(iban: string, number: number): string {
  return isQrIban(iban) ? qrReference(number) : creditorReference(number);
}

/** The reference for a QR-IBAN: 26 digits and the check digit of the recursive modulo 10. */
export function qrReference(number: number): string {
  const digits = String(number).padStart(26, '0');
  const carry = [...digits].reduce((sum, digit) => CARRIES[(sum + Number(digit)) % 10] ?? 0, 0);
  return `${digits}${(10 - carry) % 10}`;
}

const CARRIES = [0, 9, 4, 6, 8, 2, 7, 1, 3, 5];

/** The structured creditor reference of ISO 11649 for an ordinary IBAN: RF, two check digits, the number. */
export function creditorReference(number: number): string {
  const check = 98n - remainder97(`RF00${number}`);
  return `RF${String(check).padStart(2, '0')}${number}`;
}

/** The number of the bill that a reference of either kind names; null when it is not one of ours. */
export function billNumberOf(reference: string): number | null {
  const text = reference.replace(/\s/g, '').toUpperCase();
  const isCreditor = text.startsWith('RF');
  const digits = (isCreditor ? /^RF\d\d([1-9]\d{0,15})$/ : /^0*([1-9]\d{0,15})\d$/).exec(text)?.[1];
  const number = Number(digits ?? 0);
  const own = isCreditor ? creditorReference(number) : qrReference(number);
  return number > 0 && text === own ? number : null;
}

/** Writes a reference as on paper: a QR reference in groups of five from the right, another in groups of four. */
export function formatReference(reference: string): string {
  if (reference.startsWith('RF')) return reference.replace(/(.{4})(?=.)/g, '$1 ');
  return reference.replace(/(?=(.{5})+$)/g, ' ').trim();
}

function partyOf(
  name: string,
  address: { street: string; postal_code: string; city: string; country: string },
): PaymentParty | null {
  const party = {
    name: permitted(name, 70),
    street: permitted(address.street, 70),
    postalCode: permitted(address.postal_code, 16),
    city: permitted(address.city, 35),
    country: address.country,
  };
  const isComplete = party.name && party.postalCode && party.city && party.country;
  return isComplete ? party : null;
}

/**
 * The text in the characters of the QR-bill (Swiss Implementation Guidelines for the QR-bill, 4.1.1), cut to `longest`.
 */
function permitted(text: string, longest: number): string {
  return [...text.normalize('NFC').replace(/\s/g, ' ')]
    .map((character) => (/[ -~\u00a0-\u017f\u0218-\u021b€]/.test(character) ? character : '?'))
    .slice(0, longest)
    .join('')
    .trim();
}
