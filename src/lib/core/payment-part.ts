import type { BillDocument } from './bill-document.ts';
import type { Minor } from './money.ts';
import { paymentReference } from './payment-reference.ts';

/** A party of a payment part, in the characters and lengths that the Swiss QR code takes. */
export interface PaymentParty {
  readonly name: string;
  readonly street: string;
  readonly postalCode: string;
  readonly city: string;
  readonly country: string;
}

/** What stands in the payment part of a Swiss QR-bill. */
export interface PaymentPart {
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
export function paymentPartOf(bill: BillDocument): PaymentPart | null {
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
