import type { Transaction } from 'kysely';
import { refuse } from '../../core/errors.ts';
import type { Group, GroupName, Member } from '../../core/group.ts';
import type { GroupState, KnownUser } from '../../core/group-sync.ts';
import type { Instant } from '../../core/instant.ts';
import type { Username } from '../../core/user.ts';
import { deleteRows, insertRows, isAmong, updateRows } from './bulk.ts';
import { only } from './database.ts';
import { directoryLinkOf } from './directory-link.ts';
import type { Schema } from './schema.ts';

/** A group in the database. */
export interface StoredGroup extends Group {
  readonly id: number;
  readonly memberCount: number;
  readonly createdAt: Instant;
}

/** What groups are looked for by; all of what is given has to fit. */
export interface GroupFilter {
  readonly name?: GroupName | undefined;
  /** Owned by this user, or with the user as a member. */
  readonly userId?: number | undefined;
  readonly isActive?: boolean | undefined;
}

/** The groups that fit, in the order of their ids. */
export async function findGroups(
  tx: Transaction<Schema>,
  { name, userId, isActive }: GroupFilter = {},
): Promise<StoredGroup[]> {
  let query = tx
    .selectFrom('groups')
    .innerJoin('users', 'users.id', 'groups.owner_id')
    .select(['groups.id', 'groups.name', 'groups.is_active', 'groups.created_at', 'users.username'])
    .select(['groups.directory_id', 'groups.directory_dn', 'groups.directory_gone_at'])
    .select(({ selectFrom }) =>
      selectFrom('group_members')
        .select(({ fn }) => fn.countAll<number>().as('count'))
        .whereRef('group_id', '=', 'groups.id')
        .as('member_count'),
    )
    .orderBy('groups.id');
  if (name !== undefined) query = query.where('groups.name', '=', name);
  if (isActive !== undefined) query = query.where('groups.is_active', '=', isActive);
  if (userId !== undefined) {
    query = query.where(({ or, eb, selectFrom }) =>
      or([
        eb('groups.owner_id', '=', userId),
        eb('groups.id', 'in', selectFrom('group_members').select('group_id').where('user_id', '=', userId)),
      ]),
    );
  }
  const rows = await query.execute();
  return rows.map((row) => ({
    id: row.id,
    name: row.name as GroupName,
    owner: row.username as Username,
    isActive: row.is_active,
    directory: directoryLinkOf(row),
    memberCount: row.member_count ?? 0,
    createdAt: row.created_at as Instant,
  }));
}

/**
 * The group of that name.
 * @throws UNKNOWN_GROUP
 */
export async function getGroup(tx: Transaction<Schema>, name: GroupName): Promise<StoredGroup> {
  const [group] = await findGroups(tx, { name });
  if (group === undefined) throw refuse.UNKNOWN_GROUP({ name });
  return group;
}

/** Adds a group without members. */
export async function insertGroup(
  tx: Transaction<Schema>,
  { name, ownerId, now }: { name: GroupName; ownerId: number; now: Instant },
): Promise<StoredGroup> {
  await tx.insertInto('groups').values({ name, owner_id: ownerId, created_at: now }).execute();
  return only(await findGroups(tx, { name }));
}

/** Writes the fields of a group that commands change. */
export async function saveGroup(
  tx: Transaction<Schema>,
  { id, name, ownerId, isActive }: { id: number; name: GroupName; ownerId: number; isActive: boolean },
): Promise<void> {
  const change = { name, owner_id: ownerId, is_active: isActive };
  await tx.updateTable('groups').set(change).where('id', '=', id).execute();
}

/** Deletes a group and who belongs to it. */
export async function removeGroup(tx: Transaction<Schema>, id: number): Promise<void> {
  await tx.deleteFrom('group_members').where('group_id', '=', id).execute();
  await tx.deleteFrom('groups').where('id', '=', id).execute();
}

/** The members of a group, in the order of the users' ids. */
export async function findMembers(tx: Transaction<Schema>, groupId: number): Promise<Member[]> {
  const rows = await tx
    .selectFrom('group_members')
    .innerJoin('users', 'users.id', 'group_members.user_id')
    .select(['users.username', 'group_members.is_admin'])
    .where('group_id', '=', groupId)
    .orderBy('user_id')
    .execute();
  return rows.map((row) => ({ username: row.username as Username, isAdmin: row.is_admin }));
}

/** Who belongs to which group. */
export interface Membership {
  readonly groupId: number;
  readonly userId: number;
}

/** Makes a user a member with these rights, whether one already or not. */
export async function saveMembership(
  tx: Transaction<Schema>,
  { groupId, userId }: Membership,
  isAdmin: boolean,
): Promise<void> {
  await tx
    .insertInto('group_members')
    .values({ group_id: groupId, user_id: userId, is_admin: isAdmin })
    .onConflict((conflict) => conflict.columns(['group_id', 'user_id']).doUpdateSet({ is_admin: isAdmin }))
    .execute();
}

