import { refuse } from './errors.ts';

/** 32 bytes in canonical base64 that are a usable Curve25519 public key. */
export type PublicKey = string & { readonly rule: 'WireGuard public key' };

/** 32 bytes in canonical base64, clamped. Never part of a message, a log or a document. */
export type PrivateKey = string & { readonly rule: 'WireGuard private key' };

/**
 * 32 bytes fill 42 characters, four bits of a 43rd and one `=`. `wg` refuses a whole file in which the two
 * unused bits are set, while Node's decoder ignores them.
 */
const CANONICAL = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

const P = (1n << 255n) - 19n;

/**
 * The u-coordinates of the points of order 1, 2, 4 and 8 on Curve25519 and its twist, and the two that can also
 * be written unreduced (0 as p, 1 as p + 1). Source: D. J. Bernstein, https://cr.yp.to/ecdh.html#validate.
 * A shared secret with one of them is zero whatever the private key is.
 */
const LOW_ORDER = [
  0n,
  1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  P - 1n,
  P,
  P + 1n,
];

/** X25519 ignores the top bit (RFC 7748 §5), so each point has a second spelling. */
const WEAK = new Set(LOW_ORDER.flatMap((u) => [encodeLittleEndian(u), encodeLittleEndian(u | (1n << 255n))]));

/**
 * Reads a WireGuard public key: canonical base64 of 32 bytes as `wg pubkey` prints it.
 * @throws INVALID_KEY naming the rule, never the text; WEAK_KEY for all-zero and low-order points
 */
export function parsePublicKey(text: string): PublicKey {
  checkForm('public', text);
  if (WEAK.has(text))
    throw refuse.WEAK_KEY({ kind: 'public', rule: 'a point of low order, all zeros included' });
  return text as PublicKey;
}

/** Whether `parsePublicKey` takes a text. */
export function isPublicKey(text: string): text is PublicKey {
  return CANONICAL.test(text) && !WEAK.has(text);
}

/** Whether a point of low order is among keys: a few lookups, however many they are. */
export function hasWeakKey(keys: { has(key: string): boolean }): boolean {
  return [...WEAK].some((weak) => keys.has(weak));
}

/**
 * Reads a WireGuard private key: canonical base64 of 32 bytes as `wg genkey` prints it.
 * `wg` takes any 32 bytes and the kernel clamps them (RFC 7748 §5) and shows the clamped form, so the key is
 * clamped here: an unclamped spelling of the same key would look like a change on every run.
 * @throws INVALID_KEY naming the rule, never the text; WEAK_KEY for all zeros, which WireGuard reads as “no key”
 */
export function parsePrivateKey(text: string): PrivateKey {
  checkForm('private', text);
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (bytes.every((byte) => byte === 0)) throw refuse.WEAK_KEY({ kind: 'private', rule: 'all zeros' });
  const [first = 0, last = 0] = [bytes[0], bytes[31]];
  bytes[0] = first & 248;
  bytes[31] = (last & 127) | 64;
  return encode(bytes) as PrivateKey;
}

function checkForm(kind: 'public' | 'private', text: string): void {
  if (CANONICAL.test(text)) return;
  const rule =
    text.length !== 44
      ? `its length is ${text.length} and not 44`
      : /^[A-Za-z0-9+/]{43}=$/.test(text)
        ? 'its last letter has bits that no 32 bytes leave (it is not canonical base64)'
        : 'it is not base64 ending in one =';
  throw refuse.INVALID_KEY({ kind, rule });
}

function encodeLittleEndian(value: bigint): string {
  return encode(Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn)));
}

function encode(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
