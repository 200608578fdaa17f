/**
 * One spelling for all spellings of a distinguished name (RFC 4514), to compare them by: types and values in lower
 * case, escapes undone, blanks squeezed, the parts of a multi-valued RDN sorted. Values count as text whose case does
 * not matter, which holds for all attributes that people and groups are named by.
 * @returns null when the text is not the name of an entry
 */
export function canonicalDn(text: string): string | null {
  const rdns: string[] = [];
  let parts: string[] = [];
  let rest = text;
  for (;;) {
    const type = /^ *([a-z][a-z0-9-]*|\d+(?:\.\d+)*) *= */i.exec(rest);
    if (type === null) return null;
    const value = readValue(rest.slice(type[0].length));
    if (value === null) return null;
    parts.push(`${type[1]?.toLowerCase()}=${JSON.stringify(value.text)}`);
    if (value.end !== '+') {
      rdns.push(parts.sort().join('+'));
      parts = [];
    }
    if (value.end === '') return rdns.join(',');
    rest = value.rest;
  }
}

/** RFC 4514 §3: what may be escaped by itself. */
const ESCAPABLE = /^[ "#+,;<=>\\]/;

/** A value of which no character is special: nearly every one there is. */
const PLAIN = /^[\w.@-]*(?=[,+]|$)/;

/** Reads one value, up to the comma or plus sign behind it. */
function readValue(text: string): { text: string; end: string; rest: string } | null {
  const plain = PLAIN.exec(text)?.[0];
  if (plain !== undefined) {
    const at = plain.length;
    return { text: plain.toLowerCase(), end: text[at] ?? '', rest: text.slice(at + 1) };
  }
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  let at = 0;
  while (at < text.length) {
    const [character = ''] = text.slice(at, at + 2);
    if (character === ',' || character === '+') break;
    if (/["<>;\0]/.test(character)) return null;
    if (character !== '\\') {
      bytes.push(...encoder.encode(character));
      at += character.length;
      continue;
    }
    const pair = /^[0-9a-f]{2}/i.exec(text.slice(at + 1, at + 3))?.[0];
    if (pair !== undefined) bytes.push(Number.parseInt(pair, 16));
    else if (ESCAPABLE.test(text.slice(at + 1))) bytes.push(...encoder.encode(text[at + 1]));
    else return null;
    at += pair === undefined ? 2 : 3;
  }
  const decoded = decode(bytes);
  if (decoded === null) return null;
  const canonical = decoded.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
  return { text: canonical, end: text[at] ?? '', rest: text.slice(at + 1) };
}

function decode(bytes: readonly number[]): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}
