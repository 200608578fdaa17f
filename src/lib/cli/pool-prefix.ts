import { EXIT, refuse, UserError } from '../core/errors.ts';
import { parsePrefix } from '../core/parse-prefix.ts';
import type { Prefix } from '../core/prefix.ts';

/**
 * The prefix of a new pool, which is the argument or, in the older spelling, an address and a length apart.
 * @throws USAGE when it is given twice or not at all; INVALID_PREFIX, HOST_BITS_SET
 */
export function poolPrefix(
  prefix: Prefix | undefined,
  { network, 'network-size': size }: { network?: string | undefined; 'network-size'?: number | undefined },
): Prefix {
  if (prefix !== undefined && network === undefined) return prefix;
  if (prefix !== undefined || network === undefined) {
    const message = 'Give the prefix once: as PREFIX, or as --network with --network-size.';
    throw refuse.USAGE({ message, command: 'uncloud vpn pool create' });
  }
  try {
    return parsePrefix(size === undefined ? network : `${network}/${size}`);
  } catch (error) {
    throw error instanceof UserError ? error.withExit(EXIT.USAGE) : error;
  }
}
