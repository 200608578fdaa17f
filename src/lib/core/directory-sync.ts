import { isLossTooLarge } from './brake.ts';
import type { DirectoryPerson } from './directory-entry.ts';
import { refuse, UserError } from './errors.ts';
import type { Instant } from './instant.ts';
import { changedPersonFields, changePerson, type Person } from './person.ts';
import { type DirectoryId, newUser, type Username } from './user.ts';

/** An entry that cannot be taken over, and why. */
export interface RefusedEntry {
  readonly dn: string;
  /** The entry's id, when that at least could be read. */
  readonly id: DirectoryId | null;
  readonly error: UserError;
}

/** What the directory holds: people, and entries that are none. */
export interface DirectoryContent {
  readonly people: readonly DirectoryPerson[];
  readonly refused: readonly RefusedEntry[];
}

/** One user that a plan changes. */
export interface SyncChange<Stored extends Person> {
  readonly action: 'create' | 'update' | 'deactivate';
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

/** An entry beside the user that it is. */
interface Match<Stored> {
  readonly person: DirectoryPerson;
  /** Null: nobody yet. */
  readonly stored: Stored | null;
  readonly username: Username;
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
  // An entry that moves while the pages are read can stand on two of them.
  const people = [...new Map(read.map((person) => [person.id, person])).values()];
  const refused = [...unread];
  const changes: SyncChange<Stored>[] = [];
  let unchanged = 0;
  const { matches, refused: unmatched } = matchEntries(people, users);
  refused.push(...unmatched);
  for (const match of matches) {
    const { person, stored } = match;
    try {
      const wanted = personFromDirectory(match, now);
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
  const gone = findGone(linked, { people, refused });
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
  const isBack = base.user.directory !== null && base.user.directory.goneAt !== null;
  const user = {
    ...base.user,
    username,
    isActive: isBack || base.user.isActive,
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
  if (own !== null) throw refuse.LOGIN_TAKEN({ username, dn, current: own.user.username });
  if (directory !== null && !relink) throw refuse.ENTRY_REPLACED({ username, dn });
  return holder;
}

function matchEntries<Stored extends Person>(
  people: readonly DirectoryPerson[],
  users: readonly Stored[],
): { matches: Match<Stored>[]; refused: RefusedEntry[] } {
  const byId = new Map(users.map((stored) => [stored.user.directory?.id, stored]));
  const byName = new Map(users.map((stored) => [stored.user.username, stored]));
  const ids = new Set(people.map(({ id }) => id));
  const refused: RefusedEntry[] = [];
  const refuseEntry = ({ dn, id }: DirectoryPerson, error: UserError) => refused.push({ dn, id, error });

  const byUsername = new Map<Username, Match<Stored>[]>();
  for (const person of people) {
    const stored = byId.get(person.id) ?? null;
    const username = usernameFor(person, stored);
    const rivals = byUsername.get(username) ?? [];
    if (rivals.push({ person, stored, username }) === 1) byUsername.set(username, rivals);
  }
  let matches: Match<Stored>[] = [];
  for (const [username, rivals] of byUsername) {
    const [match, ...others] = rivals;
    if (match !== undefined && others.length === 0) matches.push(match);
    else
      for (const { person } of rivals)
        refuseEntry(person, refuse.LOGIN_TWICE({ username, dns: rivals.map((rival) => rival.person.dn) }));
  }

  // A refused renaming keeps its old name taken, which may refuse another one: as long as there are any.
  for (let settled = false; !settled; ) {
    const moving = new Set(matches.filter(isRenaming).map(({ stored }) => stored));
    const kept = matches.flatMap((match): Match<Stored>[] => {
      const holder = byName.get(match.username);
      if (holder === undefined || holder === match.stored || moving.has(holder)) return [match];
      const { directory, username } = holder.user;
      if (directory === null && match.stored === null) return [{ ...match, stored: holder }];
      const isReplaced = directory !== null && match.stored === null && !ids.has(directory.id);
      refuseEntry(
        match.person,
        isReplaced
          ? refuse.ENTRY_REPLACED({ username, dn: match.person.dn })
          : refuse.LOGIN_TAKEN({
              username,
              dn: match.person.dn,
              current: match.stored?.user.username ?? null,
            }),
      );
      return [];
    });
    settled = kept.length === matches.length;
    matches = kept;
  }
  return { matches, refused };
}

function isRenaming({ stored, username }: Match<Person>): boolean {
  return stored !== null && stored.user.username !== username;
}

/** The users whose entry is not there any more. */
function findGone<Stored extends Person>(
  linked: readonly Stored[],
  { people, refused }: DirectoryContent,
): Stored[] {
  if (refused.some(({ id }) => id === null)) return [];
  const there = new Set([...people, ...refused].map(({ id }) => id));
  const replaced = new Set(
    refused.filter(({ error }) => error.code === 'ENTRY_REPLACED').map(({ error }) => error.data.username),
  );
  return linked.filter(({ user: { directory, username } }) => {
    return directory !== null && !there.has(directory.id) && !replaced.has(username);
  });
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
    return refuse.SYNC_BRAKED({ loss: 'active users', lost: gone, of: linked.length });
  }
  const staff = linked.filter(({ user }) => user.isStaff).length;
  const demoted = changes.filter(({ stored, wanted }) => stored?.user.isStaff && !wanted.user.isStaff).length;
  return isLossTooLarge(demoted, staff)
    ? refuse.SYNC_BRAKED({ loss: 'members of the staff', lost: demoted, of: staff })
    : null;
}
