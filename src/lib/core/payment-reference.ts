import { isQrIban, remainder97 } from './iban.ts';

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
