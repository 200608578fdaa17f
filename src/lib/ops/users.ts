import type { Transaction } from 'kysely';
import { checkDayOfCheck } from '../core/address.ts';
import { matchPerson, personFromDirectory, usernameFor } from '../core/directory-sync.ts';
import { refuse } from '../core/errors.ts';
import { changedPersonFields, changePerson, type Person, type PersonChange } from '../core/person.ts';
import { newUser, type Username } from '../core/user.ts';
import { only } from '../io/db/database.ts';
import type { TakePage } from '../io/db/pages.ts';
import {
  findPeople,
  findPerson,
  findPersonOfEntry,
  type PeopleFilter,
  type PersonWrite,
  readPeople,
  type StoredPerson,
  savePeople,
} from '../io/db/people.ts';
import type { Schema } from '../io/db/schema.ts';
import { readOnePerson } from '../io/ldap/people.ts';
import type { Context } from './context.ts';

/** A person after a command. */
export interface PersonOutcome {
  readonly person: StoredPerson;
  readonly created: boolean;
  /** The fields that the command changed; empty for a person it created. */
  readonly changed: readonly string[];
}

/** How the directory takes part in it. */
export interface BootstrapOptions {
  /** Do not ask the directory, although one is configured. */
  readonly local: boolean;
  /** Take another entry of the same login for the same person. */
  readonly relink?: boolean;
}

/**
 * Creates a user, staff unless the directory or the change says otherwise, or brings an existing one to what they
 * say; the change outweighs the directory, and what neither names stays as it is.
 * @throws NOT_IN_DIRECTORY, LOGIN_TWICE, LOGIN_TAKEN, ENTRY_REPLACED, what reading the directory throws,
 * ADDRESS_NEEDS_COUNTRY, INVALID_VAT_NUMBER
 */
export async function bootstrapUser(
  context: Context,
  username: Username,
  change: PersonChange & BootstrapOptions,
): Promise<PersonOutcome> {
  const asStaff = (name: Username): Person => {
    return { user: { ...newUser(name, context.now), isStaff: true }, address: null };
  };
  if (change.local || context.config['ldap.url'] === '') {
    return save(context, async (tx) => {
      const stored = await findPerson(tx, username);
      return { stored, wanted: changePerson(stored ?? asStaff(username), change) };
    });
  }
  const directory = await context.ldap();
  const person = await readOnePerson(directory, username, await directory.staff());
  return save(context, async (tx) => {
    const own = await findPersonOfEntry(tx, person.id);
    const login = usernameFor(person, own, username);
    const stored = matchPerson(person, { own, holder: await findPerson(tx, login) }, change);
    const base = { person, stored: stored ?? asStaff(login), username: login };
    return { stored, wanted: changePerson(personFromDirectory(base, context.now), change) };
  });
}

/**
 * Changes fields of an existing user. Another username takes nothing from the user: orders, bills, networks and groups
 * name users by id, and bills keep the username that they were made with.
 * @throws UNKNOWN_USER, USERNAME_TAKEN, ADDRESS_NEEDS_COUNTRY, NO_VAT_NUMBER, INVALID_VAT_NUMBER, VAT_CHECK_IN_FUTURE
 */
export async function updateUser(
  context: Context,
  username: Username,
  change: PersonChange,
): Promise<PersonOutcome> {
  checkDayOfCheck(change.address, context.now);
  return save(context, async (tx) => {
    const stored = await findPerson(tx, username);
    if (stored === null) throw refuse.UNKNOWN_USER({ username });
    const name = change.user.username ?? username;
    if (name !== username && (await findPerson(tx, name)) !== null) {
      throw refuse.USERNAME_TAKEN({ username: name });
    }
    return { stored, wanted: changePerson(stored, change) };
  });
}

/** Hands on the users that pass the filter, in the order of their ids. */
export async function listUsers(
  context: Context,
  filter: PeopleFilter,
  take: TakePage<StoredPerson>,
): Promise<void> {
  const database = await context.db();
  await database.read((tx) => readPeople(tx, filter, take));
}

/**
 * A user with what belongs to them.
 * @throws UNKNOWN_USER
 */
export async function showUser(context: Context, username: Username): Promise<StoredPerson> {
  const database = await context.db();
  const person = await database.read((tx) => findPerson(tx, username));
  if (person === null) throw refuse.UNKNOWN_USER({ username });
  return person;
}

async function save(
  context: Context,
  decide: (tx: Transaction<Schema>) => Promise<PersonWrite>,
): Promise<PersonOutcome> {
  const database = await context.db();
  return database.write('people', async (tx) => {
    const { stored, wanted } = await decide(tx);
    const changed = stored === null ? [] : changedPersonFields(stored, wanted);
    if (stored === null || changed.length > 0) await savePeople(tx, [{ stored, wanted }]);
    const person = only(await findPeople(tx, [wanted.user.username]));
    return { person, created: stored === null, changed };
  });
}
