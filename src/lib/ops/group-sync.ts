import type { Transaction } from 'kysely';
import { countActions, type RefusedEntry } from '../core/entry-match.ts';
import { refuse } from '../core/errors.ts';
import { type GroupSyncChange, planGroupSync, type UnknownMember } from '../core/group-sync.ts';
import { parseLdapSettings } from '../core/ldap-settings.ts';
import type { Username } from '../core/user.ts';
import { readOrWrite } from '../io/db/database.ts';
import { findGroupStates, findKnownUsers, type StoredGroupState, saveGroups } from '../io/db/groups.ts';
import type { Schema } from '../io/db/schema.ts';
import { readGroups } from '../io/ldap/groups.ts';
import type { Context } from './context.ts';

/** How a group sync goes about what it decided. */
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
  const { groups: search } = parseLdapSettings(context.config);
  if (search === null) {
    throw refuse.INVALID_LDAP_SETTING({
      key: 'ldap.group_base_dn',
      fault: 'is empty',
      cure: 'docs/groups.md shows an example.',
    });
  }
  const content = await readGroups(await context.ldap(), search, context.progress);
  const database = await context.db();

  const work = async (tx: Transaction<Schema>): Promise<GroupSyncResult> => {
    const users = await findKnownUsers(tx);
    const userIds = new Map(users.map(({ id, username }) => [username, id]));
    if (owner !== null && !userIds.has(owner)) throw refuse.UNKNOWN_USER({ username: owner });
    const { changes, refused, unknown, unchanged, brake } = planGroupSync(
      content,
      { stored: await findGroupStates(tx), users, owner },
      context.now,
    );
    if (brake !== null && !prune) throw brake;
    if (!dryRun) await saveGroups(tx, changes, userIds, context.now);
    return {
      entries: content.groups.length + content.refused.length,
      ...countActions(changes),
      unchanged,
      changes,
      refused,
      unknown,
    };
  };
  return readOrWrite(database, { topic: 'people', dryRun }, work);
}
