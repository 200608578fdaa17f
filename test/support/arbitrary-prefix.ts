import fc from 'fast-check';
import { type Prefix, prefixOf } from '../../src/lib/core/prefix.ts';

const GROUP = fc.oneof(
  fc.constant(0),
  fc.constant(0),
  fc.constant(0xffff),
  fc.integer({ min: 0, max: 0xffff }),
);

/** Addresses as eight groups of which many are zero, so that every form of `::` comes up. */
export const anyAddress: fc.Arbitrary<bigint> = fc
  .tuple(GROUP, GROUP, GROUP, GROUP, GROUP, GROUP, GROUP, GROUP)
  .map((groups) => groups.reduce((address, group) => (address << 16n) | BigInt(group), 0n));

export const anyPrefix: fc.Arbitrary<Prefix> = fc
  .tuple(anyAddress, fc.integer({ min: 0, max: 128 }))
  .map(([address, length]) => cut(address, length));

/** A pool, the length it hands out and one of its slots. */
export const anyPoolSlot: fc.Arbitrary<{ pool: Prefix; size: number; slot: bigint }> = anyPrefix.chain(
  (pool) =>
    fc
      .integer({ min: pool.length, max: Math.min(128, pool.length + 62) })
      .chain((size) =>
        fc
          .bigInt({ min: 0n, max: (1n << BigInt(size - pool.length)) - 1n })
          .map((slot) => ({ pool, size, slot })),
      ),
);

/** The prefix of this length that an address lies in. */
export function cut(address: bigint, length: number): Prefix {
  const hostBits = BigInt(128 - length);
  return prefixOf((address >> hostBits) << hostBits, length);
}
