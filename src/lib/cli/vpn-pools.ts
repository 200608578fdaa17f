import { Flags } from '@oclif/core';
import { EXIT, refuse, UserError } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { parseInterfaceName, parseListenPort } from '../core/interface-name.ts';
import { parsePrefix } from '../core/parse-prefix.ts';
import { formatPrefix, type Prefix } from '../core/prefix.ts';
import { capacityOf } from '../core/vpn-pool.ts';
import type { StoredPool } from '../io/db/vpn-pools.ts';
import type { MovedPool } from '../ops/vpn-pools.ts';
import { parsed } from './flags.ts';
import { counted } from './sentence.ts';
import { type Cell, isPlain, renderTable, right, terminalWidth } from './table.ts';
import { drawUsage } from './usage-map.ts';

/** The name of a network interface. */
export const interfaceName = parsed('NAME', parseInterfaceName);

/** A UDP port. */
export const listenPort = parsed('PORT', parseListenPort);

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

const PRIVATE_KEY_FLAGS = ['private-key-file', 'generate-key'];

/** Where the private key of a pool comes from; one of them has to be given. */
export function privateKeyFlags(key: string) {
  return {
    'private-key-file': Flags.string({
      helpValue: 'FILE|-',
      summary: `Read ${key} from a file (mode 0600) or from standard input`,
      exactlyOne: PRIVATE_KEY_FLAGS,
    }),
    'generate-key': Flags.boolean({ summary: 'Make a private key', exactlyOne: PRIVATE_KEY_FLAGS }),
  };
}

/** A pool as `--json` gives it. */
export function poolDocument(pool: StoredPool) {
  return {
    id: pool.id,
    network: formatPrefix(pool.prefix),
    subnetwork_size: pool.subnetworkSize,
    hostname: pool.hostname,
    interface: pool.interface,
    listen_port: pool.listenPort,
    public_key: pool.publicKey,
    capacity: capacityOf(pool).toString(),
    used: pool.used.toString(),
    created_at: formatInstant(pool.createdAt),
  };
}

/** Pools as a table. */
export function poolTable(pools: readonly StoredPool[]): string {
  return renderTable(
    [
      right('id'),
      { title: 'network' },
      { title: 'size' },
      { title: 'hostname', yields: true },
      { title: 'interface', spare: 2 },
      { ...right('port'), spare: 1 },
      right('used'),
      right('free'),
    ],
    pools.map((pool) => [
      pool.id,
      formatPrefix(pool.prefix),
      `/${pool.subnetworkSize}`,
      pool.hostname,
      pool.interface,
      pool.listenPort,
      pool.used.toString(),
      (capacityOf(pool) - pool.used).toString(),
    ]),
  );
}

/** A pool as a reader sees it. */
export function poolFields(pool: StoredPool): Record<string, Cell> {
  const capacity = capacityOf(pool);
  const thousandths = (2000n * pool.used + capacity) / (2n * capacity);
  const released = pool.nextSlot - pool.used;
  return {
    Id: pool.id,
    Network: formatPrefix(pool.prefix),
    Hostname: pool.hostname,
    Interface: pool.interface,
    'Listen port': pool.listenPort,
    'Public key': pool.publicKey,
    Created: formatInstant(pool.createdAt),
    Used: `${pool.used} of ${capacity} /${pool.subnetworkSize} (${thousandths / 10n}.${thousandths % 10n} %)`,
    Free: `${capacity - pool.used} /${pool.subnetworkSize}${released > 0n ? `, ${released} of them lent before` : ''}`,
  };
}

/** Where clients of a pool connect to. */
export function endpointOf({ hostname, listenPort }: Pick<StoredPool, 'hostname' | 'listenPort'>): string {
  return `${hostname}:${listenPort}`;
}

/** How many clients a pool has, as a sentence says it. */
export function clientsOf({ used }: Pick<StoredPool, 'used'>): string {
  return counted(used, 'client');
}

/** What follows from serving a pool elsewhere, as whole sentences. */
export function moveAdvice({ pool, before, leftBehind }: MovedPool): string[] {
  const advice: string[] = [];
  if (pool.hostname !== before.hostname) {
    const old = before.hostname;
    advice.push(
      leftBehind > 0
        ? `The next run of uncloud vpn on ${old} ends the tunnels of this pool there; if its brake holds them: --prune.`
        : `${old} serves no other pool: its runs are refused and leave ${before.interface} up. Remove it there by hand.`,
    );
  }
  if (pool.interface !== before.interface && pool.hostname === before.hostname) {
    advice.push(
      `The next run of uncloud vpn there puts ${pool.interface} in the place of ${before.interface}: clients notice a pause.`,
    );
  }
  if (endpointOf(pool) !== endpointOf(before) && pool.used > 0n) {
    advice.push(
      `${endpointOf(pool)} takes the place of ${endpointOf(before)} for its ${clientsOf(pool)}: send each its new file, of uncloud vpn network config ID.`,
    );
  }
  return advice;
}

/** Which slots of a pool are used, as wide as the terminal. */
export function poolUsage(pool: StoredPool, usedSlots: readonly bigint[]): string {
  return drawUsage(pool, usedSlots, { width: terminalWidth(), plain: isPlain() });
}
