import { isLossTooLarge } from './brake.ts';
import { changedFields } from './changed-fields.ts';
import type { GroupEntry, PersonNames } from './directory-entry.ts';
import { canonicalDn } from './distinguished-name.ts';
import {
  distinct,
  findGone,
  isReturning,
  type Match,
  matchEntries,
  type RefusedEntry,
  type SyncAction,
} from './entry-match.ts';
import { refuse, type UserError } from './errors.ts';
import type { Group, GroupName, Member } from './group.ts';
import type { Instant } from './instant.ts';
import type { DirectoryLink, User, Username } from './user.ts';

/** A user, as far as being a member depends on it. */
export type KnownUser = Pick<User, 'username' | 'directory'>;

/** A group with its members; those of a group that was made by hand are not needed. */
export interface GroupState {
  readonly group: Group;
  readonly members: readonly Member[];
}

/** What the directory holds: groups, entries that are none, and how people are named. */
export interface GroupContent {
  readonly groups: readonly GroupEntry[];
  readonly refused: readonly RefusedEntry[];
  readonly people: readonly PersonNames[];
}

/** One group that a plan changes. */
export interface GroupSyncChange<Stored extends GroupState> {
  readonly action: SyncAction;
  readonly stored: Stored | null;
  readonly wanted: Group;
  /** What an update or a deactivation changes, but for the members. */
  readonly fields: readonly (keyof Group)[];
  readonly added: readonly Username[];
  readonly removed: readonly Username[];
}

/** A member of a group in the directory who is no user here. */
export interface UnknownMember {
  readonly group: GroupName;
  /** A distinguished name, or a login. */
  readonly member: string;
}

/** What has to be done so that the groups are what the directory says. */
export interface GroupSyncPlan<Stored extends GroupState> {
  readonly changes: readonly GroupSyncChange<Stored>[];
  readonly refused: readonly RefusedEntry[];
  readonly unknown: readonly UnknownMember[];
  readonly unchanged: number;
  /** Set when the plan takes away so much that the directory may be broken. */
  readonly brake: UserError | null;
}

/**
 * Compares the directory with the groups. Entries and groups belong together by the entry's id, so a renamed entry
 * renames its group. Groups that were made by hand are never touched, and keep their names. Members have the rights
 * that they have here: the directory does not say who administers. Groups whose entry is gone become inactive and keep
 * their members, unless an entry without an id might be theirs.
 * @param owner whom new groups belong to when none of their owners in the directory is a user
 */
export function planGroupSync<Stored extends GroupState>(
  { groups: read, refused: unread, people }: GroupContent,
  {
    stored: all,
    users,
    owner,
  }: { stored: readonly Stored[]; users: readonly KnownUser[]; owner: Username | null },
  now: Instant,
): GroupSyncPlan<Stored> {
  const entries = distinct(read);
  const known = new KnownNames(people, users);
  const { matches, refused: unmatched } = matchGroups(entries, all);
  const refused = [...unread, ...unmatched];
  const unknown: UnknownMember[] = [];
  const changes: GroupSyncChange<Stored>[] = [];
  let unchanged = 0;
  for (const match of matches) {
    const { entry, stored, name } = match;
    const wanted = groupFromDirectory(match, known.owner(entry, stored?.group.owner ?? null) ?? owner);
    if (wanted === null) {
      const error = refuse.GROUP_WITHOUT_OWNER({ name, dn: entry.dn });
      refused.push({ dn: entry.dn, id: entry.id, error });
      continue;
    }
    const found = known.members(entry);
    unknown.push(...found.unknown.map((member) => ({ group: name, member })));
    const change = changeTo(wanted, stored, found.members);
    const differences = change.fields.length + change.added.length + change.removed.length;
    if (stored === null || differences > 0) changes.push(change);
    else unchanged += 1;
  }
  const linked = all.filter(({ group }) => group.isActive && group.directory?.goneAt === null);
  const gone = findGone(linked, linkOf, [...entries, ...refused]);
  changes.push(...gone.map((stored) => deactivation(stored, now)));
  const kept = matches.flatMap(({ stored }) => stored ?? []);
  return { changes, refused, unknown, unchanged, brake: brakeOn(changes, { linked, kept }) };
}

/** What the groups of a directory name, by itself: who is a user here makes no difference. */
export interface GroupSurvey {
  readonly entries: number;
  /** Each member is counted in each group. */
  readonly members: number;
  /** Members who are none of the people of the directory. */
  readonly unknown: readonly UnknownMember[];
  /** Groups that name no owner who is one of them. */
  readonly withoutOwner: readonly GroupName[];
}

/** Looks through the groups of a directory before anybody of it is a user. */
export function surveyGroups({ groups, refused, people }: GroupContent): GroupSurvey {
  const users = people.flatMap(({ id, dn, logins: [login] }) =>
    login === undefined ? [] : [{ username: login as Username, directory: { id, dn, goneAt: null } }],
  );
  const known = new KnownNames(people, users);
  const unknown = groups.flatMap((entry) =>
    known.members(entry).unknown.map((member) => ({ group: entry.names[0], member })),
  );
  return {
    entries: groups.length + refused.length,
    members: groups.reduce((sum, { members: { dns, usernames } }) => sum + dns.size + usernames.size, 0),
    unknown,
    withoutOwner: groups
      .filter((entry) => known.owner(entry, null) === null)
      .map(({ names: [name] }) => name),
  };
}

function linkOf({ group }: GroupState): DirectoryLink | null {
  return group.directory;
}

