import { refuse } from './errors.ts';

/** Text of one line without control characters, composed (Unicode NFC), without blanks at its ends. */
export type Line = string & { readonly rule: 'one line of text' };

/** The longest name, street or other line of an address, in characters. */
const LONGEST_LINE = 200;

const CONTROL = /\p{Cc}|\p{Zl}|\p{Zp}|\p{Cs}/u;

/**
 * Reads one line of text. Blanks at both ends are dropped; the empty line is allowed.
 * @param field its name in the refusal, as a column is written: `postal_code`
 * @throws INVALID_TEXT for line ends and other control characters, and for more than `longest` characters
 */
export function parseLine(field: string, text: string, longest: number = LONGEST_LINE): Line {
  const line = text.normalize('NFC').trim();
  if (CONTROL.test(line)) {
    throw refuse.INVALID_TEXT({ field, text, rule: 'it has a line end or another control character' });
  }
  if (line.length > longest && [...line].length > longest) {
    throw refuse.INVALID_TEXT({ field, text, rule: `it is longer than ${longest} characters` });
  }
  return line as Line;
}

/**
 * Reads one line of text as `parseLine` does, which may not be empty: a name.
 * @throws INVALID_TEXT
 */
export function parseName(field: string, text: string, longest: number = LONGEST_LINE): Line {
  const name = parseLine(field, text, longest);
  if (name === '') throw refuse.INVALID_TEXT({ field, text, rule: 'it is empty' });
  return name;
}
