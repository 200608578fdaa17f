import { refuse } from './errors.ts';

/**
 * Reads true or false as files write them; yes and no, 1 and 0 count too.
 * @throws INVALID_BOOLEAN naming the field
 */
export function parseBoolean(field: string, text: string): boolean {
  if (['true', 'yes', '1'].includes(text)) return true;
  if (['false', 'no', '0'].includes(text)) return false;
  throw refuse.INVALID_BOOLEAN({ field, text });
}
