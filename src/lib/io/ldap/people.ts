import {
  type DirectoryEntry,
  type DirectoryGroup,
  type DirectoryPerson,
  readEntries,
  readPerson,
} from '../../core/directory-entry.ts';
import type { DirectoryContent } from '../../core/directory-sync.ts';
import { refuse } from '../../core/errors.ts';
import type { Directory } from './directory.ts';

/**
 * The one person with a login.
 * @throws NOT_IN_DIRECTORY, LOGIN_TWICE, what `readPerson` and the directory throw
 */
export async function readOnePerson(
  directory: Directory,
  username: string,
  staff: DirectoryGroup | null,
): Promise<DirectoryPerson> {
  const { settings } = directory;
  const [entry, ...others] = await directory.find(username);
  if (entry === undefined) {
    const { baseDn } = settings;
    throw refuse.NOT_IN_DIRECTORY({ username, baseDn, filter: directory.describeFilter(username) });
  }
  if (others.length > 0) {
    throw refuse.LOGIN_TWICE({ username, dns: [entry, ...others].map(({ dn }) => dn) });
  }
  return readPerson(entry, settings.attributes, staff);
}

/** The people that entries are, and the entries that are nobody. */
export function readPeople(
  { settings }: Directory,
  entries: readonly DirectoryEntry[],
  staff: DirectoryGroup | null,
): DirectoryContent {
  const { read: people, refused } = readEntries(entries, (entry) =>
    readPerson(entry, settings.attributes, staff),
  );
  return { people, refused };
}
