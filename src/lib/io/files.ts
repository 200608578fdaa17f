import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { type FileHandle, link, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { refuse, UserError } from '../core/errors.ts';

/**
 * Writes a file so that a reader, or a crash at any moment, finds the old content or the new one, never a part:
 * a new file beside it (mode 0600 from its first byte, never through a link), fsync, rename, fsync of the folder.
 * @param like a file whose owner, group and mode it gets, as far as the account may give them away
 * @throws FILE_NOT_WRITABLE; the old content is then intact
 */
export async function writeFileAtomically(file: string, content: Content, like?: string): Promise<void> {
  await writeWhole(await beginFile(file, (temporary) => rename(temporary, file), like), content);
}

/** A file that is written piece by piece beside its place, and takes that when it is complete. */
export interface PendingFile {
  write(content: Content): Promise<void>;
  /** Makes sure that all of it is on the disk. */
  complete(): Promise<void>;
  /** Takes its place, after `complete`. */
  publish(): Promise<void>;
  /** Removes it; after `publish` it does nothing. */
  discard(): Promise<void>;
}

/**
 * Begins a file that takes the place of `file`, as `writeFileAtomically` does it with content that is at hand. What
 * killed processes left of it is removed.
 * @throws FILE_NOT_WRITABLE, as all that is done with it
 */
export async function createReplacement(file: string): Promise<PendingFile> {
  const stats = await lstat(file).catch((error: unknown) => {
    if (!isMissing(error)) throw notWritable(file, error);
  });
  // A rename would put the file in the place of /dev/null, and of the link that /dev/stdout is, too.
  if (stats !== undefined && !stats.isFile()) {
    const kind = stats.isDirectory()
      ? 'a directory'
      : stats.isSymbolicLink()
        ? 'a link'
        : 'not a regular file';
    throw refuse.FILE_NOT_WRITABLE({ file, reason: `it is ${kind}` });
  }
  await removeAbandoned(file);
  return beginFile(file, (temporary) => rename(temporary, file));
}

/**
 * Begins a file of mode 0600 that never takes the place of another one. What killed processes left of it is removed.
 * @throws FILE_EXISTS, FOLDER_MISSING, FILE_NOT_WRITABLE, as all that is done with it
 */
export async function createNewFile(file: string): Promise<PendingFile> {
  try {
    if (await isTaken(file)) throw refuse.FILE_EXISTS({ file });
  } catch (error) {
    throw error instanceof UserError ? error : notWritable(file, error);
  }
  await removeAbandoned(file);
  return beginFile(file, (temporary) => nameAnew(temporary, file));
}

/**
 * Makes the folder of one of the program's own files, mode 0700, and the folders above it.
 * @throws FILE_NOT_WRITABLE
 */
export async function makeFolderOf(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw notWritable(file, error);
  });
}

