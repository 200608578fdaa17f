import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPrefix, prefixOf } from '../../src/lib/core/prefix.ts';
import type { PublicKey } from '../../src/lib/core/wireguard-key.ts';
import { countLoss, diffPeers, isBraked, listPeers, type Peer } from '../../src/lib/core/wireguard-peer.ts';
import { CASES } from '../support/property.ts';

const NETWORK = (slot: number) => formatPrefix(prefixOf((0x2a0a_e5c1n << 96n) | (BigInt(slot) << 80n), 48));
const wanted = (key: string, slot: number): Peer => ({
  id: slot + 1,
  publicKey: key as PublicKey,
  network: NETWORK(slot),
});
const found = (key: string, ...slots: number[]) => [key, slots.map(NETWORK).join()] as const;
const steps = (...args: Parameters<typeof diffPeers>) =>
  diffPeers(...args).map(({ action, peer }) => `${action} ${peer.publicKey}`);

describe('diffPeers', () => {
  it('finds nothing to do for equal peers in any order', () => {
    expect(diffPeers(new Map([found('B', 1), found('A', 0)]), [wanted('A', 0), wanted('B', 1)])).toEqual([]);
  });

  it('adds, updates and removes by key', () => {
    expect(
      steps(new Map([found('A', 0), found('B', 5), found('C', 2)]), [
        wanted('A', 0),
        wanted('B', 1),
        wanted('D', 3),
      ]),
    ).toEqual(['update B', 'add D', 'remove C']);
  });

  it('updates a peer that has more, fewer or other networks', () => {
    for (const before of [found('A', 0, 1), found('A'), found('A', 1)]) {
      expect(steps(new Map([before]), [wanted('A', 0)])).toEqual(['update A']);
    }
  });

  it('lets the new key take a network over before the old one goes', () => {
    expect(steps(new Map([found('old', 0)]), [wanted('new', 0)])).toEqual(['add new', 'remove old']);
  });

  it('leads from any peers to the wanted ones, as WireGuard applies changes', () => {
    const keys = fc.constantFrom('A', 'B', 'C', 'D', 'E', 'F');
    const anyFound = fc.uniqueArray(fc.tuple(keys, fc.uniqueArray(fc.nat(7), { maxLength: 3 })), {
      selector: ([key]) => key,
    });
    const anyWanted = fc
      .tuple(fc.uniqueArray(keys), fc.uniqueArray(fc.nat(7), { minLength: 6, maxLength: 6 }))
      .map(([unique, slots]) => unique.map((key, at) => wanted(key, slots[at] ?? 0)));
    fc.assert(
      fc.property(anyFound, anyWanted, (before, after) => {
        const state = new Map<string, readonly string[]>(
          before.map(([key, slots]) => [key, slots.map(NETWORK)]),
        );
        for (const { action, peer } of diffPeers(
          new Map(before.map(([key, slots]) => found(key, ...slots))),
          after,
        )) {
          if (action === 'remove') {
            expect(state.delete(peer.publicKey)).toBe(true);
            continue;
          }
          expect(state.has(peer.publicKey)).toBe(action === 'update');
          const { network } = peer;
          for (const [key, networks] of state)
            state.set(
              key,
              networks.filter((other) => other !== network),
            );
          state.set(peer.publicKey, [network]);
        }
        expect(state).toEqual(new Map(after.map((peer) => [peer.publicKey, [peer.network]])));
      }),
      { numRuns: CASES },
    );
  });
});

it('found peers are listed with their networks, or with none', () => {
  expect(listPeers(new Map([found('A', 0, 1), found('B')]))).toEqual([
    { publicKey: 'A', allowedIps: [NETWORK(0), NETWORK(1)] },
    { publicKey: 'B', allowedIps: [] },
  ]);
});

describe('the brake', () => {
  it.each([
    [0, 0, false],
    [1, 1, false],
    [2, 2, false],
    [3, 3, true],
    [2, 3, false],
    [10, 10, true],
    [10, 11, false],
    [10, 19, false],
    [11, 21, true],
    [11, 22, false],
    [12, 22, true],
    [128, 256, false],
    [129, 256, true],
  ])('for %i of %i peers: %s', (removed, peers, braked) => {
    expect(isBraked({ removed, peers })).toBe(braked);
  });

  it('does not count a network that goes on under another key', () => {
    const before = new Map([found('A', 0), found('B', 1), found('C', 2)]);
    const rotated = diffPeers(before, [wanted('X', 0), wanted('Y', 1), wanted('Z', 2)]);
    expect(countLoss(before, rotated)).toEqual({ removed: 0, peers: 3 });
    expect(countLoss(before, diffPeers(before, [wanted('X', 0)]))).toEqual({ removed: 2, peers: 3 });
    expect(countLoss(before, diffPeers(before, []))).toEqual({ removed: 3, peers: 3 });
  });
});
