import { readSecretFile } from './files.ts';
import { openInput } from './input.ts';

/** More than any key or secret; what is longer is none, and standard input may be endless. */
const LONGEST = 1024;

/**
 * Reads a short secret, without the blanks around it, from a file, which only its owner may read, or from standard
 * input (`-`).
 * @throws INPUT_NOT_FOUND, SECRET_FILE_MODE
 */
export async function readSecret(name: string): Promise<string> {
  if (name !== '-') return (await readSecretFile(name)).trim();
  let text = '';
  for await (const chunk of (await openInput(name)).bytes) {
    text += Buffer.from(chunk).toString('latin1');
    if (text.length > LONGEST) break;
  }
  return text.trim();
}
