import { refuse, UserError } from './errors.ts';
import type { Hostname } from './hostname.ts';
import type { InterfaceName, ListenPort } from './interface-name.ts';
import { formatPrefix, type Prefix, type PrefixText, readPrefix, slotFormatter, slotOf } from './prefix.ts';
import { type Header, parseHeader, parseWireguardConfig, renderWireguardConfig } from './wireguard-config.ts';
import { hasWeakKey, isPublicKey, type PrivateKey, type PublicKey, parsePublicKey } from './wireguard-key.ts';
import {
  countLoss,
  diffPeers,
  type FoundPeer,
  type FoundPeers,
  isBraked,
  listPeers,
  NO_PEERS,
  type Peer,
  type PeerChange,
} from './wireguard-peer.ts';

/** A pool of the host. */
export interface ServedPool {
  readonly id: number;
  readonly hostname: Hostname;
  readonly interface: InterfaceName;
  readonly prefix: Prefix;
  readonly subnetworkSize: number;
  readonly listenPort: ListenPort;
  readonly privateKey: PrivateKey;
  readonly publicKey: PublicKey;
}

/** A network as the database holds it. It is checked once more here: one bad line and `wg` refuses the whole file. */
export interface StoredNetwork {
  readonly id: number;
  readonly slot: number;
  readonly network: string;
  readonly publicKey: string;
}

/** One thing that a run changes, as `--json` prints it; never a secret. */
export interface Change {
  readonly kind:
    | 'file'
    | 'file_mode'
    | 'link'
    | 'alias'
    | 'private_key'
    | 'listen_port'
    | 'peer'
    | 'preshared_key'
    | 'route';
  /** The name of the file or link, the alias, the pool's public key, the port, the peer's public key, the prefix. */
  readonly subject: string;
  readonly action: 'create' | 'add' | 'update' | 'remove' | 'raise';
}

/** What a run does to the file of one interface, and what it refuses to do. */
export interface FilePlan {
  readonly interface: string;
  readonly poolId: number;
  /** What differs, also when `refused` keeps it from being done. */
  readonly changes: readonly Change[];
  readonly file:
    | { readonly action: 'write'; readonly text: string }
    | { readonly action: 'remove' }
    | { readonly action: 'leave' };
  /** The peers that the interface should have; none when that is not known. */
  readonly peers: readonly Peer[];
  /** Whether the file, and with it the interface, has to stay as it is: it is not ours, or the brake holds. */
  readonly held: boolean;
  /** Any entry makes the run partly done (exit 3). */
  readonly refused: readonly UserError[];
}

/**
 * The peers of a pool in slot order. A row that is wrong is refused by name, and the peer that was found for it
 * (the one with its network, else the one with its key) stays as it is unless it is in the way of a good row.
 * Two rows with one key or one network are both refused: neither may take the other's traffic.
 * @param findPeers asked only when a row is wrong, because reading a large file costs as much as all the rest
 * @param served peers of the interface as `wg show` prints them
 */
export function wantedPeers(
  pool: ServedPool,
  networks: readonly StoredNetwork[],
  findPeers: () => readonly FoundPeer[],
  served: FoundPeers = NO_PEERS,
): { peers: readonly Peer[]; refused: UserError[] } {
  if (areSound(pool, networks, served)) return { peers: networks, refused: [] };
  const twins = { key: twinsBy('publicKey', networks), network: twinsBy('network', networks) };
  const textOf = slotFormatter(pool.prefix, pool.subnetworkSize);
  const peers: SlotPeer[] = [];
  const refused: UserError[] = [];
  const bad: StoredNetwork[] = [];
  for (const stored of networks) {
    try {
      peers.push(checkNetwork(pool, stored, textOf(stored.slot), twins));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refused.push(error);
      bad.push(stored);
    }
  }
  if (bad.length > 0) peers.push(...keptPeers(pool, bad, findPeers(), peers));
  return { peers: peers.sort((one, other) => one.slot - other.slot), refused };
}

/** A file of the directory as it was found. */
export interface FoundFile {
  readonly text: string;
  /** Whether others than its owner may read or write it; it holds a private key. */
  readonly exposed: boolean;
}

/**
 * Decides what to do with the file of an interface.
 * @param file the file as it is; null when there is none
 * @param live the peers of the interface itself, null when they are not known; of two that fit a wrong row, the live
 *   one stays. Where there are as many as in the file, they tell better what is lost: the caller brakes for them, and
 *   the changes are those of the file itself.
 */