async function beginFile(
  file: string,
  place: (temporary: string) => Promise<void>,
  like?: string,
): Promise<PendingFile> {
  // The system would say so when the file is placed: after what belongs to it was done.
  if (/(?:^|\/)$/.test(file)) throw refuse.FILE_NOT_WRITABLE({ file, reason: 'that is no name of a file' });
  // As `unfinishedOf` reads it.
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}.new`);
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw notCreated(file, error);
    }
  };
  const handle = await guard(async () => {
    await unlink(temporary).catch(ignoreMissing);
    return openNew(temporary).catch(async (error: unknown) => {
      await unlink(temporary).catch(() => {});
      throw error;
    });
  });
  // An interrupt ends the process without a way back through the callers.
  const remove = () => rmSync(temporary, { force: true });
  process.once('exit', remove);
  return {
    write: (content) => guard(() => handle.writeFile(content)),
    complete: () =>
      guard(async () => {
        const owner = like === undefined ? undefined : statsOf(like);
        if (owner !== undefined) await giveTo(handle, owner);
        await handle.sync();
        await handle.close();
      }),
    publish: () =>
      guard(async () => {
        await place(temporary);
        process.off('exit', remove);
        await syncFolder(dirname(file));
      }),
    discard: async () => {
      await handle.close().catch(() => {});
      await unlink(temporary).catch(() => {});
      process.off('exit', remove);
    },
  };
}

/** Only root gives files away. */
async function giveTo(handle: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  if (process.getuid?.() !== 0) return;
  await handle.chown(uid, gid);
  await handle.chmod(mode);
}

/** Gives a file a name that none has. */
async function nameAnew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
    await unlink(from);
  } catch (error) {
    // File systems without hard links, such as FAT.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(codeOf(error))) throw error;
    if (await isTaken(to)) throw refuse.FILE_EXISTS({ file: to });
    await rename(from, to);
  }
}

/** Whether anything has this name, a link that leads nowhere too. */
async function isTaken(file: string): Promise<boolean> {
  return (await lstat(file).catch(ignoreMissing)) !== undefined;
}

/** Of which file, and by which process, a new file is that stands beside it until it is complete; else null. */
export function unfinishedOf(name: string): { readonly file: string; readonly pid: number } | null {
  const [, file, pid] = /^\.(.+)\.([1-9]\d*)\.new$/.exec(name) ?? [];
  return file === undefined ? null : { file, pid: Number(pid) };
}

/** Removes what processes that were killed left of the same file, as far as that can be seen. */
async function removeAbandoned(file: string): Promise<void> {
  for (const name of await readdir(dirname(file)).catch(() => [])) {
    const left = unfinishedOf(name);
    if (left?.file === basename(file) && !isRunning(left.pid)) {
      await unlink(join(dirname(file), name)).catch(() => {});
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/**
 * Removes the new files that `writeFileAtomically` leaves beside a file when it is killed. Only for whoever holds
 * the lock of the folder: another process may be writing one.
 * @throws FILE_NOT_WRITABLE
 */
export async function removeUnfinished(file: string): Promise<void> {
  try {
    for (const name of await readdir(dirname(file))) {
      if (unfinishedOf(name)?.file === basename(file)) await unlink(join(dirname(file), name));
    }
  } catch (error) {
    throw notWritable(file, error);
  }
}

/**
 * Removes a file, and makes sure that it stays away after a crash.
 * @throws FILE_NOT_WRITABLE
 */
export async function removeFile(file: string): Promise<void> {
  try {
    await unlink(file);
    await syncFolder(dirname(file));
  } catch (error) {
    throw notWritable(file, error);
  }
}

/**
 * Gives a file another name in its folder, in place of a file that has it; it keeps it after a crash.
 * @throws FILE_NOT_WRITABLE
 */
export async function renameFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await syncFolder(dirname(to));
  } catch (error) {
    throw notWritable(to, error);
  }
}

/** What goes into a file: at once, or in parts as they come. */
export type Content = string | Uint8Array | AsyncIterable<string>;

/**
 * Creates a file with mode 0600; never overwrites. The file is complete or not there.
 * @throws FILE_EXISTS, FOLDER_MISSING, FILE_NOT_WRITABLE
 */
export async function createPrivateFile(file: string, content: Content): Promise<void> {
  await writeWhole(await createNewFile(file), content);
}

/**
 * The content of a file as text, or undefined when there is none. Small files are read and looked at in one go: by way
 * of Node's thread pool each step costs ten times as much.
 * @throws INPUT_NOT_FOUND when it cannot be read
 */
export async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    return undefinedIfMissing(file, error);
  }
}

/**
 * The names in a folder.
 * @throws INPUT_NOT_FOUND when it cannot be read
 */
export async function listFolder(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    throw notReadable(folder, error);
  });
}

/**
 * The content of a file that holds a secret.
 * @throws INPUT_NOT_FOUND, and SECRET_FILE_MODE when `isShared`
 */
export async function readSecretFile(file: string): Promise<string> {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, READ_WITHOUT_WAITING);
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) throw refuse.INPUT_NOT_FOUND({ file, reason: 'it is a directory' });
    refuseShared(file, stats);
    if (!stats.isFIFO()) return readFileSync(descriptor, 'utf8');
    const pipe = await openPipe(descriptor);
    descriptor = undefined;
    const { text } = await import('node:stream/consumers');
    return await text(pipe);
  } catch (error) {
    throw error instanceof UserError ? error : notReadable(file, error);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/**
 * Makes sure that a file, which was read already and turned out to hold a secret, is its owner's alone.
 * @throws SECRET_FILE_MODE, as `readSecretFile` does, INPUT_NOT_FOUND
 */
export function requirePrivate(file: string): void {
  const stats = statsOf(file);
  if (stats !== undefined) refuseShared(file, stats);
}

/**
 * What the system knows of a file, or of the one that a link leads to; undefined when nothing is there.
 * @throws INPUT_NOT_FOUND when nobody can say
 */
export function statsOf(file: string): Stats | undefined {
  try {
    return statSync(file);
  } catch (error) {
    return undefinedIfMissing(file, error);
  }
}

/**
 * Whether others than its owner have rights to a file. Root may let a group read one of its own, as an administrator
 * gives a file to the account of a program; these are libpq's rules for the file of a private key.
 * @see https://www.postgresql.org/docs/current/libpq-ssl.html
 */
export function isShared({ uid, mode }: Stats): boolean {
  return (mode & (uid === 0 ? 0o037 : 0o077)) !== 0;
}

/** The mode that a file has to be given so that it is not shared, and whoever runs this program can still read it. */
export function privateMode({ uid }: Stats): string {
  return uid === 0 && process.getuid?.() !== 0 ? '640' : '600';
}

function refuseShared(file: string, stats: Stats): void {
  if (!isShared(stats)) return;
  throw refuse.SECRET_FILE_MODE({ file, mode: formatMode(stats.mode), wanted: privateMode(stats) });
}

/** Flags to open a named pipe for reading, whether anybody writes to it yet or not; a file is read as ever. */
export const READ_WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * A named pipe as a stream that closes it. Its bytes are awaited as those of a socket are: a thread of Node's pool that
 * waits for them in read(2), or for a writer in open(2), keeps the program from ending at an interrupt.
 */
export async function openPipe(descriptor: number): Promise<Readable> {
  const { Socket } = await import('node:net');
  return new Socket({ fd: descriptor, readable: true, writable: false });
}

/** Mode bits as chmod writes them: 0600. */
export function formatMode(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

/**
 * What is at a path: its kind without following a link, its owner and mode; undefined when nothing is there.
 * @throws INPUT_NOT_FOUND when nobody can say
 */
export async function lookAt(
  path: string,
): Promise<{ kind: 'file' | 'folder' | 'link' | 'other'; mode: number; uid: number } | undefined> {
  try {
    const stats = lstatSync(path);
    const kind = stats.isSymbolicLink()
      ? 'link'
      : stats.isDirectory()
        ? 'folder'
        : stats.isFile()
          ? 'file'
          : 'other';
    const { mode, uid } = stats;
    return { kind, mode, uid };
  } catch (error) {
    return undefinedIfMissing(path, error);
  }
}

function openNew(file: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  return open(file, flags, 0o600);
}

async function writeWhole(pending: PendingFile, content: Content): Promise<void> {
  try {
    await pending.write(content);
    await pending.complete();
    await pending.publish();
  } finally {
    await pending.discard();
  }
}

/**
 * Makes sure that the names in a folder survive a crash; where its rights or its file system do not let anybody do so,
 * they are as safe as they can be.
 */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, constants.O_RDONLY);
    await handle.sync();
  } catch (error) {
    if (!['EACCES', 'EINVAL', 'ENOTSUP'].includes(codeOf(error))) throw error;
  } finally {
    await handle?.close();
  }
}

function notReadable(file: string, error: unknown): Error {
  return refuse.INPUT_NOT_FOUND({ file, reason: reasonOf(error) });
}

function notCreated(file: string, error: unknown): Error {
  if (error instanceof UserError) return error;
  return codeOf(error) === 'EEXIST' ? refuse.FILE_EXISTS({ file }) : notWritable(file, error);
}

function notWritable(file: string, error: unknown): Error {
  const folder = dirname(file);
  if (codeOf(error) === 'ENOENT' && !existsSync(folder)) return refuse.FOLDER_MISSING({ file, folder });
  return refuse.FILE_NOT_WRITABLE({ file, reason: reasonOf(error) });
}

/** Why the system refuses a file, in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (
    {
      ENOENT: 'no such file or folder',
      ENOTDIR: 'a part of its path is not a folder',
      EEXIST: 'a part of its path is not a folder',
      EISDIR: 'it is a directory',
      EACCES: 'permission denied',
      ENOSPC: 'no space left on the disk',
      EROFS: 'the file system is read-only',
    }[code ?? ''] ?? message
  );
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

function undefinedIfMissing(file: string, error: unknown): undefined {
  if (!isMissing(error)) throw notReadable(file, error);
  return undefined;
}

/** Whether an error says that nothing is at a path. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
