import { refuse } from './errors.ts';

declare const checked: unique symbol;

/**
 * An IPv6 prefix: a first address whose host bits are zero, and a length of 0 to 128.
 * Text of people becomes one in `parse-prefix.ts`; this file needs no library and stays cheap to load and run.
 */
export interface Prefix {
  readonly address: bigint;
  readonly length: number;
  readonly [checked]: true;
}

const ADDRESS_BITS = 128;
const ALL_ONES = (1n << 128n) - 1n;
const LOW_HALF = (1n << 64n) - 1n;

/** The most networks that a pool may hold: slot numbers fit a signed 64-bit column with room to spare. */
export const LARGEST_SLOT_COUNT_BITS = 62;

/**
 * Makes a prefix of numbers that are known to be right.
 * @throws RangeError for a length outside 0 to 128, an address outside 128 bits, or host bits that are set
 */
export function prefixOf(address: bigint, length: number): Prefix {
  if (!Number.isInteger(length) || length < 0 || length > ADDRESS_BITS) {
    throw new RangeError(`prefix length ${length}`);
  }
  if (address < 0n || address > ALL_ONES || (address & hostMask(length)) !== 0n) {
    throw new RangeError(`address ${address} of a /${length}`);
  }
  return { address, length } as Prefix;
}

/** The bits that a prefix of this length leaves to its hosts. */
export function hostMask(length: number): bigint {
  return (1n << BigInt(ADDRESS_BITS - length)) - 1n;
}

/**
 * Writes an address as RFC 5952 §4: lower case, no leading zeros, the longest run of two or more zero groups
 * (the first of equals) as `::`. IPv4-mapped addresses are written in hexadecimal too; §5 only recommends dots.
 */
export function formatAddress(address: bigint): string {
  const groups = [...fourGroups(address >> 64n), ...fourGroups(address & LOW_HALF)];
  let start = 0;
  let longest = 1;
  for (let at = 0; at < groups.length; at += 1) {
    let end = at;
    while (groups[end] === '0') end += 1;
    if (end - at > longest) {
      start = at;
      longest = end - at;
    }
    if (end > at) at = end;
  }
  if (longest < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + longest).join(':')}`;
}

/** Texts that were written before: a run over all peers of a host writes each of them several times. */
const texts = new WeakMap<Prefix, string>();

/** Writes a prefix as RFC 5952 text with its length: `2a0a:e5c1:200::/40`. */
export function formatPrefix(prefix: Prefix): string {
  const before = texts.get(prefix);
  if (before !== undefined) return before;
  const text = `${formatAddress(prefix.address)}/${prefix.length}`;
  texts.set(prefix, text);
  return text;
}

const CANONICAL_SHAPE = /^([0-9a-f:]{2,39})\/(\d{1,3})$/;

/** Reads back exactly what `formatPrefix` wrote, as the database and our files hold it; null for other text. */
export function readPrefix(text: string): Prefix | null {
  const match = CANONICAL_SHAPE.exec(text);
  if (match === null) return null;
  const [, written = '', length = ''] = match;
  const [head = [], tail = []] = written.split('::').map((side) => (side === '' ? [] : side.split(':')));
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  const groups = [...head, ...zeros, ...tail].map((group) => group.padStart(4, '0'));
  const address = BigInt(`0x${groups.join('')}`) & ~hostMask(Math.min(Number(length), ADDRESS_BITS));
  const prefix = { address, length: Number(length) } as Prefix;
  return formatPrefix(prefix) === text && prefix.length <= ADDRESS_BITS ? prefix : null;
}

/** Whether every address of `inner` is one of `outer`; a prefix contains itself. */
export function contains(outer: Prefix, inner: Prefix): boolean {
  return inner.length >= outer.length && (inner.address & ~hostMask(outer.length)) === outer.address;
}

/** Whether two prefixes share an address: of two prefixes that do, one contains the other. */
export function overlaps(one: Prefix, other: Prefix): boolean {
  return contains(one, other) || contains(other, one);
}

/**
 * How many networks of length `size` a pool holds, 1 to 2^62.
 * @throws SIZE_OUTSIDE_POOL when the size is shorter than the pool, longer than 128, or makes more than 2^62
 */
export function slotCount(pool: Prefix, size: number): bigint {
  const longest = Math.min(ADDRESS_BITS, pool.length + LARGEST_SLOT_COUNT_BITS);
  if (!Number.isInteger(size) || size < pool.length || size > longest) {
    throw refuse.SIZE_OUTSIDE_POOL({ size, pool: formatPrefix(pool), shortest: pool.length, longest });
  }
  return 1n << BigInt(size - pool.length);
}

/**
 * The network in a slot of a pool, counted from 0. The cost does not depend on the slot.
 * @throws RangeError for a slot that the pool does not have
 */
export function slotPrefix(pool: Prefix, size: number, slot: bigint): Prefix {
  if (slot < 0n || slot >= slotCount(pool, size)) {
    throw new RangeError(`slot ${slot} of ${formatPrefix(pool)} in /${size}`);
  }
  return { address: pool.address | (slot << BigInt(ADDRESS_BITS - size)), length: size } as Prefix;
}

/** The slot that a network takes in a pool handing out networks of `size`; null when it is none of its slots. */
export function slotOf(pool: Prefix, size: number, network: Prefix): bigint | null {
  if (network.length !== size || !contains(pool, network)) return null;
  return (network.address - pool.address) >> BigInt(ADDRESS_BITS - size);
}

/** The first address as 32 lower-case hexadecimal digits: plain text comparison orders them as addresses. */
export function firstAddressHex({ address }: Prefix): string {
  return address.toString(16).padStart(32, '0');
}

/** The last address as 32 lower-case hexadecimal digits; two prefixes overlap when neither ends before the other. */
export function lastAddressHex({ address, length }: Prefix): string {
  return (address | hostMask(length)).toString(16).padStart(32, '0');
}

function fourGroups(half: bigint): string[] {
  const high = Number(half >> 32n);
  const low = Number(half & 0xffff_ffffn);
  return [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff].map((group) => group.toString(16));
}
