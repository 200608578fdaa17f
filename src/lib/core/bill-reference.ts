import { refuse } from './errors.ts';

/** How a person names a bill: by its number, or by the id that drafts have too. */
export type BillReference = { readonly number: number } | { readonly id: number };

const REFERENCE = /^(id:)?([1-9]\d{0,14})$/;

/**
 * Reads the name of a bill: `12` is the bill with that number, `id:12` the one with that id.
 * @throws INVALID_BILL_NUMBER
 */
export function parseBillReference(text: string): BillReference {
  const match = REFERENCE.exec(text);
  if (match === null) throw refuse.INVALID_BILL_NUMBER({ text });
  const value = Number(match[2]);
  return match[1] === undefined ? { number: value } : { id: value };
}

/** Writes the name of a bill as `parseBillReference` reads it. */
export function formatBillReference(reference: BillReference): string {
  return 'id' in reference ? `id:${reference.id}` : String(reference.number);
}
