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

/** One step that brings the found peers to the wanted ones. */
export type PeerChange =
  | { readonly action: 'add' | 'update'; readonly peer: Peer }
  | { readonly action: 'remove'; readonly peer: FoundPeer };

/**
 * What to change so that `found` becomes `wanted`; peers are told apart by their public key, as WireGuard does.
 * Additions and updates come first, in the order of `wanted`: a network that moves to another key is taken over
 * by the new peer before the old one goes. `wanted` has no key twice.
 */
export function diffPeers(found: Iterable<FoundPeer>, wanted: readonly Peer[]): PeerChange[] {
  const byKey = new Map<string, FoundPeer>();
  for (const peer of found) byKey.set(peer.publicKey, peer);
  const changes: PeerChange[] = [];
  let kept = 0;
  for (const peer of wanted) {
    const before = byKey.get(peer.publicKey);
    if (before !== undefined) kept += 1;
    if (before === undefined) changes.push({ action: 'add', peer });
    else if (!servesExactly(before, peer.allowedIps)) changes.push({ action: 'update', peer });
  }
  if (kept === byKey.size) return changes;
  const keys = new Set<string>(wanted.map(({ publicKey }) => publicKey));
  for (const peer of byKey.values()) if (!keys.has(peer.publicKey)) changes.push({ action: 'remove', peer });
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
export function countLoss(found: readonly FoundPeer[], changes: readonly PeerChange[]): Loss {
  const served = new Set<string>();
  for (const { action, peer } of changes) if (action !== 'remove') served.add(peer.allowedIps);
  let removed = 0;
  for (const { action, peer } of changes) {
    if (action === 'remove' && !peer.allowedIps.some((allowed) => served.has(allowed))) removed += 1;
  }
  return { removed, peers: found.length };
}

/** Whether the brake holds: a renamed host or an emptied database must not cut everybody off. */
export function isBraked({ removed, peers }: Loss): boolean {
  return isLossTooLarge(removed, peers);
}

function servesExactly({ allowedIps }: FoundPeer, text: string): boolean {
  return allowedIps.length === 1 && allowedIps[0] === text;
}
