import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { refuse, UserError } from '../core/errors.ts';

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
 * @throws INPUT_NOT_FOUND, also for a directory and for missing rights
 */
export async function openInput(
  name: string,
  stdin: AsyncIterable<Uint8Array> = process.stdin,
): Promise<Input> {
  if (name === '-') return { name: 'standard input', bytes: stdin };
  let handle: FileHandle | undefined;
  let stats: Stats;
  try {
    handle = await open(name, constants.O_RDONLY);
    stats = await handle.stat();
    if (stats.isDirectory()) throw refuse.INPUT_NOT_FOUND({ file: name, reason: 'it is a directory' });
  } catch (error) {
    await handle?.close();
    throw error instanceof UserError ? error : unreadable(name, error);
  }
  const bytes = chunksOf(name, handle);
  return stats.isFile() ? { name, bytes, size: stats.size } : { name, bytes };
}

async function* chunksOf(name: string, handle: FileHandle): AsyncGenerator<Uint8Array> {
  try {
    yield* handle.createReadStream();
  } catch (error) {
    throw unreadable(name, error);
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Record<string, string> = {
    ENOENT: 'no such file or folder',
    ENOTDIR: 'a part of its path is not a folder',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
  };
  return refuse.INPUT_NOT_FOUND({ file, reason: reasons[code ?? ''] ?? message });
}
