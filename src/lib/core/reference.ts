import { parseId } from './id.ts';
import { type Line, parseName } from './line.ts';

/** The unique name under which the world outside knows an order, 1 to 150 characters. */
export type Reference = Line & { readonly role: 'reference' };

/** What an order is found by. */
export type OrderKey = { readonly id: number } | { readonly reference: Reference };

const LONGEST_REFERENCE = 150;
const REFERENCE_PREFIX = 'ref:';

/**
 * Reads the reference of an order.
 * @throws INVALID_TEXT
 */
export function parseReference(text: string): Reference {
  return parseName('reference', text, LONGEST_REFERENCE) as Reference;
}

/**
 * Reads what names an order: digits are its id, `ref:X` is its reference X, and anything else is a reference.
 * @throws INVALID_TEXT
 */
export function parseOrderKey(text: string): OrderKey {
  if (/^\d+$/.test(text)) return { id: parseId(text) };
  const isMarked = text.startsWith(REFERENCE_PREFIX);
  return { reference: parseReference(isMarked ? text.slice(REFERENCE_PREFIX.length) : text) };
}
