import { compactVatNumber } from './vat-number.ts';

/** Where a party takes electronic documents: an identifier in a scheme of the code list EAS. */
export interface ElectronicAddress {
  readonly scheme: string;
  readonly identifier: string;
}

/**
 * The schemes of Peppol that identify a business by its VAT number (Policy for use of identifiers, code list of
 * participant identifier schemes), by the letters of the number.
 */
const SCHEMES: Readonly<Record<string, string>> = {
  AT: '9914',
  BG: '9926',
  CH: '9927',
  CY: '9928',
  CZ: '9929',
  DE: '9930',
  DK: '0184',
  EE: '9931',
  EL: '9933',
  ES: '9920',
  FI: '0213',
  FR: '9957',
  GB: '9932',
  HR: '9934',
  HU: '9910',
  IE: '9935',
  IT: '0211',
  LT: '9937',
  LU: '9938',
  LV: '9939',
  MT: '9943',
  NL: '9944',
  PL: '9945',
  PT: '9946',
  RO: '9947',
  SI: '9949',
  SK: '9950',
};

/** The address that a VAT number gives a business in Peppol; null when its country has no such scheme. */
export function electronicAddressOf(vatNumber: string): ElectronicAddress | null {
  const identifier = compactVatNumber(vatNumber);
  if (identifier.startsWith('BE')) return belgian(identifier.slice(2));
  const scheme = SCHEMES[identifier.slice(0, 2)];
  return scheme === undefined ? null : { scheme, identifier };
}

/** Belgian businesses are known by their enterprise number, whose last two digits check the others (modulo 97). */
function belgian(number: string): ElectronicAddress | null {
  const fits = 97 - (Number(number.slice(0, 8)) % 97) === Number(number.slice(8));
  return fits ? { scheme: '0208', identifier: number } : null;
}
