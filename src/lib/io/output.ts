import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { refuse, UserError } from '../core/errors.ts';
import { isMissing, reasonOf } from './files.ts';

/** Whether a path leads to a folder, also through a link. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/**
 * Whether anything is at a path.
 * @throws FILE_NOT_WRITABLE when that cannot be seen
 */
export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw refuse.FILE_NOT_WRITABLE({ file: path, reason: reasonOf(error) });
  }
}

/**
 * Makes a folder unless it is there. The ones above it are not made: their names may be misspelt.
 * @throws FOLDER_MISSING, FILE_NOT_WRITABLE
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw refuse.FOLDER_MISSING({ file: path, folder: dirname(resolve(path)) });
    if (code === 'EEXIST' && (await isFolder(path))) return;
    const reason = code === 'EEXIST' ? 'it is not a folder' : reasonOf(error);
    throw refuse.FILE_NOT_WRITABLE({ file: path, reason });
  }
}

/**
 * The bytes of a file, or undefined when nothing is there.
 * @throws FILE_EXISTS when something else than a file is there; FILE_NOT_WRITABLE when it cannot be read
 */
export async function bytesIfPresent(file: string): Promise<Buffer | undefined> {
  try {
    const stats = await stat(file);
    if (!stats.isFile()) throw refuse.FILE_EXISTS({ file });
    return await readFile(file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (isMissing(error)) return undefined;
    throw refuse.FILE_NOT_WRITABLE({ file, reason: reasonOf(error) });
  }
}

/**
 * Whether a file has exactly this content, however long it is.
 * @throws FILE_NOT_WRITABLE when it cannot be read
 */
export async function hasContent(file: string, content: AsyncIterable<string>): Promise<boolean> {
  const wanted = await hashOf(content);
  try {
    return (await hashOf(createReadStream(file))) === wanted;
  } catch (error) {
    throw refuse.FILE_NOT_WRITABLE({ file, reason: reasonOf(error) });
  }
}

async function hashOf(chunks: AsyncIterable<string | Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}
