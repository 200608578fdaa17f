import type { Transaction } from 'kysely';
import type { Group, GroupName, Member } from '../../core/group.ts';
import type { Instant } from '../../core/instant.ts';
import type { Username } from '../../core/user.ts';
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
    memberCount: row.member_count ?? 0,
    createdAt: row.created_at as Instant,
  }));
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
