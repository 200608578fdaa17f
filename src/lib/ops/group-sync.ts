import type { Transaction } from 'kysely';
import {
  type GroupEntry,
  type PersonNames,
  readEntries,
  readGroupEntry,
  readPersonNames,
} from '../core/directory-entry.ts';
import { countActions, type RefusedEntry } from '../core/entry-match.ts';
import { refuse } from '../core/errors.ts';
import { type GroupSyncChange, planGroupSync, type UnknownMember } from '../core/group-sync.ts';
import { parseLdapSettings } from '../core/ldap-settings.ts';
import type { Username } from '../core/user.ts';
import { findGroupStates, findKnownUsers, type StoredGroupState, saveGroups } from '../io/db/groups.ts';
import type { Schema } from '../io/db/schema.ts';
import type { Context } from './context.ts';

export interface GroupSyncOptions {
  /** Whom new groups belong to when none of their owners in the directory is a user; null: such groups are refused. */
  readonly owner: Username | null;
  /** Decide about all groups and write nothing. */
  readonly dryRun: boolean;
  /** Do it although the brake holds. */
  readonly prune: boolean;
}

/** What a sync of groups did, or would do. */
export interface GroupSyncResult {
  readonly entries: number;
  readonly created: number;
  readonly updated: number;
  readonly deactivated: number;
  readonly unchanged: number;
  readonly changes: readonly GroupSyncChange<StoredGroupState>[];
  readonly refused: readonly RefusedEntry[];
  readonly unknown: readonly UnknownMember[];
}

/**
 * Makes the groups and their members what the directory says, in one transaction: new ones are created, known ones
 * brought up to date, and those whose entry is gone become inactive. Groups that were made by hand are left alone.
 * @throws SYNC_BRAKED unless `prune`, UNKNOWN_USER for the owner, INVALID_LDAP_SETTING without ldap.group_base_dn, and
 * what reading the directory throws; then nothing is changed
 */
export async function syncGroups(
  context: Context,
  { owner, dryRun, prune }: GroupSyncOptions,
): Promise<GroupSyncResult> {
  const { groups: search, attributes } = parseLdapSettings(context.config);
  if (search === null) throw refuse.INVALID_LDAP_SETTING({ key: 'ldap.group_base_dn', fault: 'is empty' });
  const directory = await context.ldap();
  const groups: GroupEntry[] = [];
  const unread: RefusedEntry[] = [];
  for await (const entries of directory.groups(search)) {
    const page = readEntries(entries, (entry) => readGroupEntry(entry, search.nameAttribute));
    groups.push(...page.read);
    unread.push(...page.refused);
    context.progress(groups.length + unread.length, null, 'groups');
  }
  const people: PersonNames[] = [];
  for await (const entries of directory.names()) {
    people.push(...readEntries(entries, (entry) => readPersonNames(entry, attributes)).read);
    context.progress(people.length, null, 'people');
  }
  const database = await context.db();

  const work = async (tx: Transaction<Schema>): Promise<GroupSyncResult> => {
    const users = await findKnownUsers(tx);
    const userIds = new Map(users.map(({ id, username }) => [username, id]));
    if (owner !== null && !userIds.has(owner)) throw refuse.UNKNOWN_USER({ username: owner });
    const { changes, refused, unknown, unchanged, brake } = planGroupSync(
      { groups, refused: unread, people },
      { stored: await findGroupStates(tx), users, owner },
      context.now,
    );
    if (brake !== null && !prune) throw brake;
    if (!dryRun) await saveGroups(tx, changes, userIds, context.now);
    return {
      entries: groups.length + unread.length,
      ...countActions(changes),
      unchanged,
      changes,
      refused,
      unknown,
    };
  };
  return dryRun ? database.read(work) : database.write('people', work);
}
