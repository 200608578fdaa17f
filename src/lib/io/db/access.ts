import type { Transaction } from 'kysely';
import { refuse } from '../../core/errors.ts';
import type { GroupName } from '../../core/group.ts';
import type { Username } from '../../core/user.ts';
import { isAmong } from './bulk.ts';
import { findUserId } from './people.ts';
import type { Schema } from './schema.ts';

/** In whose name a command works. */
interface Actor {
  readonly id: number;
  readonly username: Username;
  /** Staff see and change everything. */
  readonly isStaff: boolean;
}

/**
 * The user in whose name a command works; null for whoever runs it, who may do everything.
 * @throws UNKNOWN_USER, USER_INACTIVE
 */
async function findActor(tx: Transaction<Schema>, username: Username | null): Promise<Actor | null> {
  if (username === null) return null;
  const user = await tx
    .selectFrom('users')
    .select(['id', 'is_staff', 'is_active'])
    .where('username', '=', username)
    .executeTakeFirst();
  if (user === undefined) throw refuse.UNKNOWN_USER({ username });
  if (!user.is_active) throw refuse.USER_INACTIVE({ username });
  return { id: user.id, username, isStaff: user.is_staff };
}

/** The ids of the users whose things somebody sees and changes, as a subquery; undefined: everybody's. */
export type Reach = ReturnType<typeof ownReach> | undefined;

/**
 * Whose things somebody sees and changes.
 * @param asUser null: whoever runs the program, who sees all
 * @throws UNKNOWN_USER, USER_INACTIVE
 */
export async function findReach(tx: Transaction<Schema>, asUser: Username | null): Promise<Reach> {
  const actor = await findActor(tx, asUser);
  return actor === null || actor.isStaff ? undefined : ownReach(tx, actor.id);
}

/**
 * Checks that a command may show and change what belongs to a user.
 * @param what names it in the refusal: `network 7`
 * @throws UNKNOWN_USER, USER_INACTIVE, FORBIDDEN
 */
export async function checkReach(
  tx: Transaction<Schema>,
  asUser: Username | null,
  username: Username,
  what: string,
): Promise<void> {
  const reach = await findReach(tx, asUser);
  if (asUser === null || reach === undefined) return;
  const user = await reach.where('username', '=', username).executeTakeFirst();
  if (user === undefined) throw refuse.FORBIDDEN({ username: asUser, what });
}

/**
 * The id of the user whose things a command shows; undefined: everybody's, as far as it may.
 * @param things names them in the refusal: `orders`
 * @throws UNKNOWN_USER, USER_INACTIVE, FORBIDDEN
 */
export async function findOwner(
  tx: Transaction<Schema>,
  asUser: Username | null,
  username: Username | undefined,
  things: string,
): Promise<number | undefined> {
  if (username === undefined) {
    await findActor(tx, asUser);
    return undefined;
  }
  await checkReach(tx, asUser, username, `${things} of ${username}`);
  return findUserId(tx, username);
}

/** The ids of the users with these names, of those within reach. */
export async function findUserIds(
  tx: Transaction<Schema>,
  usernames: readonly Username[],
  within?: Reach,
): Promise<Map<Username, number>> {
  let query = tx
    .selectFrom('users')
    .select(['id', 'username'])
    .where(isAmong(tx, 'username', usernames));
  if (within !== undefined) query = query.where('id', 'in', within);
  const rows = await query.execute();
  return new Map(rows.map(({ id, username }) => [username as Username, id]));
}

/**
 * Checks that a command is not run in the name of somebody who does not belong to the staff.
 * @param what names in the refusal what only staff may use: `VPN pools`
 * @throws UNKNOWN_USER, USER_INACTIVE, FORBIDDEN
 */
export async function checkStaff(
  tx: Transaction<Schema>,
  asUser: Username | null,
  what: string,
): Promise<void> {
  const actor = await findActor(tx, asUser);
  if (actor !== null && !actor.isStaff) throw refuse.FORBIDDEN({ username: actor.username, what });
}

/**
 * Checks that a command is not run in the name of somebody who may not let members into a group and out of it.
 * @throws UNKNOWN_USER, USER_INACTIVE, FORBIDDEN
 */
export async function checkAdministers(
  tx: Transaction<Schema>,
  asUser: Username | null,
  { id, name }: { readonly id: number; readonly name: GroupName },
): Promise<void> {
  const actor = await findActor(tx, asUser);
  if (actor === null || actor.isStaff) return;
  const administered = await administeredGroups(tx, actor.id).where('groups.id', '=', id).executeTakeFirst();
  if (administered === undefined) {
    throw refuse.FORBIDDEN({ username: actor.username, what: `the members of the group ${name}` });
  }
}

/** The ids of the active groups that a user owns or administers. */
function administeredGroups(tx: Transaction<Schema>, userId: number) {
  const asAdmin = tx
    .selectFrom('group_members')
    .select('group_id')
    .where('user_id', '=', userId)
    .where('is_admin', '=', true);
  return tx
    .selectFrom('groups')
    .select('groups.id')
    .where('is_active', '=', true)
    .where(({ or, eb }) => or([eb('owner_id', '=', userId), eb('groups.id', 'in', asAdmin)]));
}

/** The user, and the members of the groups that the user administers. */
function ownReach(tx: Transaction<Schema>, userId: number) {
  const members = tx
    .selectFrom('group_members')
    .select('user_id')
    .where('group_id', 'in', administeredGroups(tx, userId));
  return tx
    .selectFrom('users')
    .select('users.id')
    .where(({ or, eb }) => or([eb('users.id', '=', userId), eb('users.id', 'in', members)]));
}
