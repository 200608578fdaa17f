import { refuse, UserError } from '../core/errors.ts';
import { type PrivateKey, type PublicKey, parsePrivateKey, parsePublicKey } from '../core/wireguard-key.ts';
import { openInput } from './input.ts';
import { readSecret } from './secret-input.ts';

/** More than any key with blanks around it: what is longer is no key. */
const LONGEST_LINE = 1024;

/**
 * Reads a private key from a file, which only its owner may read, or from standard input (`-`).
 * @throws INPUT_NOT_FOUND, SECRET_FILE_MODE, INVALID_KEY, WEAK_KEY; the text itself is in none of them
 */
export async function readPrivateKey(name: string): Promise<PrivateKey> {
  return parsePrivateKey(await readSecret(name));
}

/**
 * Reads public keys, one a line, from a file or from standard input (`-`). Empty lines and what follows a # are
 * passed over.
 * @throws INPUT_NOT_FOUND, and INVALID_KEY, WEAK_KEY or DUPLICATE_ROW naming the line
 */
export async function readPublicKeys(name: string): Promise<PublicKey[]> {
  const lineOf = new Map<PublicKey, number>();
  let number = 0;
  const input = await openInput(name);
  for await (const line of linesOf(input.bytes)) {
    number += 1;
    const text = line.replace(/#.*/, '').trim();
    if (text === '') continue;
    try {
      const key = parsePublicKey(text);
      const firstLine = lineOf.get(key);
      if (firstLine !== undefined)
        throw refuse.DUPLICATE_ROW({ column: 'public key', value: key, firstLine });
      lineOf.set(key, number);
    } catch (error) {
      throw error instanceof UserError ? error.at(`${input.name}, line ${number}`) : error;
    }
  }
  return [...lineOf.keys()];
}

/** The lines of a file; of one that is too long to be a key, the beginning. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    yield* lines;
  }
  if (rest !== '') yield rest;
}
