import { refuse } from './errors.ts';

/** A name that Linux and wg-quick accept for a network interface. */
export type InterfaceName = string & { readonly rule: 'Linux interface name' };

/** A UDP port that WireGuard listens on, 1 to 65535. */
export type ListenPort = number & { readonly rule: 'UDP port' };

/** wg-quick's own rule; Linux also takes other characters, and at most 15 (IFNAMSIZ less the final NUL). */
const NAME = /^[a-zA-Z0-9_=+.-]{1,15}$/;
/**
 * `lo` exists everywhere, the kernel refuses `all` and `default` (names of /proc/sys/net/ipv6/conf), and
 * `wg show` reads `all` and `interfaces` as words of its own.
 */
const RESERVED = new Set(['.', '..', 'lo', 'all', 'default', 'interfaces']);

const FIRST_PORT = 51_820;
const LAST_PORT = 65_535;

/**
 * Reads the name of a WireGuard interface. One that starts with `-` would be read as an option.
 * @throws INVALID_INTERFACE_NAME
 */
export function parseInterfaceName(text: string): InterfaceName {
  if (!NAME.test(text)) {
    throw refuse.INVALID_INTERFACE_NAME({ text, rule: 'it has 1 to 15 letters, digits and _ = + . - only' });
  }
  if (text.startsWith('-'))
    throw refuse.INVALID_INTERFACE_NAME({ text, rule: 'it may not start with a hyphen' });
  if (RESERVED.has(text))
    throw refuse.INVALID_INTERFACE_NAME({ text, rule: 'the system uses this word itself' });
  return text as InterfaceName;
}

/** Whether a WireGuard interface can have this name. */
export function isInterfaceName(text: string): text is InterfaceName {
  return NAME.test(text) && !text.startsWith('-') && !RESERVED.has(text);
}

/** The first of `wg0`, `wg1`, … that no pool of the host has. */
export function nextInterfaceName(taken: Iterable<string>): InterfaceName {
  const names = new Set(taken);
  let number = 0;
  while (names.has(`wg${number}`)) number += 1;
  return `wg${number}` as InterfaceName;
}

/**
 * Reads a listen port, 1 to 65535.
 * @throws INVALID_PORT
 */
export function parseListenPort(text: string): ListenPort {
  const port = Number(text);
  if (!/^[1-9]\d{0,4}$/.test(text) || port > LAST_PORT) throw refuse.INVALID_PORT({ text });
  return port as ListenPort;
}

/**
 * The first port from 51820, WireGuard's customary one, that no pool of the host has.
 * @throws NO_FREE_PORT when all up to 65535 are taken
 */
export function nextListenPort(taken: Iterable<number>): ListenPort {
  const ports = new Set(taken);
  for (let port = FIRST_PORT; port <= LAST_PORT; port += 1) {
    if (!ports.has(port)) return port as ListenPort;
  }
  throw refuse.NO_FREE_PORT({ first: FIRST_PORT, last: LAST_PORT });
}
