import type { Hostname } from './hostname.ts';
import type { ListenPort } from './interface-name.ts';
import { formatPrefix, type Prefix, readPrefix } from './prefix.ts';
import type { PrivateKey, PublicKey } from './wireguard-key.ts';
import type { FoundPeers, Peer } from './wireguard-peer.ts';

/** What the file of one interface says; every part is a checked type, so no text of a user can become a line. */
export interface WireguardConfig {
  readonly hostname: Hostname;
  readonly poolId: number;
  readonly prefix: Prefix;
  readonly privateKey: PrivateKey;
  readonly listenPort: ListenPort;
  /** In slot order. */
  readonly peers: readonly Peer[];
}

/** What the first line of a file of ours says. */
export interface Header {
  readonly hostname: string;
  readonly poolId: number;
  readonly prefix: Prefix;
}

/** A file of ours as it was found; whoever may write the directory may have edited it below its first line. */
export interface FoundConfig extends Header {
  readonly privateKey: string | null;
  readonly listenPort: string | null;
  readonly peers: FoundPeers;
}

/**
 * Writes the file of an interface in the format of `wg syncconf` (wg(8), “Configuration file format”): the keys
 * of wg-quick, such as Address and PostUp, would make `wg` refuse it. The same data make the same bytes.
 */
export function renderWireguardConfig(config: WireguardConfig): string {
  const head = `# Managed by uncloud vpn --hostname ${config.hostname}: pool ${config.poolId}, ${formatPrefix(config.prefix)}
# The next run overwrites what is changed here.

[Interface]
PrivateKey = ${config.privateKey}
ListenPort = ${config.listenPort}
`;
  return [head, ...config.peers.map(renderPeer)].join('');
}

/** One peer as a section of such a file. */
function renderPeer({ id, publicKey, network }: Peer): string {
  return `
# network ${id}
[Peer]
PublicKey = ${publicKey}
AllowedIPs = ${network}
`;
}

const HEADER = /^# Managed by uncloud vpn --hostname ([a-z0-9.-]+): pool ([1-9]\d{0,15}), (\S+)\n/;
const SETTING = /^([A-Za-z]+)\s*=\s*(.*)$/;
/** A peer as `renderPeer` writes it, with nothing more before the next one. */
const WRITTEN_PEER =
  /^# network \d+\n\[Peer\]\nPublicKey = ([^\s#]+)\nAllowedIPs = ([^\s#]+)\n(?:\n(?=# network \d+\n\[Peer\]\n)|$(?!\n))/gm;

/** Reads the first line of a file; null when the file is not ours. */
export function parseHeader(text: string): Header | null {
  const [, hostname = '', poolId = '', written = ''] = HEADER.exec(text) ?? [];
  const prefix = readPrefix(written);
  return prefix === null ? null : { hostname, poolId: Number(poolId), prefix };
}

/**
 * Reads a file that `renderWireguardConfig` wrote; null when its first line is not ours. Below that line it reads
 * as `wg` does (any case of keys, blanks, comments, several AllowedIPs), so that an edited file shows its peers. Those
 * that are as they were written are taken whole, at a tenth of the cost.
 */
export function parseWireguardConfig(text: string): FoundConfig | null {
  const header = parseHeader(text);
  if (header === null) return null;
  const found: Record<'privatekey' | 'listenport', string | null> = { privatekey: null, listenport: null };
  const written: [publicKey: string, networks: string][] = [];
  const rest = text.replace(WRITTEN_PEER, (_, publicKey: string, networks: string) => {
    written.push([publicKey, networks]);
    return '';
  });
  const edited: { publicKey: string; allowedIps: string[] }[] = [];
  let peer: (typeof edited)[number] | null = null;
  for (const raw of rest.split('\n')) {
    if (raw === '' || raw.startsWith('#')) continue;
    const line = (raw.includes('#') ? raw.replace(/#.*/, '') : raw).trim();
    if (line.startsWith('[')) {
      const section = line.toLowerCase();
      if (section === '[interface]') peer = null;
      if (section === '[peer]') {
        peer = { publicKey: '', allowedIps: [] };
        edited.push(peer);
      }
      continue;
    }
    const { 1: name = '', 2: value = '' } = SETTING.exec(line) ?? [];
    const key = name.toLowerCase();
    if (peer === null && (key === 'privatekey' || key === 'listenport')) found[key] = value;
    if (peer !== null && key === 'publickey') peer.publicKey = value;
    if (peer !== null && key === 'allowedips') {
      for (const allowed of value.split(',')) peer.allowedIps.push(allowed.trim());
    }
  }
  // Of two with one key the last counts, as for `wg`.
  const peers = new Map([
    ...written,
    ...edited.map(({ publicKey, allowedIps }) => [publicKey, allowedIps.join()] as const),
  ]);
  return { ...header, privateKey: found.privatekey, listenPort: found.listenport, peers };
}

/** What a client needs to reach its pool. */
export interface ClientConfig {
  readonly networkId: number;
  readonly network: Prefix;
  readonly publicKey: PublicKey;
  /** The client's own; null leaves a placeholder, which wg-quick refuses until it is replaced. */
  readonly privateKey: PrivateKey | null;
  readonly pool: {
    readonly hostname: Hostname;
    readonly listenPort: ListenPort;
    readonly publicKey: PublicKey;
  };
}

/**
 * Writes the file of a client for wg-quick(8). Its address is the first of its network. A message every 25 seconds
 * keeps the way back open through the address translation of most routers (wg(8), PersistentKeepalive).
 */
export function renderClientConfig({
  networkId,
  network,
  publicKey,
  privateKey,
  pool,
}: ClientConfig): string {
  return `# Network ${networkId} of public key ${publicKey}
[Interface]
PrivateKey = ${privateKey ?? 'REPLACE_WITH_YOUR_PRIVATE_KEY'}
Address = ${formatPrefix(network)}

[Peer]
PublicKey = ${pool.publicKey}
Endpoint = ${pool.hostname}:${pool.listenPort}
AllowedIPs = ::/0
PersistentKeepalive = 25
`;
}
