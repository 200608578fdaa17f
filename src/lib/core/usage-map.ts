/** A run of neighbouring slots of a pool. */
export interface UsageBucket {
  readonly used: number;
  /** At least 1; the buckets of one map differ by at most 1. */
  readonly total: bigint;
}

/**
 * Divides the slots of a pool into at most `cells` runs and counts the used ones in each, in slot order.
 * A pool with fewer slots than cells gets one bucket a slot.
 */
export function usageMap(capacity: bigint, usedSlots: Iterable<bigint>, cells: number): UsageBucket[] {
  const count = capacity < BigInt(cells) ? capacity : BigInt(cells);
  const used = Array<number>(Number(count)).fill(0);
  for (const slot of usedSlots) {
    const bucket = Number((slot * count) / capacity);
    used[bucket] = (used[bucket] ?? 0) + 1;
  }
  return used.map((inBucket, at) => ({
    used: inBucket,
    total: firstSlot(BigInt(at) + 1n) - firstSlot(BigInt(at)),
  }));

  function firstSlot(bucket: bigint): bigint {
    return (bucket * capacity + count - 1n) / count;
  }
}
