/**
 * Numbers that look random and are the same for the same seeds: the finalizer of MurmurHash3 over a Weyl sequence.
 * For test data, never for keys that protect anything.
 */
export class Dice {
  #state: number;

  /** @param seeds whole numbers; dice with other seeds, or the same in another order, fall otherwise */
  constructor(...seeds: readonly number[]) {
    this.#state = seeds.reduce((state, seed) => mix(state ^ mix(seed + 0x9e3779b9)), 0);
  }

  /** A whole number from 0 to `count` - 1; `count` is at most 2^32. */
  below(count: number): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return Math.floor((mix(this.#state) / 2 ** 32) * count);
  }

  /** One of the items. */
  pick<Item>(items: readonly [Item, ...Item[]]): Item {
    return items[this.below(items.length)] ?? items[0];
  }
}

function mix(value: number): number {
  let hash = value >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
