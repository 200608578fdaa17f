import { refuse } from './errors.ts';

/** An International Bank Account Number without blanks, or empty when none is known. */
export type Iban = string & { readonly standard: 'ISO 13616, or empty' };

/** The length of an IBAN by its country, for the countries of the Single Euro Payments Area (SWIFT's registry). */
const LENGTHS = new Map(
  `AD24 AL28 AT20 BE16 BG22 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GI23 GR27 HR21 HU28 IE22 IS26
   IT27 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MT31 NL18 NO15 PL28 PT25 RO24 RS22 SE24 SI19 SK24 SM27 VA22`
    .split(/\s+/)
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

const IBAN = /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/;

/**
 * Reads an IBAN, with or without blanks; empty for none. Shape, length and check digits (ISO 7064, MOD 97-10) must
 * be right.
 * @throws INVALID_IBAN
 */
export function parseIban(text: string): Iban {
  const iban = text.replace(/\s/g, '').toUpperCase();
  if (iban === '') return iban as Iban;
  if (!IBAN.test(iban)) {
    throw refuse.INVALID_IBAN({
      text,
      rule: 'it is not a country, two digits and 11 to 30 letters or digits',
    });
  }
  const country = iban.slice(0, 2);
  const length = LENGTHS.get(country) ?? iban.length;
  if (iban.length !== length) {
    throw refuse.INVALID_IBAN({
      text,
      rule: `one of ${country} has ${length} characters, not ${iban.length}`,
    });
  }
  if (remainder97(iban) !== 1n) throw refuse.INVALID_IBAN({ text, rule: 'its check digits do not fit' });
  return iban as Iban;
}

/** Writes an IBAN as on paper, in groups of four. */
export function formatIban(iban: string): string {
  return iban.replace(/(.{4})(?=.)/g, '$1 ');
}

/**
 * Whether an account is one for payments with a QR reference: the numbers of institutions from 30000 to 31999 in
 * Switzerland and Liechtenstein are kept for them (Swiss Implementation Guidelines for the QR-bill, 4.2.2).
 */
export function isQrIban(iban: string): boolean {
  return /^(CH|LI)\d{2}3[01]/.test(iban);
}

/**
 * MOD 97-10 of ISO 7064, as ISO 13616 and ISO 11649 use it: the first four characters go to the end, letters become
 * 10 to 35; a valid IBAN or creditor reference leaves 1.
 */
export function remainder97(iban: string): bigint {
  const moved = iban.slice(4) + iban.slice(0, 4);
  return BigInt([...moved].map((character) => Number.parseInt(character, 36)).join('')) % 97n;
}
