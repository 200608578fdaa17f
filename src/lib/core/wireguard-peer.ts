import { isLossTooLarge } from './brake.ts';
import type { PrefixText } from './prefix.ts';
import type { PublicKey } from './wireguard-key.ts';

/** A peer as the database wants it: one network of a pool and the key of its client. */
export interface Peer {
  readonly networkId: number;
  readonly publicKey: PublicKey;
  readonly allowedIps: PrefixText;
}

/** A peer as a file or `wg show` reports it. Its text comes from outside and may be anything. */
export interface FoundPeer {
  readonly publicKey: string;
  readonly allowedIps: readonly string[];
}

/**
 * Found peers at the least cost for each of thousands: by public key their networks as one text, `,` between them as
 * `wg show` prints them, empty when there is none.
 */
export type PeersByKey = ReadonlyMap<string, string>;

export const NO_PEERS: PeersByKey = new Map();

/** The peers by their keys; of two with one key the last, as `wg` takes them. */
export function byKey(found: readonly FoundPeer[]): PeersByKey {
  return new Map(found.map(({ publicKey, allowedIps }) => [publicKey, allowedIps.join()]));
}

/** The peers one by one. */
export function listPeers(found: PeersByKey): FoundPeer[] {
  return Array.from(found, ([publicKey, networks]) => ({
    publicKey,
    allowedIps: networks === '' ? [] : networks.split(','),
  }));
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
export function diffPeers(found: PeersByKey, wanted: readonly Peer[]): PeerChange[] {
  const changes: PeerChange[] = [];
  let kept = 0;
  for (const peer of wanted) {
    const before = found.get(peer.publicKey);
    if (before !== undefined) kept += 1;
    if (before === undefined) changes.push({ action: 'add', peer });
    else if (before !== peer.allowedIps) changes.push({ action: 'update', peer });
  }
  if (kept === found.size) return changes;
  const gone = new Map(found);
  for (const { publicKey } of wanted) gone.delete(publicKey);
  for (const peer of listPeers(gone)) changes.push({ action: 'remove', peer });
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
export function countLoss(found: PeersByKey, changes: readonly PeerChange[]): Loss {
  const served = new Set<string>();
  for (const { action, peer } of changes) if (action !== 'remove') served.add(peer.allowedIps);
  let removed = 0;
  for (const { action, peer } of changes) {
    if (action === 'remove' && !peer.allowedIps.some((allowed) => served.has(allowed))) removed += 1;
  }
  return { removed, peers: found.size };
}

/** Whether the brake holds: a renamed host or an emptied database must not cut everybody off. */
export function isBraked({ removed, peers }: Loss): boolean {
  return isLossTooLarge(removed, peers);
}
