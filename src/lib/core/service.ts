import { type Line, parseName } from './line.ts';

/** The name of a service account: of a program that acts for us, such as a controller. */
export type ServiceName = Line & { readonly for: 'service account' };

/**
 * Reads the name of a service account, of 1 to 200 characters.
 * @throws INVALID_TEXT
 */
export function parseServiceName(text: string): ServiceName {
  return parseName('name', text) as ServiceName;
}
