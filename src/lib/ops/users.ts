import { refuse } from '../core/errors.ts';
import { changedPersonFields, changePerson, type Person, type PersonChange } from '../core/person.ts';
import { newUser, type Username } from '../core/user.ts';
import { findPeople, findPerson, type StoredPerson, savePeople } from '../io/db/people.ts';
import type { Context } from './context.ts';

/** A person after a command. */
export interface PersonOutcome {
  readonly person: StoredPerson;
  readonly created: boolean;
  /** The fields that the command changed; empty for a person it created. */
  readonly changed: readonly string[];
}

/**
 * Creates a user, staff unless the change says otherwise, or brings an existing one to what the change says; an
 * existing user keeps the rights that the change does not name.
 * @throws LDAP_NOT_AVAILABLE unless `local`, ADDRESS_NEEDS_COUNTRY, INVALID_VAT_NUMBER
 */
export async function bootstrapUser(
  context: Context,
  username: Username,
  change: PersonChange & { readonly local: boolean },
): Promise<PersonOutcome> {
  const url = context.config['ldap.url'];
  if (url !== '' && !change.local) throw refuse.LDAP_NOT_AVAILABLE({ url });
  const staff: Person = { user: { ...newUser(username, context.now), isStaff: true }, address: null };
  return save(context, username, (stored) => changePerson(stored ?? staff, change));
}

/**
 * Changes fields of an existing user.
 * @throws UNKNOWN_USER, ADDRESS_NEEDS_COUNTRY, NO_VAT_NUMBER, INVALID_VAT_NUMBER
 */
export async function updateUser(
  context: Context,
  username: Username,
  change: PersonChange,
): Promise<PersonOutcome> {
  return save(context, username, (stored) => {
    if (stored === null) throw refuse.UNKNOWN_USER({ username });
    return changePerson(stored, change);
  });
}

/** Everybody, in the order of their ids. */
export async function listUsers(context: Context): Promise<StoredPerson[]> {
  const database = await context.db();
  return database.read((tx) => findPeople(tx));
}

/** @throws UNKNOWN_USER */
export async function showUser(context: Context, username: Username): Promise<StoredPerson> {
  const database = await context.db();
  const person = await database.read((tx) => findPerson(tx, username));
  if (person === null) throw refuse.UNKNOWN_USER({ username });
  return person;
}

async function save(
  context: Context,
  username: Username,
  decide: (stored: StoredPerson | null) => Person,
): Promise<PersonOutcome> {
  const database = await context.db();
  return database.write('people', async (tx) => {
    const stored = await findPerson(tx, username);
    const wanted = decide(stored);
    const changed = stored === null ? [] : changedPersonFields(stored, wanted);
    if (stored === null || changed.length > 0) await savePeople(tx, [{ stored, wanted }]);
    const person = await findPerson(tx, username);
    if (person === null) throw new Error('the user that was just written is not there');
    return { person, created: stored === null, changed };
  });
}