export function planFile(
  pool: ServedPool,
  networks: readonly StoredNetwork[],
  file: FoundFile | null,
  { prune, live = null }: { prune: boolean; live?: FoundPeers | null },
): FilePlan {
  const text = file?.text ?? null;
  const name = `${pool.interface}.conf`;
  const leave = { action: 'leave' } as const;
  const find = () => [
    ...listPeers((text === null ? null : parseWireguardConfig(text)?.peers) ?? NO_PEERS),
    ...listPeers(live ?? NO_PEERS),
  ];
  const { peers, refused } = wantedPeers(pool, networks, find, live ?? NO_PEERS);
  const plan = { interface: pool.interface, poolId: pool.id, peers, held: false };
  const wanted = renderWireguardConfig({ ...pool, poolId: pool.id, peers });
  // A file that was cut off anywhere is a beginning of ours; an empty one belongs to nobody.
  if (text !== null && !isOurs(parseHeader(text), pool) && !wanted.startsWith(text)) {
    return { ...plan, held: true, changes: [], file: leave, refused: [refuse.FILE_NOT_OURS({ file: name })] };
  }
  const write = { action: 'write', text: wanted } as const;
  const mode: Change[] = file?.exposed ? [{ kind: 'file_mode', subject: name, action: 'update' }] : [];
  if (wanted === text) return { ...plan, changes: mode, file: mode.length > 0 ? write : leave, refused };
  const changes: Change[] = [{ kind: 'file', subject: name, action: text === null ? 'create' : 'update' }];
  changes.push(...mode);
  if (live !== null && live.size >= countPeers(text)) return { ...plan, changes, file: write, refused };
  const found = text === null ? null : parseWireguardConfig(text);
  const before = found?.peers ?? NO_PEERS;
  const peerChanges = diffPeers(before, peers);
  if (found !== null && found.privateKey !== pool.privateKey) {
    changes.push({ kind: 'private_key', subject: pool.publicKey, action: 'update' });
  }
  if (found !== null && found.listenPort !== String(pool.listenPort)) {
    changes.push({ kind: 'listen_port', subject: String(pool.listenPort), action: 'update' });
  }
  changes.push(...peerChanges.map(asChange));
  const brake = prune ? null : brakeOn(pool.interface, before, peerChanges);
  if (brake !== null) return { ...plan, held: true, changes, file: leave, refused: [...refused, brake] };
  return { ...plan, changes, file: write, refused };
}

/**
 * Decides what to do with a file in the directory that no pool of the host asks for: one that an earlier run for
 * this host wrote goes, under the same brake; any other is invisible (null). The peers of a pool that has another
 * interface now are not lost: its brake counts those that go.
 * @param served the plans of the pools of this host
 */
export function planLeftover(
  hostname: Hostname,
  interfaceName: string,
  text: string,
  { prune, served = [] }: { prune: boolean; served?: readonly FilePlan[] },
): FilePlan | null {
  const found = parseWireguardConfig(text);
  if (found?.hostname !== hostname) return null;
  const before = found.peers;
  const kept = successorOf(found.poolId, served)?.peers ?? [];
  const brake = prune ? null : brakeOn(interfaceName, before, diffPeers(before, kept));
  return {
    interface: interfaceName,
    poolId: found.poolId,
    changes: [
      { kind: 'file', subject: `${interfaceName}.conf`, action: 'remove' },
      ...diffPeers(before, []).map(asChange),
    ],
    file: brake === null ? { action: 'remove' } : { action: 'leave' },
    peers: [],
    held: brake !== null,
    refused: brake === null ? [] : [brake],
  };
}

/** The plan of a pool, which a leftover of the same pool makes way for. */
export function successorOf<Plan extends FilePlan>(
  poolId: number,
  served: readonly Plan[],
): Plan | undefined {
  return served.find((plan) => plan.poolId === poolId);
}

/** How many peers a file has at most: an edited one may name them in comments too. */
function countPeers(text: string | null): number {
  return text?.match(/\[peer\]/gi)?.length ?? 0;
}

/** A file of the same pool is ours also after the host was renamed. */
function isOurs(header: Header | null, pool: ServedPool): boolean {
  return header !== null && (header.hostname === pool.hostname || header.poolId === pool.id);
}

interface SlotPeer extends Peer {
  readonly slot: number;
}

/**
 * Whether every row is right, none is in the way of another, and all are in slot order: so it is as a rule, and to see
 * it costs a fraction of what it takes to say what is wrong. What is served has a well-formed key of its own; those of
 * the other rows are looked at one by one.
 */
function areSound(
  pool: ServedPool,
  networks: readonly StoredNetwork[],
  served: FoundPeers,
): networks is readonly SlotPeer[] {
  const textOf = slotFormatter(pool.prefix, pool.subnetworkSize);
  const areInSlots = networks.every(
    ({ slot, network }, at) => slot > (networks[at - 1]?.slot ?? -1) && network === textOf(slot),
  );
  if (!areInSlots) return false;
  if (hasWeakKey(served) || served.has(pool.publicKey)) return false;
  const others = networks.filter(({ publicKey, network }) => served.get(publicKey) !== network);
  const keys = new Set(others.map(({ publicKey }) => publicKey));
  if (keys.size < others.length || keys.has(pool.publicKey)) return false;
  return others.every(({ publicKey }) => isPublicKey(publicKey) && !served.has(publicKey));
}

