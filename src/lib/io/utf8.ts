import { isUtf8 } from 'node:buffer';

const NUL = 0x00;

/** Whether bytes are UTF-8 without NUL. */
export function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(NUL);
}

/**
 * What is wrong about bytes that are no text: where, in words, and the encoding that they probably have.
 * @param isStart whether the file begins with them, and so perhaps with a byte order mark
 */
export function findWrongByte(
  bytes: Uint8Array,
  isStart: boolean,
): { at: number; reason: string; encoding: string } {
  const at = firstWrong(bytes);
  if (isStart && isUtf16Mark(bytes)) return { at, reason: 'the file is UTF-16', encoding: 'UTF-16' };
  const value = bytes[at] ?? NUL;
  if (value === NUL) return { at, reason: 'a NUL byte', encoding: 'UTF-16' };
  const shown = `0x${value.toString(16).toUpperCase().padStart(2, '0')}`;
  return { at, reason: `${shown} is not UTF-8`, encoding: 'LATIN1' };
}

function isUtf16Mark([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** How many bytes at the end begin a character of UTF-8 that the next chunk may finish: 0 to 3. */
export function unfinishedLength(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const byte = bytes[bytes.length - length] ?? NUL;
    const isContinuation = byte >= 0x80 && byte < 0xc0;
    if (!isContinuation) return characterLength(byte) > length ? length : 0;
  }
  return 0;
}

/** The length of a character of UTF-8 by its first byte (RFC 3629). */
function characterLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

/** The place of the first byte that is NUL or where UTF-8 breaks. */
function firstWrong(bytes: Uint8Array): number {
  let at = 0;
  for (let first = bytes[at]; first !== undefined && first !== NUL; first = bytes[at]) {
    const length = characterLength(first);
    if (!isUtf8(bytes.subarray(at, at + length))) break;
    at += length;
  }
  return at;
}
