import { refuse } from './errors.ts';
import { type Line, parseLine } from './line.ts';

/** The name of a service account: of a program that acts for us, such as a controller. */
export type ServiceName = Line & { readonly for: 'service account' };

/**
 * Reads the name of a service account, of 1 to 200 characters.
 * @throws INVALID_TEXT
 */
export function parseServiceName(text: string): ServiceName {
  const name = parseLine('name', text);
  if (name === '') throw refuse.INVALID_TEXT({ field: 'name', text, rule: 'it is empty' });
  return name as ServiceName;
}
