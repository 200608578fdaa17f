import { Flags } from '@oclif/core';
import { escapeControl } from '../core/escape-control.ts';
import type { Change } from '../core/host-plan.ts';
import { parseHostname } from '../core/hostname.ts';
import { formatInstant, type Instant } from '../core/instant.ts';
import { parseInterfaceName, parseListenPort } from '../core/interface-name.ts';
import { formatPrefix } from '../core/prefix.ts';
import { capacityOf } from '../core/vpn-pool.ts';
import { parsePublicKey } from '../core/wireguard-key.ts';
import type { LentNetwork, StoredPool } from '../io/db/vpn.ts';
import type { InterfaceOutcome } from '../ops/vpn-host.ts';
import type { MovedPool } from '../ops/vpn-pools.ts';
import type { Tunnel } from '../ops/vpn-status.ts';
import { refusalDocument } from './document.ts';
import { parsed } from './flags.ts';
import { counted } from './sentence.ts';
import { type Cell, isPlain, renderTable, right, terminalWidth, toDay } from './table.ts';
import { drawUsage } from './usage-map.ts';

/** The fully qualified name of a VPN host. */
export const hostname = parsed('FQDN', parseHostname);

/** The public key of a client. */
export const publicKey = parsed('KEY', parsePublicKey);

/** The name of a network interface. */
export const interfaceName = parsed('NAME', parseInterfaceName);

/** A UDP port. */
export const listenPort = parsed('PORT', parseListenPort);

/** The length of a prefix. */
export function prefixLength(options: { summary: string; dependsOn?: string[]; aliases?: string[] }) {
  return Flags.integer({ helpValue: 'LENGTH', min: 0, max: 128, ...options });
}

/** The id of a pool. */
export function poolId(summary: string) {
  return Flags.integer({ helpValue: 'ID', min: 1, summary });
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

/** A network as `--json` gives it. */
export function networkDocument(network: LentNetwork) {
  return {
    id: network.id,
    network: network.network,
    username: network.username,
    pool_id: network.poolId,
    public_key: network.publicKey,
    reference: network.reference,
    created_at: formatInstant(network.createdAt),
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

/** Networks as a sentence names them, of which there is at least one. */
export function networksName(networks: readonly LentNetwork[]): string {
  const [first, ...others] = networks;
  if (others.length === 0) return `network ${first?.id}, ${first?.network} of ${first?.username}`;
  const users = new Set(networks.map(({ username }) => username)).size;
  return `${networks.length} networks of ${users === 1 ? first?.username : `${users} users`}`;
}

/** Networks as a table. */
export function networkTable(networks: readonly LentNetwork[]): string {
  return renderTable(
    [
      right('id'),
      { title: 'network' },
      { title: 'user' },
      { ...right('pool'), spare: 2 },
      { title: 'public key', yields: true, spare: 1 },
      { title: 'created', shorten: toDay },
      { title: 'reference', yields: true },
    ],
    networks.map((network) => [
      network.id,
      network.network,
      network.username,
      network.poolId,
      network.publicKey,
      formatInstant(network.createdAt),
      network.reference,
    ]),
  );
}

/** A network as a reader sees it. */
export function networkFields(network: LentNetwork, pool: StoredPool): Record<string, Cell> {
  return {
    Id: network.id,
    Network: network.network,
    User: network.username,
    'Public key': network.publicKey,
    Reference: network.reference,
    Created: formatInstant(network.createdAt),
    Pool: `${pool.id}, ${formatPrefix(pool.prefix)}`,
    Endpoint: endpointOf(pool),
    'Public key of the pool': pool.publicKey,
  };
}

/** What a run does with an interface, as `--json` gives it. */
export function interfaceDocument({
  interface: name,
  poolId: id,
  changes,
  applied,
  refused,
  warnings,
}: InterfaceOutcome) {
  return {
    interface: name,
    pool_id: id,
    changes,
    applied,
    refused: refused.map(refusalDocument),
    warnings,
  };
}

/** So many changes of one kind are listed one by one; cron mails all that a run prints. */
const LISTED_CHANGES = 20;

/**
 * Changes as lines: `wg0: add peer KEY`, and `wg0: add 209 peers` for more than twenty of one kind.
 * @param all list every one, however many there are
 */
export function changeLines(name: string, changes: readonly Change[], { all }: { all: boolean }): string[] {
  const groups = Map.groupBy(changes, ({ action, kind }) => `${action} ${kind}`);
  return [...groups.values()].flatMap((group) =>
    all || group.length <= LISTED_CHANGES
      ? group.map((change) => changeLine(name, change))
      : `${name}: ${group[0]?.action} ${group.length} ${group[0]?.kind.replaceAll('_', ' ')}s`,
  );
}

function changeLine(name: string, { action, kind, subject }: Change): string {
  return escapeControl(`${name}: ${action} ${kind.replaceAll('_', ' ')} ${subject}`);
}

/** A tunnel as `--json` gives it. */
export function tunnelDocument({ latestHandshake, networkId, publicKey, received, sent, ...tunnel }: Tunnel) {
  return {
    network_id: networkId,
    network: tunnel.network,
    public_key: publicKey,
    interface: tunnel.interface,
    state: tunnel.state,
    latest_handshake: latestHandshake === null ? null : formatInstant(latestHandshake),
    endpoint: tunnel.endpoint,
    received_bytes: received,
    sent_bytes: sent,
  };
}

/** Tunnels as a table. */
export function tunnelTable(tunnels: readonly Tunnel[], now: Instant): string {
  return renderTable(
    [
      right('id'),
      { title: 'network' },
      { title: 'interface' },
      { title: 'state' },
      right('handshake'),
      right('received'),
      right('sent'),
    ],
    tunnels.map((tunnel) => [
      tunnel.networkId,
      tunnel.network,
      tunnel.interface,
      tunnel.state,
      tunnel.latestHandshake === null ? null : ago(Math.max(0, now - tunnel.latestHandshake)),
      bytes(tunnel.received),
      bytes(tunnel.sent),
    ]),
  );
}

function ago(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const;
  const [unit, size] = units.find(([, inUnit]) => seconds >= inUnit) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(count) / 10));
  return `${(count / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}
