import type { Country } from './country.ts';
import { refuse } from './errors.ts';

/** A VAT identification number in its official spelling, or empty when none is known. */
export type VatNumber = string & { readonly rule: 'VAT number or empty' };

interface Format {
  readonly pattern: RegExp;
  readonly example: string;
}

/**
 * How the numbers of a prefix look: the member states as the European Commission's VIES describes them, Northern
 * Ireland (XI), Great Britain, and the Swiss UID with or without its VAT ending (UIDV Art. 5, MWSTG Art. 66).
 */
const FORMATS: Readonly<Record<string, Format>> = {
  AT: { pattern: /^ATU\d{8}$/, example: 'ATU12345678' },
  BE: { pattern: /^BE[01]\d{9}$/, example: 'BE0123456789' },
  BG: { pattern: /^BG\d{9,10}$/, example: 'BG123456789' },
  CH: { pattern: /^CHE\d{9}(MWST|TVA|IVA)?$/, example: 'CHE-123.456.788' },
  CY: { pattern: /^CY\d{8}[A-Z]$/, example: 'CY12345678X' },
  CZ: { pattern: /^CZ\d{8,10}$/, example: 'CZ12345678' },
  DE: { pattern: /^DE\d{9}$/, example: 'DE123456789' },
  DK: { pattern: /^DK\d{8}$/, example: 'DK12345678' },
  EE: { pattern: /^EE\d{9}$/, example: 'EE123456789' },
  EL: { pattern: /^EL\d{9}$/, example: 'EL123456789' },
  ES: { pattern: /^ES(?=.*[A-Z].*$)[A-Z0-9]\d{7}[A-Z0-9]$/, example: 'ESX12345678' },
  FI: { pattern: /^FI\d{8}$/, example: 'FI12345678' },
  FR: { pattern: /^FR[A-HJ-NP-Z0-9]{2}\d{9}$/, example: 'FR12345678901' },
  GB: { pattern: /^GB(\d{9}|\d{12}|GD[0-4]\d{2}|HA[5-9]\d{2})$/, example: 'GB123456789' },
  HR: { pattern: /^HR\d{11}$/, example: 'HR12345678901' },
  HU: { pattern: /^HU\d{8}$/, example: 'HU12345678' },
  IE: { pattern: /^IE(\d[A-Z0-9+*]\d{5}[A-Z]|\d{7}[A-W][A-I])$/, example: 'IE1234567WA' },
  IT: { pattern: /^IT\d{11}$/, example: 'IT12345678901' },
  LT: { pattern: /^LT(\d{9}|\d{12})$/, example: 'LT123456789' },
  LU: { pattern: /^LU\d{8}$/, example: 'LU12345678' },
  LV: { pattern: /^LV\d{11}$/, example: 'LV12345678901' },
  MT: { pattern: /^MT\d{8}$/, example: 'MT12345678' },
  NL: { pattern: /^NL[A-Z0-9+*]{9}B\d{2}$/, example: 'NL123456789B01' },
  PL: { pattern: /^PL\d{10}$/, example: 'PL1234567890' },
  PT: { pattern: /^PT\d{9}$/, example: 'PT123456789' },
  RO: { pattern: /^RO\d{2,10}$/, example: 'RO1234567890' },
  SE: { pattern: /^SE\d{12}$/, example: 'SE123456789001' },
  SI: { pattern: /^SI\d{8}$/, example: 'SI12345678' },
  SK: { pattern: /^SK\d{10}$/, example: 'SK1234567890' },
  XI: { pattern: /^XI(\d{9}|\d{12}|GD[0-4]\d{2}|HA[5-9]\d{2})$/, example: 'XI123456789' },
};

/** Countries whose numbers begin with other letters than their ISO code (Directive 2006/112/EC Art. 215). */
const PREFIX_OF: Readonly<Record<string, string>> = { GR: 'EL', MC: 'FR' };

const ELSEWHERE = /^[A-Z0-9][A-Z0-9 ./-]{1,29}$/;

/**
 * Reads a VAT number; empty for none. Blanks, dots and hyphens may stand anywhere in numbers of the EU, Great
 * Britain and Switzerland; the official spelling comes back: `DE123456789`, `CHE-123.456.788 MWST`.
 * Numbers of other countries are kept as written, in upper case. The shape is checked and, of Swiss numbers, the check
 * digit; the register is not asked.
 * @throws INVALID_VAT_NUMBER
 */
export function parseVatNumber(text: string): VatNumber {
  const upper = text.trim().toUpperCase();
  if (upper === '') return upper as VatNumber;
  const compact = compactVatNumber(upper).replace(/^GR(?=\d)/, 'EL');
  const prefix = compact.slice(0, 2);
  const format = FORMATS[prefix];
  if (format === undefined) {
    if (!ELSEWHERE.test(upper))
      throw refuse.INVALID_VAT_NUMBER({ text, prefix: null, example: 'DE123456789' });
    return upper as VatNumber;
  }
  if (!format.pattern.test(compact)) {
    throw refuse.INVALID_VAT_NUMBER({ text, prefix, example: format.example });
  }
  if (prefix !== 'CH') return compact as VatNumber;
  if (!isSwissDigitRight(compact.slice(3, 12))) {
    throw refuse.INVALID_VAT_NUMBER({ text, prefix, example: format.example, isDigitWrong: true });
  }
  return spellSwiss(compact) as VatNumber;
}

/** A VAT number as machines exchange it: `CHE-123.456.788 MWST` is `CHE123456788MWST`. */
export function compactVatNumber(vatNumber: string): string {
  return vatNumber.replace(/[\s.-]/g, '');
}

/**
 * Checks that the number of somebody in `country` begins with letters that say who issued it. Any known letters
 * do, as a business may be registered in another country than the one it is in.
 * @throws INVALID_VAT_NUMBER
 */
export function checkVatNumberIn(country: Country, number: VatNumber): void {
  const expected = FORMATS[PREFIX_OF[country] ?? country];
  if (number === '' || expected === undefined || FORMATS[number.slice(0, 2)] !== undefined) return;
  throw refuse.INVALID_VAT_NUMBER({ text: number, prefix: country, example: expected.example });
}

const SWISS_WEIGHTS = [5, 4, 3, 2, 7, 6, 5, 4];

/**
 * Whether the ninth digit of a UID fits the eight before it (eCH-0097: modulo 11; what would need a 10 is not issued).
 */
function isSwissDigitRight(digits: string): boolean {
  const sum = SWISS_WEIGHTS.reduce((total, weight, at) => total + weight * Number(digits[at]), 0);
  return (11 - (sum % 11)) % 11 === Number(digits[8]);
}

/** CHE123456788MWST → CHE-123.456.788 MWST */
function spellSwiss(compact: string): string {
  return compact.replace(/^CHE(\d{3})(\d{3})(\d{3})(\D*)$/, 'CHE-$1.$2.$3 $4').trimEnd();
}
