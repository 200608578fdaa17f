import { openSync, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { refuse, UserError } from '../core/errors.ts';
import { openPipe, READ_WITHOUT_WAITING, reasonOf } from './files.ts';

/** Bytes to read, with the name that messages call them by. */
export interface Input {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** How many bytes there are; absent when nobody knows before their end. */
  readonly size?: number;
}

const CHUNK = 2 ** 16;

/** Lines with their ends, in place of a file; `name` is what messages call them by. */
export interface MadeLines {
  readonly name: string;
  readonly lines: Iterable<string>;
}

/** Reads made lines as a file is read. */
export function inputOf({ name, lines }: MadeLines): Input {
  async function* encode() {
    let text = '';
    for (const part of lines) {
      text += part;
      if (text.length < CHUNK) continue;
      yield Buffer.from(text);
      text = '';
    }
    yield Buffer.from(text);
  }
  return { name, bytes: encode() };
}

/**
 * Opens a file for reading as a stream; `-` is standard input. The file is closed when its bytes were read.
 * @throws INPUT_NOT_FOUND, also for a directory and for missing rights, and while the bytes are read
 */
export async function openInput(
  name: string,
  stdin: AsyncIterable<Uint8Array> = process.stdin,
): Promise<Input> {
  if (name === '-') return { name: 'standard input', bytes: readable('standard input', stdin) };
  let handle: FileHandle | undefined;
  let stats: Stats;
  try {
    if ((await stat(name)).isFIFO()) {
      return { name, bytes: readable(name, await openPipe(openSync(name, READ_WITHOUT_WAITING))) };
    }
    handle = await open(name);
    stats = await handle.stat();
    if (stats.isDirectory()) throw refuse.INPUT_NOT_FOUND({ file: name, reason: 'it is a directory' });
  } catch (error) {
    await handle?.close();
    throw error instanceof UserError ? error : unreadable(name, error);
  }
  const bytes = readable(name, handle.createReadStream());
  return stats.isFile() ? { name, bytes, size: stats.size } : { name, bytes };
}

async function* readable(file: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isStart = true;
  try {
    for await (const chunk of bytes) {
      if (isStart) refuseCompressed(file, chunk);
      isStart = false;
      yield chunk;
    }
  } catch (error) {
    throw error instanceof UserError ? error : unreadable(file, error);
  }
}

/** How compressed files begin (RFC 1952, RFC 8878, the formats of xz and ZIP), and what reads them. */
const COMPRESSED = [
  { magic: [0x1f, 0x8b], program: 'gzip' },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], program: 'zstd' },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a], program: 'xz' },
  { magic: [0x50, 0x4b, 0x03, 0x04], program: null },
] as const;

function refuseCompressed(file: string, start: Uint8Array): void {
  const found = COMPRESSED.find(({ magic }) => magic.every((byte, at) => start[at] === byte));
  if (found === undefined) return;
  throw found.program === null
    ? refuse.COMPRESSED_INPUT({
        file,
        format: 'a ZIP archive, as spreadsheets are',
        unpack: 'Save the sheet as CSV in UTF-8, or unpack the archive.',
      })
    : refuse.COMPRESSED_INPUT({
        file,
        format: `compressed with ${found.program}`,
        unpack: `Unpack it on the way: ${found.program} -dc FILE | uncloud …, with - in place of the file.`,
      });
}

function unreadable(file: string, error: unknown): Error {
  return refuse.INPUT_NOT_FOUND({ file, reason: reasonOf(error) });
}
