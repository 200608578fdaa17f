const FIRST_SLOTS = 4096;
const FIRST_BYTES = 65_536;

/**
 * Remembers texts, each with a number, for files of millions of rows: about 30 bytes a text where a Map of V8 takes
 * 200. An open hash table over the UTF-8 bytes of all texts in one array; exact, as bytes are compared.
 */
export class KeyIndex {
  /** 1 + the index of a text, or 0 for a free slot; at most half of them are taken. */
  #slots = new Uint32Array(FIRST_SLOTS);
  /** Where the bytes of each text end; they begin where those of the one before end. */
  #ends = new Uint32Array(FIRST_SLOTS / 2);
  #numbers = new Uint32Array(FIRST_SLOTS / 2);
  #bytes = new Uint8Array(FIRST_BYTES);
  #count = 0;
  readonly #encoder = new TextEncoder();

  /** How much memory it takes, in bytes. */
  get byteLength(): number {
    return [this.#slots, this.#ends, this.#numbers, this.#bytes].reduce(
      (sum, part) => sum + part.byteLength,
      0,
    );
  }

  /** Adds a text with its number, below 2^32; the number it was first added with when it is there already. */
  add(text: string, number: number): number | undefined {
    if (2 * this.#count >= this.#slots.length) this.#grow();
    const end = this.#append(text);
    const { slot, known } = this.#lookUp(end);
    if (known !== undefined) return known;
    this.#ends[this.#count] = end;
    this.#numbers[this.#count] = number;
    this.#count += 1;
    this.#slots[slot] = this.#count;
    return undefined;
  }

  /** The number that a text was first added with. */
  find(text: string): number | undefined {
    return this.#lookUp(this.#append(text)).known;
  }

  /** Puts a text behind the bytes of all others, where it stays if it is added; where it ends. */
  #append(text: string): number {
    const start = this.#endOf(this.#count - 1);
    // UTF-8 takes up to three bytes for a unit of UTF-16.
    while (this.#bytes.length < start + 3 * text.length) this.#bytes = larger(this.#bytes);
    return start + this.#encoder.encodeInto(text, this.#bytes.subarray(start)).written;
  }

  /** The number of the text that was appended, or else the slot that is free for it. */
  #lookUp(end: number): { slot: number; known: number | undefined } {
    const start = this.#endOf(this.#count - 1);
    let slot = this.#slotOf(start, end);
    for (let taken = this.#slots[slot]; taken; taken = this.#slots[slot]) {
      if (this.#equals(taken - 1, start, end)) return { slot, known: this.#numbers[taken - 1] };
      slot = (slot + 1) % this.#slots.length;
    }
    return { slot, known: undefined };
  }

  #endOf(index: number): number {
    return index < 0 ? 0 : (this.#ends[index] ?? 0);
  }

  /** FNV-1a (draft-eastlake-fnv) of the bytes, as the place to look first. */
  #slotOf(start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (this.#bytes[at] ?? 0), 0x01000193);
    return (hash >>> 0) % this.#slots.length;
  }

  #equals(index: number, start: number, end: number): boolean {
    const first = this.#endOf(index - 1);
    if (this.#endOf(index) - first !== end - start) return false;
    for (let at = 0; at < end - start; at++) {
      if (this.#bytes[first + at] !== this.#bytes[start + at]) return false;
    }
    return true;
  }

  #grow(): void {
    this.#ends = larger(this.#ends);
    this.#numbers = larger(this.#numbers);
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (let index = 0; index < this.#count; index++) {
      let slot = this.#slotOf(this.#endOf(index - 1), this.#endOf(index));
      while (this.#slots[slot]) slot = (slot + 1) % this.#slots.length;
      this.#slots[slot] = index + 1;
    }
  }
}

function larger<Numbers extends Uint8Array | Uint32Array>(numbers: Numbers): Numbers {
  const copy = new (numbers.constructor as new (length: number) => Numbers)(2 * numbers.length);
  copy.set(numbers);
  return copy;
}
