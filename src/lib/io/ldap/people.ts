import {
  type DirectoryEntry,
  type DirectoryGroup,
  type DirectoryPerson,
  readDirectoryId,
  readPerson,
} from '../../core/directory-entry.ts';
import type { DirectoryContent, RefusedEntry } from '../../core/directory-sync.ts';
import { refuse, UserError } from '../../core/errors.ts';
import type { DirectoryId } from '../../core/user.ts';
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
  const people: DirectoryPerson[] = [];
  const refused: RefusedEntry[] = [];
  for (const entry of entries) {
    try {
      people.push(readPerson(entry, settings.attributes, staff));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refused.push({ dn: entry.dn, id: idOf(entry), error });
    }
  }
  return { people, refused };
}

function idOf(entry: DirectoryEntry): DirectoryId | null {
  try {
    return readDirectoryId(entry);
  } catch {
    return null;
  }
}
