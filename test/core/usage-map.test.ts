import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usageMap } from '../../src/lib/core/usage-map.ts';
import { CASES } from '../support/property.ts';

describe('usageMap', () => {
  it('has one bucket a slot when there is room for it', () => {
    expect(usageMap(4n, [0n, 3n], 64)).toEqual([
      { used: 1, total: 1n },
      { used: 0, total: 1n },
      { used: 0, total: 1n },
      { used: 1, total: 1n },
    ]);
  });

  it('counts the slots of each run', () => {
    expect(usageMap(256n, [0n, 1n, 63n, 64n, 255n], 4)).toEqual([
      { used: 3, total: 64n },
      { used: 1, total: 64n },
      { used: 0, total: 64n },
      { used: 1, total: 64n },
    ]);
  });

  it('draws the largest pool', () => {
    const map = usageMap(2n ** 62n, [0n, 2n ** 62n - 1n], 100);
    expect([map.length, map[0]?.used, map[99]?.used]).toEqual([100, 1, 1]);
  });

  it('counts every slot once, in its place, in buckets of equal size but for one', () => {
    const pool = fc.tuple(
      fc.bigInt(1n, 2n ** 62n),
      fc.integer({ min: 1, max: 200 }),
      fc.array(fc.bigInt(0n, 2n ** 62n)),
    );
    fc.assert(
      fc.property(pool, ([capacity, cells, numbers]) => {
        const slots = [...new Set(numbers.map((number) => number % capacity))];
        const map = usageMap(capacity, slots, cells);
        let end = 0n;
        for (const { used, total } of map) {
          const start = end;
          end += total;
          expect(slots.filter((slot) => slot >= start && slot < end)).toHaveLength(used);
          expect(total - capacity / BigInt(map.length)).toBeOneOf([0n, 1n]);
        }
        expect(end).toBe(capacity);
        expect(BigInt(map.length)).toBe(capacity < BigInt(cells) ? capacity : BigInt(cells));
      }),
      { numRuns: CASES / 250 },
    );
  });
});
