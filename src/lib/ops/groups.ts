import type { Transaction } from 'kysely';
import { changedFields } from '../core/changed-fields.ts';
import { refuse } from '../core/errors.ts';
import { changeGroup, type GroupChange, type GroupName, type Member } from '../core/group.ts';
import type { Username } from '../core/user.ts';
import { checkAdministers } from '../io/db/access.ts';
import {
  findGroups,
  findMembers,
  getGroup,
  insertGroup,
  type Membership,
  removeGroup,
  removeMembership,
  type StoredGroup,
  saveGroup,
  saveMembership,
} from '../io/db/groups.ts';
import { findUserId } from '../io/db/people.ts';
import type { Schema } from '../io/db/schema.ts';
import type { Context } from './context.ts';

/**
 * Creates a group without members. One that exists with the same owner is left alone, so the command can be repeated.
 * @throws UNKNOWN_USER, GROUP_EXISTS
 */
export async function createGroup(
  context: Context,
  { name, owner }: { name: GroupName; owner: Username },
): Promise<{ group: StoredGroup; created: boolean }> {
  const database = await context.db();
  return database.write('people', async (tx) => {
    const ownerId = await findUserId(tx, owner);
    const [existing] = await findGroups(tx, { name });
    if (existing !== undefined) {
      if (existing.owner !== owner) throw refuse.GROUP_EXISTS({ name, owner: existing.owner });
      return { group: existing, created: false };
    }
    return { group: await insertGroup(tx, { name, ownerId, now: context.now }), created: true };
  });
}

/**
 * All groups, or those that a user owns or belongs to, in the order of their ids.
 * @throws UNKNOWN_USER
 */
export async function listGroups(
  context: Context,
  { username, isActive }: { username: Username | undefined; isActive: boolean | undefined },
): Promise<StoredGroup[]> {
  const database = await context.db();
  return database.read(async (tx) => {
    const userId = username === undefined ? undefined : await findUserId(tx, username);
    return findGroups(tx, { userId, isActive });
  });
}

/**
 * A group and its members.
 * @throws UNKNOWN_GROUP
 */
export async function showGroup(
  context: Context,
  name: GroupName,
): Promise<{ group: StoredGroup; members: Member[] }> {
  const database = await context.db();
  return database.read(async (tx) => {
    const group = await getGroup(tx, name);
    return { group, members: await findMembers(tx, group.id) };
  });
}

/**
 * Changes fields of a group; the members stay.
 * @returns also the fields that were changed
 * @throws UNKNOWN_GROUP, UNKNOWN_USER, GROUP_EXISTS
 */
export async function updateGroup(
  context: Context,
  name: GroupName,
  change: GroupChange,
): Promise<{ group: StoredGroup; changed: string[] }> {
  const database = await context.db();
  return database.write('people', async (tx) => {
    const group = await getGroup(tx, name);
    const wanted = changeGroup(group, change);
    const changed = changedFields<Partial<StoredGroup>>(group, { ...group, ...wanted });
    if (changed.length === 0) return { group, changed };
    const [taken] = wanted.name === name ? [] : await findGroups(tx, { name: wanted.name });
    if (taken !== undefined) throw refuse.GROUP_EXISTS({ name: taken.name, owner: taken.owner });
    const ownerId = await findUserId(tx, wanted.owner);
    await saveGroup(tx, { ...wanted, id: group.id, ownerId });
    return { group: { ...group, ...wanted }, changed };
  });
}

/**
 * Deletes a group and who belongs to it; the users themselves stay.
 * @throws UNKNOWN_GROUP
 */
export async function deleteGroup(context: Context, name: GroupName): Promise<StoredGroup> {
  const database = await context.db();
  return database.write('people', async (tx) => {
    const group = await getGroup(tx, name);
    await removeGroup(tx, group.id);
    return group;
  });
}

/** A group after a change of its members. */
export interface MembershipOutcome {
  readonly group: StoredGroup;
  readonly members: Member[];
  readonly changed: boolean;
}

/**
 * Takes a user into a group, or gives a member other rights.
 * @param isAdmin undefined leaves a member's rights as they are, and gives a new member none
 * @throws UNKNOWN_GROUP, UNKNOWN_USER, USER_INACTIVE, FORBIDDEN
 */
export async function addMember(
  context: Context,
  name: GroupName,
  { username, isAdmin }: { username: Username; isAdmin: boolean | undefined },
): Promise<MembershipOutcome> {
  return changeMember(context, name, username, async (tx, membership, member) => {
    if (member !== undefined && (isAdmin ?? member.isAdmin) === member.isAdmin) return false;
    await saveMembership(tx, membership, isAdmin ?? false);
    return true;
  });
}

/**
 * Takes a user out of a group.
 * @throws UNKNOWN_GROUP, UNKNOWN_USER, USER_INACTIVE, FORBIDDEN
 */
export async function removeMember(
  context: Context,
  name: GroupName,
  username: Username,
): Promise<MembershipOutcome> {
  return changeMember(context, name, username, async (tx, membership, member) => {
    if (member === undefined) return false;
    await removeMembership(tx, membership);
    return true;
  });
}

async function changeMember(
  context: Context,
  name: GroupName,
  username: Username,
  change: (tx: Transaction<Schema>, membership: Membership, member: Member | undefined) => Promise<boolean>,
): Promise<MembershipOutcome> {
  const database = await context.db();
  return database.write('people', async (tx) => {
    const group = await getGroup(tx, name);
    await checkAdministers(tx, context.asUser, group);
    const membership = { groupId: group.id, userId: await findUserId(tx, username) };
    const member = (await findMembers(tx, group.id)).find((one) => one.username === username);
    const changed = await change(tx, membership, member);
    return { group: await getGroup(tx, name), members: await findMembers(tx, group.id), changed };
  });
}
