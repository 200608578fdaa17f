import { refuse } from './errors.ts';

const ID = /^(?:id:)?([1-9]\d{0,15})$/;

/**
 * Reads the id of a stored object: a whole number from 1 to 2^53 − 1, alone or after `id:`.
 * @throws INVALID_ID
 */
export function parseId(text: string): number {
  const id = Number(ID.exec(text)?.[1]);
  if (!Number.isSafeInteger(id)) throw refuse.INVALID_ID({ text });
  return id;
}