/** Ids of networks, each with the id of another that has the same key or network. */
type Twins = ReadonlyMap<number, number>;

function twinsBy(field: 'publicKey' | 'network', networks: readonly StoredNetwork[]): Twins {
  const owners = new Map<string, number>();
  const twins = new Map<number, number>();
  for (const stored of networks) {
    const owner = owners.get(stored[field]);
    if (owner === undefined) owners.set(stored[field], stored.id);
    else twins.set(stored.id, owner).set(owner, stored.id);
  }
  return twins;
}

/** The brake, as a refusal; null when these changes may be made. */
export function brakeOn(name: string, found: FoundPeers, changes: readonly PeerChange[]): UserError | null {
  const loss = countLoss(found, changes);
  return isBraked(loss) ? refuse.BRAKED({ interface: name, ...loss }) : null;
}

/** A change of a peer as a run reports it. */
export function asChange({ action, peer }: PeerChange): Change {
  return { kind: 'peer', subject: peer.publicKey, action };
}

/** @param allowedIps the network of its slot; null when the pool has no such slot */
function checkNetwork(
  pool: ServedPool,
  stored: StoredNetwork,
  allowedIps: PrefixText | null,
  twins: { key: Twins; network: Twins },
): SlotPeer {
  const { id, slot, network } = stored;
  if (allowedIps === null || allowedIps !== network) {
    const expected = allowedIps ?? `outside pool ${pool.id}, ${formatPrefix(pool.prefix)}`;
    throw refuse.NETWORK_MISPLACED({ networkId: id, network, expected });
  }
  const sharer = twins.network.get(id);
  if (sharer !== undefined) throw refuse.NETWORK_TWICE({ networkId: id, network, other: sharer });
  const publicKey = checkKey(stored);
  if (publicKey === pool.publicKey) {
    throw ofStored(id, refuse.KEY_IS_POOLS({ publicKey, poolId: pool.id }));
  }
  const holder = twins.key.get(id);
  if (holder !== undefined) throw ofStored(id, refuse.KEY_IN_USE({ publicKey, networkId: holder }));
  return { id, slot, network: allowedIps, publicKey };
}

function checkKey({ id, publicKey }: StoredNetwork): PublicKey {
  try {
    return parsePublicKey(publicKey);
  } catch (error) {
    throw error instanceof UserError ? ofStored(id, error) : error;
  }
}

/** The refusal of a key that is in the database already: whoever reads of it sits on the host. */
function ofStored(id: number, refusal: UserError): UserError {
  return refusal
    .at(`network ${id}`)
    .hinting(`On the main node: uncloud vpn network rotate-key ${id} --public-key KEY`);
}

function keptPeers(
  pool: ServedPool,
  bad: readonly StoredNetwork[],
  found: readonly FoundPeer[],
  good: readonly SlotPeer[],
): SlotPeer[] {
  const textOf = slotFormatter(pool.prefix, pool.subnetworkSize);
  const byNetwork = new Map(found.map((peer) => [peer.allowedIps.join(), peer]));
  const byItsKey = new Map(found.map((peer) => [peer.publicKey, peer]));
  const keys = new Set<string>(good.map(({ publicKey }) => publicKey));
  const slots = new Set(good.map(({ slot }) => slot));
  const kept = new Map<number, SlotPeer>();
  const rounds = [
    ({ slot }: StoredNetwork) => byNetwork.get(textOf(slot) ?? ''),
    ({ publicKey }: StoredNetwork) => byItsKey.get(publicKey),
  ];
  for (const match of rounds) {
    for (const stored of bad) {
      const peer = asPeer(pool, stored.id, match(stored));
      if (peer === null || kept.has(stored.id)) continue;
      if (keys.has(peer.publicKey) || slots.has(peer.slot)) continue;
      keys.add(peer.publicKey);
      slots.add(peer.slot);
      kept.set(stored.id, peer);
    }
  }
  return [...kept.values()];
}

/** A found peer as one of ours: null unless its key is sound and its one network is a slot of the pool. */
function asPeer(pool: ServedPool, id: number, found: FoundPeer | undefined): SlotPeer | null {
  const prefix = readPrefix(found?.allowedIps.join() ?? '');
  if (found === undefined || prefix === null) return null;
  const slot = slotOf(pool.prefix, pool.subnetworkSize, prefix);
  if (slot === null || slot > Number.MAX_SAFE_INTEGER) return null;
  try {
    const publicKey = parsePublicKey(found.publicKey);
    return { id, slot: Number(slot), network: formatPrefix(prefix), publicKey };
  } catch {
    return null;
  }
}