function matchGroups<Stored extends GroupState>(entries: readonly GroupEntry[], all: readonly Stored[]) {
  return matchEntries<GroupEntry, Stored, GroupName>(entries, all, {
    linkOf,
    nameOf: ({ group }) => group.name,
    nameFor: ({ names }, stored) => names.find((name) => name === stored?.group.name) ?? names[0],
    refuseTwice: (name, dns) => refuse.GROUP_TWICE({ name, dns }),
    onTaken: ({ entry: { dn }, name }, { group }) =>
      refuse.GROUP_TAKEN({ name, dn, holder: group.directory?.dn ?? null }),
  });
}

/** The group that an entry makes of a stored one, or of nothing; null: nobody owns it. */
function groupFromDirectory(
  { entry: { id, dn }, stored, name }: Match<GroupEntry, GroupState, GroupName>,
  owner: Username | null,
): Group | null {
  if (owner === null) return null;
  const isActive = stored === null || isReturning(stored.group.directory) || stored.group.isActive;
  return { name, owner, isActive, directory: { id, dn, goneAt: null } };
}

function changeTo<Stored extends GroupState>(
  wanted: Group,
  stored: Stored | null,
  members: ReadonlySet<Username>,
): GroupSyncChange<Stored> {
  const before = new Set(stored?.members.map(({ username }) => username));
  return {
    action: stored === null ? 'create' : 'update',
    stored,
    wanted,
    fields: stored === null ? [] : changedFields(stored.group, wanted),
    added: [...members].filter((username) => !before.has(username)),
    removed: [...before].filter((username) => !members.has(username)),
  };
}

function deactivation<Stored extends GroupState>(stored: Stored, now: Instant): GroupSyncChange<Stored> {
  const { group } = stored;
  const directory = group.directory && { ...group.directory, goneAt: now };
  const wanted = { ...group, isActive: false, directory };
  const fields = changedFields<Group>(group, wanted);
  return { action: 'deactivate', stored, wanted, fields, added: [], removed: [] };
}

function brakeOn<Stored extends GroupState>(
  changes: readonly GroupSyncChange<Stored>[],
  { linked, kept }: { linked: readonly Stored[]; kept: readonly Stored[] },
): UserError | null {
  const command = 'group sync';
  const gone = changes.filter(({ action }) => action === 'deactivate').length;
  if (isLossTooLarge(gone, linked.length)) {
    return refuse.SYNC_BRAKED({ command, loss: 'active groups', lost: gone, of: linked.length });
  }
  const members = kept.reduce((sum, stored) => sum + stored.members.length, 0);
  const removed = changes.reduce((sum, change) => sum + change.removed.length, 0);
  return isLossTooLarge(removed, members)
    ? refuse.SYNC_BRAKED({ command, loss: 'members of groups', lost: removed, of: members })
    : null;
}

/**
 * Which user a name in a group means. An entry that is there is named as the directory says now, also when its user was
 * last synchronised under another name. A user without one is named by the username and by the entry that was there,
 * unless another entry has taken its place, which may be another person.
 */
class KnownNames {
  readonly #byDn: ReadonlyMap<string, Username>;
  readonly #byLogin: ReadonlyMap<string, Username>;

  constructor(people: readonly PersonNames[], users: readonly KnownUser[]) {
    const namesOf = new Map(people.map((person) => [person.id, person]));
    const seen: { username: Username; names: PersonNames }[] = [];
    const unseen: KnownUser[] = [];
    for (const user of users) {
      const names = user.directory === null ? undefined : namesOf.get(user.directory.id);
      if (names === undefined) unseen.push(user);
      else seen.push({ username: user.username, names });
    }
    const usedDns = new Set(people.map(({ dn }) => dn));
    const usedLogins = new Set(people.flatMap((person) => person.logins));
    this.#byDn = new Map([
      ...unseen.flatMap(({ username, directory }) => {
        const dn = directory === null ? null : canonicalDn(directory.dn);
        return dn === null || usedDns.has(dn) ? [] : [[dn, username] as const];
      }),
      ...seen.map(({ username, names }) => [names.dn, username] as const),
    ]);
    const logins = seen.flatMap(({ username, names }) => names.logins.map((login) => ({ login, username })));
    this.#byLogin = new Map([
      ...unseen
        .filter(({ username, directory }) => directory === null || !usedLogins.has(username))
        .map(({ username }) => [username as string, username] as const),
      // Of two who have a login it means the one who is called so.
      ...logins.map(({ login, username }) => [login, username] as const),
      ...logins
        .filter(({ login, username }) => login === username)
        .map(({ login, username }) => [login, username] as const),
    ]);
  }

  /**
   * The present owner, if the entry names that one; else the first whom it names and who is a user; else the present.
   */
  owner({ owners }: GroupEntry, present: Username | null): Username | null {
    const known = owners.flatMap((dn) => this.#byDn.get(dn) ?? []);
    return known.find((username) => username === present) ?? known[0] ?? present;
  }

  members({ members: { dns, usernames } }: GroupEntry): { members: Set<Username>; unknown: string[] } {
    const members = new Set<Username>();
    const unknown: string[] = [];
    const take = (username: Username | undefined, written: string) => {
      if (username === undefined) unknown.push(written);
      else members.add(username);
    };
    for (const [canonical, written] of dns) take(this.#byDn.get(canonical), written);
    for (const login of usernames) take(this.#byLogin.get(login), login);
    return { members, unknown };
  }
}
