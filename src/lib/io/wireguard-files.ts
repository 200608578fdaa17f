import { access, constants, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { refuse, UserError } from '../core/errors.ts';
import type { FoundFile } from '../core/host-plan.ts';
import type { Hostname } from '../core/hostname.ts';
import { isInterfaceName } from '../core/interface-name.ts';
import { parseHeader } from '../core/wireguard-config.ts';
import {
  formatMode,
  listFolder,
  lookAt,
  readIfPresent,
  removeFile,
  removeUnfinished,
  unfinishedOf,
  writeFileAtomically,
} from './files.ts';

const GROUP_AND_OTHERS = 0o077;
const GROUP_AND_OTHERS_WRITE = 0o022;

/**
 * The real path of the directory for the WireGuard files, if private keys can be written into it.
 * @throws CONFIG_DIRECTORY_MISSING; UNSAFE_CONFIG_DIRECTORY when others may write into it or own it;
 *   CONFIG_DIRECTORY_CLOSED when this account may not write into it
 */
export async function safeDirectory(directory: string): Promise<string> {
  const real = await realpath(directory).catch(() => directory);
  const found = await lookAt(real);
  if (found?.kind !== 'folder') throw refuse.CONFIG_DIRECTORY_MISSING({ directory });
  if ((found.mode & GROUP_AND_OTHERS_WRITE) !== 0) {
    const reason = `others may write into it (mode ${formatMode(found.mode)})`;
    throw refuse.UNSAFE_CONFIG_DIRECTORY({ directory, reason });
  }
  if (found.uid !== 0 && found.uid !== process.geteuid?.()) {
    throw refuse.UNSAFE_CONFIG_DIRECTORY({ directory, reason: 'it belongs to somebody else' });
  }
  // A read-only file system refuses too, but only writing: what is in its files can be served.
  const denied = await access(real, constants.R_OK | constants.W_OK | constants.X_OK).catch(
    (error: NodeJS.ErrnoException) => error.code,
  );
  if (denied === 'EACCES') throw refuse.CONFIG_DIRECTORY_CLOSED({ directory });
  return real;
}

/** The names of the files `NAME.conf` in the directory that an interface can have, without the ending. */
export async function listConfigs(directory: string): Promise<string[]> {
  const files = await listFolder(directory);
  return files
    .filter((file) => file.endsWith('.conf'))
    .map((file) => file.slice(0, -'.conf'.length))
    .filter(isInterfaceName)
    .sort();
}

/**
 * The file of an interface; null when there is none.
 * @throws SYMLINK_IN_THE_WAY; FILE_NOT_OURS for what is no regular file; INPUT_NOT_FOUND when it cannot be read
 */
export async function readConfig(directory: string, name: string): Promise<FoundFile | null> {
  const path = configPath(directory, name);
  const found = await lookAt(path);
  if (found === undefined) return null;
  if (found.kind === 'link') throw refuse.SYMLINK_IN_THE_WAY({ path });
  if (found.kind !== 'file') throw refuse.FILE_NOT_OURS({ file: path });
  const text = await readIfPresent(path);
  return text === undefined ? null : { text, exposed: (found.mode & GROUP_AND_OTHERS) !== 0 };
}

/**
 * Writes the file of an interface, mode 0600, whole or not at all, and removes what a killed run left unfinished.
 * @throws FILE_NOT_WRITABLE
 */
export async function writeConfig(directory: string, name: string, text: string): Promise<void> {
  const path = configPath(directory, name);
  await removeUnfinished(path);
  await writeFileAtomically(path, text);
}

/**
 * Removes the file of an interface, and what a killed run left unfinished: its private key is in both.
 * @throws FILE_NOT_WRITABLE
 */
export async function removeConfig(directory: string, name: string): Promise<void> {
  const path = configPath(directory, name);
  await removeUnfinished(path);
  await removeFile(path);
}

/**
 * Removes what killed runs for this host left unfinished of any file, also of one that no run writes again: a private
 * key is in it. Only for whoever holds the lock of the directory. Where it cannot be removed, a later run does so.
 */
export async function removeUnfinishedConfigs(directory: string, hostname: Hostname): Promise<void> {
  for (const file of await listFolder(directory)) {
    if (unfinishedOf(file)?.file.endsWith('.conf') !== true) continue;
    const path = join(directory, file);
    try {
      if ((await lookAt(path))?.kind !== 'file') continue;
      if (parseHeader((await readIfPresent(path)) ?? '')?.hostname === hostname) await removeFile(path);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
}

/** Where the file of an interface is. */
export function configPath(directory: string, name: string): string {
  return join(directory, `${name}.conf`);
}
