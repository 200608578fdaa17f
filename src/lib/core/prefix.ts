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

/** A prefix as `formatPrefix` writes it. */
export type PrefixText = string & { readonly rule: 'RFC 5952 prefix' };

const ADDRESS_BITS = 128;
const GROUPS = 8;
const GROUP_BITS = 16;
const GROUP_VALUES = 2 ** GROUP_BITS;
const ALL_ONES = (1n << 128n) - 1n;

/** The most networks that a pool may hold: slot numbers fit a signed 64-bit column with room to spare. */
const LARGEST_SLOT_COUNT_BITS = 62;

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
  return joinWords(groupsOf(address).map(wordOf));
}

/** Writes a prefix as RFC 5952 text with its length: `2a0a:e5c1:200::/40`. */
export function formatPrefix({ address, length }: Prefix): PrefixText {
  return `${formatAddress(address)}/${length}` as PrefixText;
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

/**
 * Makes what writes the network in a slot of a pool, as `formatPrefix` would; null for a slot that the pool does not
 * have. A run over all networks of a host writes each of them: neighbours differ in one group, and what stands around
 * it is kept, because bigints or whole addresses would cost several times as much.
 */
export function slotFormatter(pool: Prefix, size: number): (slot: number) => PrefixText | null {
  const count = Number(slotCount(pool, size));
  const base = groupsOf(pool.address);
  const last = Math.max(0, Math.ceil(size / GROUP_BITS) - 1);
  const unit = 2 ** (GROUP_BITS * (last + 1) - size);
  const neighbours = GROUP_VALUES / unit;
  const words = base.map(wordOf);
  const written = (all: readonly string[]) => `${joinWords(all)}/${size}`;
  let [block, before = '', after = ''] = [-1, '', ''];
  return (slot) => {
    if (!Number.isSafeInteger(slot) || slot < 0 || slot >= count) return null;
    let rest = Math.floor(slot / neighbours);
    const group = (base[last] ?? 0) + (slot % neighbours) * unit;
    if (rest !== block) {
      block = rest;
      for (let at = last - 1; at >= 0; at -= 1) {
        words[at] = wordOf((base[at] ?? 0) + (rest % GROUP_VALUES));
        rest = Math.floor(rest / GROUP_VALUES);
      }
      [before = '', after = ''] = written(words.with(last, '.')).split('.');
    }
    // A group of zeros may become a part of `::`.
    const text = group === 0 ? written(words.with(last, '0')) : before + wordOf(group) + after;
    return text as PrefixText;
  };
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

function groupsOf(address: bigint): number[] {
  return Array.from({ length: GROUPS }, (_, at) =>
    Number((address >> BigInt(GROUP_BITS * (GROUPS - 1 - at))) & 0xffffn),
  );
}

function wordOf(group: number): string {
  return group.toString(16);
}

function joinWords(words: readonly string[]): string {
  let start = GROUPS;
  let longest = 1;
  for (let at = 0; at < GROUPS; at += 1) {
    let end = at;
    while (words[end] === '0') end += 1;
    if (end - at > longest) {
      start = at;
      longest = end - at;
    }
    at = Math.max(at, end);
  }
  let text = '';
  let separator = '';
  for (let at = 0; at < GROUPS; at += 1) {
    if (at === start) {
      text += '::';
      separator = '';
      at += longest - 1;
    } else {
      text += separator + words[at];
      separator = ':';
    }
  }
  return text;
}
