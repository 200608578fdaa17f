import { UserError } from './errors.ts';
import type { DirectoryId, DirectoryLink } from './user.ts';

/** An entry that cannot be taken over, and why. */
export interface RefusedEntry {
  readonly dn: string;
  /** The entry's id, when that at least could be read. */
  readonly id: DirectoryId | null;
  readonly error: UserError;
}

/** An entry that could be read. */
export interface NamedEntry {
  readonly id: DirectoryId;
  readonly dn: string;
}

/** An entry beside the user or group that it is. */
export interface Match<Entry, Stored, Name> {
  readonly entry: Entry;
  /** Null: nobody yet. */
  readonly stored: Stored | null;
  readonly name: Name;
}

/** How users, or groups, are told apart. */
export interface MatchRules<Entry, Stored, Name> {
  readonly linkOf: (stored: Stored) => DirectoryLink | null;
  readonly nameOf: (stored: Stored) => Name;
  /** The name of the user or group that the entry is. */
  readonly nameFor: (entry: Entry, stored: Stored | null) => Name;
  /** Why no entry can have a name that several have. */
  readonly refuseTwice: (name: Name, dns: readonly string[]) => UserError;
  /**
   * What becomes of an entry whose name somebody else has and keeps: it is that one, or it is refused.
   * @param isGone whether the holder's own entry is not among the entries
   */
  readonly onTaken: (
    match: Match<Entry, Stored, Name>,
    holder: Stored,
    isGone: boolean,
  ) => Stored | UserError;
}

/** The entries, each once: one that moves while the pages are read can stand on two of them. */
export function distinct<Entry extends NamedEntry>(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map((entry) => [entry.id, entry])).values()];
}

/** Finds who each entry is: by its id, so that a renamed entry stays the same, and new ones by their name. */
export function matchEntries<Entry extends NamedEntry, Stored, Name extends string>(
  entries: readonly Entry[],
  all: readonly Stored[],
  { linkOf, nameOf, nameFor, refuseTwice, onTaken }: MatchRules<Entry, Stored, Name>,
): { matches: Match<Entry, Stored, Name>[]; refused: RefusedEntry[] } {
  const byId = new Map(all.map((stored) => [linkOf(stored)?.id, stored]));
  const byName = new Map(all.map((stored) => [nameOf(stored), stored]));
  const ids = new Set(entries.map(({ id }) => id));
  const refused: RefusedEntry[] = [];
  const refuseEntry = ({ dn, id }: Entry, error: UserError) => refused.push({ dn, id, error });

  const named = entries.map((entry): Match<Entry, Stored, Name> => {
    const stored = byId.get(entry.id) ?? null;
    return { entry, stored, name: nameFor(entry, stored) };
  });
  let matches: Match<Entry, Stored, Name>[] = [];
  for (const [name, rivals] of Map.groupBy(named, (match) => match.name)) {
    const [match, ...others] = rivals;
    const dns = rivals.map(({ entry }) => entry.dn);
    if (match !== undefined && others.length === 0) matches.push(match);
    else for (const { entry } of rivals) refuseEntry(entry, refuseTwice(name, dns));
  }

  // A refused renaming keeps its old name taken, which may refuse another one: as long as there are any.
  for (let settled = false; !settled; ) {
    const renamed = matches.filter(({ stored, name }) => stored !== null && nameOf(stored) !== name);
    const moving = new Set(renamed.map(({ stored }) => stored));
    const kept = matches.flatMap((match): Match<Entry, Stored, Name>[] => {
      const holder = byName.get(match.name);
      if (holder === undefined || holder === match.stored || moving.has(holder)) return [match];
      const link = linkOf(holder);
      const isGone = link !== null && !ids.has(link.id);
      const outcome = onTaken(match, holder, isGone);
      if (!(outcome instanceof UserError)) return [{ ...match, stored: outcome }];
      refuseEntry(match.entry, outcome);
      return [];
    });
    settled = kept.length === matches.length;
    matches = kept;
  }
  return { matches, refused };
}

/** Those of the linked whose entry is not there any more; none, as long as an entry without an id might be theirs. */
export function findGone<Stored>(
  linked: readonly Stored[],
  linkOf: (stored: Stored) => DirectoryLink | null,
  there: readonly { readonly id: DirectoryId | null }[],
): Stored[] {
  const ids = new Set(there.map(({ id }) => id));
  if (ids.has(null)) return [];
  return linked.filter((stored) => {
    const link = linkOf(stored);
    return link !== null && !ids.has(link.id);
  });
}

/** Whether a user or group whose entry was gone gets it back. */
export function isReturning(link: DirectoryLink | null): boolean {
  return link !== null && link.goneAt !== null;
}

/** What a plan does with a user or group. */
export type SyncAction = 'create' | 'update' | 'deactivate';

/** How many changes of a plan are of each kind. */
export function countActions(changes: readonly { readonly action: SyncAction }[]): {
  created: number;
  updated: number;
  deactivated: number;
} {
  const count = (action: SyncAction) => changes.filter((change) => change.action === action).length;
  return { created: count('create'), updated: count('update'), deactivated: count('deactivate') };
}