/** Takes a user out of a group. */
export async function removeMembership(
  tx: Transaction<Schema>,
  { groupId, userId }: Membership,
): Promise<void> {
  await tx
    .deleteFrom('group_members')
    .where('group_id', '=', groupId)
    .where('user_id', '=', userId)
    .execute();
}

/** A group of the database with its members, as a sync compares it. */
export interface StoredGroupState extends GroupState {
  readonly group: StoredGroup;
}

/** All groups; members only of those that came from the directory. */
export async function findGroupStates(tx: Transaction<Schema>): Promise<StoredGroupState[]> {
  const rows = await tx
    .selectFrom('group_members')
    .innerJoin('groups', 'groups.id', 'group_members.group_id')
    .innerJoin('users', 'users.id', 'group_members.user_id')
    .select(['group_members.group_id', 'group_members.is_admin', 'users.username'])
    .where('groups.directory_id', 'is not', null)
    .orderBy('group_id')
    .orderBy('user_id')
    .execute();
  const membersOf = Map.groupBy(rows, ({ group_id }) => group_id);
  return (await findGroups(tx)).map((group) => ({
    group,
    members: (membersOf.get(group.id) ?? []).map((row) => ({
      username: row.username as Username,
      isAdmin: row.is_admin,
    })),
  }));
}

/** A user of the database, as far as being a member depends on it. */
export interface StoredKnownUser extends KnownUser {
  readonly id: number;
}

/** Everybody, in the order of the ids. */
export async function findKnownUsers(tx: Transaction<Schema>): Promise<StoredKnownUser[]> {
  const rows = await tx
    .selectFrom('users')
    .select(['id', 'username', 'directory_id', 'directory_dn', 'directory_gone_at'])
    .orderBy('id')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    username: row.username as Username,
    directory: directoryLinkOf(row),
  }));
}

/** What is to stand in the database about a group, beside what stands there now. */
export interface GroupWrite {
  readonly stored: StoredGroupState | null;
  readonly wanted: Group;
  readonly added: readonly Username[];
  readonly removed: readonly Username[];
}

/**
 * Writes groups and their members so that they are as wanted, with a fixed number of statements for any number of them.
 * @param userIds of everybody who owns, joins or leaves
 */
export async function saveGroups(
  tx: Transaction<Schema>,
  changes: readonly GroupWrite[],
  userIds: ReadonlyMap<Username, number>,
  now: Instant,
): Promise<void> {
  const groupRow = ({ wanted: { name, owner, isActive, directory } }: GroupWrite) => [
    name,
    userIds.get(owner),
    isActive,
    directory?.id,
    directory?.dn,
    directory?.goneAt,
  ];
  const kept = changes.filter(({ stored }) => stored !== null);
  const added = changes.filter(({ stored }) => stored === null);
  await freeNames(tx, kept);
  const idOfKept = ({ stored }: GroupWrite) => stored?.group.id;
  const keptRows = kept.map((change) => [...groupRow(change), idOfKept(change)]);
  await updateRows(tx, 'groups', { ...GROUP_COLUMNS, id: 'bigint' }, keptRows);
  const addedRows = added.map((change) => [...groupRow(change), now]);
  await insertRows(tx, 'groups', { ...GROUP_COLUMNS, created_at: 'bigint' }, addedRows);

  const fresh = await idsOfEntries(tx, added);
  const idOf = (change: GroupWrite) => idOfKept(change) ?? fresh.get(change.wanted.directory?.id ?? '');
  const left = kept.flatMap((change) => change.removed.map((one) => [idOf(change), userIds.get(one)]));
  await deleteRows(tx, 'group_members', MEMBER_KEY, left);
  const joined = changes.flatMap((change) => change.added.map((one) => [idOf(change), userIds.get(one)]));
  await insertRows(tx, 'group_members', MEMBER_KEY, joined);
}

/** Groups that swap names would meet half-way: each first gets one that no group can have, with a control character. */
async function freeNames(tx: Transaction<Schema>, kept: readonly GroupWrite[]): Promise<void> {
  const renamed = kept.filter(({ stored, wanted }) => stored?.group.name !== wanted.name);
  const rows = renamed.map(({ stored }) => [`\u0001${stored?.group.id}`, stored?.group.id]);
  await updateRows(tx, 'groups', { name: 'text', id: 'bigint' }, rows);
}

async function idsOfEntries(
  tx: Transaction<Schema>,
  added: readonly GroupWrite[],
): Promise<Map<string, number>> {
  if (added.length === 0) return new Map();
  const entries = added.flatMap(({ wanted }) => wanted.directory?.id ?? []);
  const rows = await tx
    .selectFrom('groups')
    .select(['id', 'directory_id'])
    .where(isAmong(tx, 'directory_id', entries))
    .execute();
  return new Map(rows.map(({ id, directory_id }) => [directory_id ?? '', id]));
}

const GROUP_COLUMNS = {
  name: 'text',
  owner_id: 'bigint',
  is_active: 'boolean',
  directory_id: 'text',
  directory_dn: 'text',
  directory_gone_at: 'bigint',
} as const;

const MEMBER_KEY = { group_id: 'bigint', user_id: 'bigint' } as const;
