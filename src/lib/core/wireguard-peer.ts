import { isLossTooLarge } from './brake.ts';
import type { PrefixText } from './prefix.ts';
import type { PublicKey } from './wireguard-key.ts';

/** A peer as the database wants it: one network of a pool and the key of its client. */
export interface Peer {
  /** Of the network. */
  readonly id: number;
  readonly network: PrefixText;
  readonly publicKey: PublicKey;
}

/** A peer as a file or `wg show` reports it. Its text comes from outside and may be anything. */
export interface FoundPeer {
  readonly publicKey: string;
  readonly allowedIps: readonly string[];
}

/**
 * Found peers at the least cost for each of thousands: each key with its networks as `wg show` prints them, `,` between
 * them and none as an empty text.
 */
export type FoundPeers = ReadonlyMap<string, string>;

/** Those of an interface that is new. */
export const NO_PEERS: FoundPeers = new Map();

/** The peers one by one. */
export function listPeers(found: FoundPeers): FoundPeer[] {
  return Array.from(found, asPeer);
}

function asPeer([publicKey, networks]: readonly [string, string]): FoundPeer {
  return { publicKey, allowedIps: networks === '' ? [] : networks.split(',') };
}

/** One step that brings the found peers to the wanted ones. */
export type PeerChange =
  | { readonly action: 'add' | 'update'; readonly peer: Peer }
  | { readonly action: 'remove'; readonly peer: FoundPeer };

/**
 * What to change so that `found` becomes `wanted`; peers are told apart by their public key, as WireGuard does.
 * Additions and updates come first, in the order of `wanted`: a network that moves to another key is taken over
 * by the new peer before the old one goes. `wanted` has no key twice.
 */
export function diffPeers(found: FoundPeers, wanted: readonly Peer[]): PeerChange[] {
  const differing = wanted.filter(({ publicKey, network }) => found.get(publicKey) !== network);
  const changes = differing.map((peer): PeerChange => {
    return { action: found.has(peer.publicKey) ? 'update' : 'add', peer };
  });
  const added = changes.filter(({ action }) => action === 'add').length;
  if (found.size === wanted.length - added) return changes;
  const keys = new Set<string>(wanted.map(({ publicKey }) => publicKey));
  for (const peer of found) if (!keys.has(peer[0])) changes.push({ action: 'remove', peer: asPeer(peer) });
  return changes;
}

/** How many clients a plan cuts off. */
export interface Loss {
  readonly removed: number;
  readonly peers: number;
}

/**
 * Counts the peers that lose their network. One whose network goes on under another key is not lost: rotating
 * every key of a host is no accident of the kind that the brake is there for.
 */
export function countLoss(found: FoundPeers, changes: readonly PeerChange[]): Loss {
  const gone = changes.flatMap(({ action, peer }) => (action === 'remove' ? [peer] : []));
  if (gone.length === 0) return { removed: 0, peers: found.size };
  const served = new Set<string>();
  for (const { action, peer } of changes) if (action !== 'remove') served.add(peer.network);
  const removed = gone.filter(({ allowedIps }) => !allowedIps.some((allowed) => served.has(allowed)));
  return { removed: removed.length, peers: found.size };
}

/** Whether the brake holds: a renamed host or an emptied database must not cut everybody off. */
export function isBraked({ removed, peers }: Loss): boolean {
  return isLossTooLarge(removed, peers);
}
