import { isLossTooLarge } from './brake.ts';
import type { DirectoryPerson } from './directory-entry.ts';
import {
  distinct,
  findGone,
  isReturning,
  matchEntries,
  type RefusedEntry,
  type SyncAction,
} from './entry-match.ts';
import { refuse, UserError } from './errors.ts';
import type { Instant } from './instant.ts';
import { changedPersonFields, changePerson, type Person } from './person.ts';
import { type DirectoryLink, newUser, type Username } from './user.ts';

/** What the directory holds: people, and entries that are none. */
export interface DirectoryContent {
  readonly people: readonly DirectoryPerson[];
  readonly refused: readonly RefusedEntry[];
}

/** One user that a plan changes. */
export interface SyncChange<Stored extends Person> {
  readonly action: SyncAction;
  readonly stored: Stored | null;
  readonly wanted: Person;
  /** What an update or a deactivation changes. */
  readonly fields: readonly string[];
}

/** What has to be done so that the users are what the directory says. */
export interface SyncPlan<Stored extends Person> {
  readonly changes: readonly SyncChange<Stored>[];
  readonly refused: readonly RefusedEntry[];
  readonly unchanged: number;
  /** Set when the plan takes away so much that the directory may be broken. */
  readonly brake: UserError | null;
}

/**
 * Compares the directory with the users. Entries and users belong together by the entry's id, so a renamed entry
 * renames its user; an entry that nobody has yet belongs to the user of its name, if that one has no entry. Users
 * whose entry is gone become inactive, unless an entry without an id might be theirs.
 */
export function planSync<Stored extends Person>(
  { people: read, refused: unread }: DirectoryContent,
  users: readonly Stored[],
  now: Instant,
): SyncPlan<Stored> {
  const people = distinct(read);
  const refused = [...unread];
  const changes: SyncChange<Stored>[] = [];
  let unchanged = 0;
  const { matches, refused: unmatched } = matchPeople(people, users);
  refused.push(...unmatched);
  for (const match of matches) {
    const { entry: person, stored, name: username } = match;
    try {
      const wanted = personFromDirectory({ person, stored, username }, now);
      const fields = stored === null ? [] : changedPersonFields(stored, wanted);
      if (stored === null) changes.push({ action: 'create', stored, wanted, fields });
      else if (fields.length > 0) changes.push({ action: 'update', stored, wanted, fields });
      else unchanged += 1;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refused.push({ dn: person.dn, id: person.id, error });
    }
  }
  const linked = users.filter(({ user }) => user.isActive && user.directory?.goneAt === null);
  const replaced = new Set(
    refused.filter(({ error }) => error.code === 'ENTRY_REPLACED').map(({ error }) => error.data.username),
  );
  const gone = findGone(linked, ({ user }) => user.directory, [...people, ...refused]).filter(
    ({ user }) => !replaced.has(user.username),
  );
  changes.push(...gone.map((stored) => deactivation(stored, now)));
  return { changes, refused, unchanged, brake: brakeOn(changes, linked) };
}

/**
 * The user that an entry makes of a stored one, or of nobody.
 * @throws INVALID_VAT_NUMBER when the directory moves a user to another country than that of the VAT number
 */
export function personFromDirectory(
  { person, stored, username }: { person: DirectoryPerson; stored: Person | null; username: Username },
  now: Instant,
): Person {
  const base = stored ?? { user: newUser(username, now), address: null };
  const user = {
    ...base.user,
    username,
    isActive: isReturning(base.user.directory) || base.user.isActive,
    directory: { id: person.id, dn: person.dn, goneAt: null },
  };
  // A directory that knows a street and no country makes no billing address.
  const hasCountry = (person.change.address.country ?? base.address?.country) !== undefined;
  const change = hasCountry ? person.change : { ...person.change, address: {} };
  return changePerson({ ...base, user }, change);
}

/**
 * The username of an entry: the one that its user has, if it is still among the logins; else the one asked for, in
 * whichever case; else the first.
 */
export function usernameFor(
  { usernames }: DirectoryPerson,
  stored: Person | null,
  asked?: Username,
): Username {
  return (
    usernames.find((username) => username === stored?.user.username) ??
    usernames.find((username) => username.toLowerCase() === asked?.toLowerCase()) ??
    usernames[0]
  );
}

/**
 * The user that a single entry is.
 * @param own who has the entry already
 * @param holder who has its username
 * @param relink whether a user whose entry is another one is taken for the same person
 * @throws LOGIN_TAKEN, ENTRY_REPLACED
 */
export function matchPerson<Stored extends Person>(
  { dn }: DirectoryPerson,
  { own, holder }: { own: Stored | null; holder: Stored | null },
  { relink = false }: { relink?: boolean },
): Stored | null {
  if (holder === null || holder.user.username === own?.user.username) return own;
  const { username, directory } = holder.user;
  if (own !== null) {
    const isGone = isReturning(directory);
    throw refuse.LOGIN_TAKEN({
      username,
      dn,
      current: own.user.username,
      holder: placeOf(directory, isGone),
    });
  }
  if (directory !== null && !relink) throw refuse.ENTRY_REPLACED({ username, dn });
  return holder;
}

function matchPeople<Stored extends Person>(people: readonly DirectoryPerson[], users: readonly Stored[]) {
  return matchEntries<DirectoryPerson, Stored, Username>(people, users, {
    linkOf: ({ user }) => user.directory,
    nameOf: ({ user }) => user.username,
    nameFor: usernameFor,
    refuseTwice: (username, dns) => refuse.LOGIN_TWICE({ username, dns }),
    onTaken: ({ entry: { dn }, stored }, holder, isGone) => {
      const { directory, username } = holder.user;
      if (directory === null && stored === null) return holder;
      if (isGone && stored === null) return refuse.ENTRY_REPLACED({ username, dn });
      const current = stored?.user.username ?? null;
      return refuse.LOGIN_TAKEN({ username, dn, current, holder: placeOf(directory, isGone) });
    },
  });
}

/** Where the user stands who has a login that an entry wants. */
function placeOf(link: DirectoryLink | null, isGone: boolean) {
  if (link === null) return 'has none';
  return isGone ? 'entry is gone' : 'has an entry';
}

function deactivation<Stored extends Person>(stored: Stored, now: Instant): SyncChange<Stored> {
  const { user, address } = stored;
  const directory = user.directory && { ...user.directory, goneAt: now };
  const wanted = { user: { ...user, isActive: false, directory }, address };
  return { action: 'deactivate', stored, wanted, fields: changedPersonFields(stored, wanted) };
}

function brakeOn<Stored extends Person>(
  changes: readonly SyncChange<Stored>[],
  linked: readonly Stored[],
): UserError | null {
  const gone = changes.filter(({ action }) => action === 'deactivate').length;
  if (isLossTooLarge(gone, linked.length)) {
    return refuse.SYNC_BRAKED({ command: 'user sync', loss: 'active users', lost: gone, of: linked.length });
  }
  const staff = linked.filter(({ user }) => user.isStaff).length;
  const demoted = changes.filter(({ stored, wanted }) => stored?.user.isStaff && !wanted.user.isStaff).length;
  return isLossTooLarge(demoted, staff)
    ? refuse.SYNC_BRAKED({ command: 'user sync', loss: 'members of the staff', lost: demoted, of: staff })
    : null;
}
