import { type Selectable, sql, type Transaction } from 'kysely';
import type { Country } from '../../core/country.ts';
import { refuse } from '../../core/errors.ts';
import type { Day, Instant } from '../../core/instant.ts';
import type { Line } from '../../core/line.ts';
import type { Person } from '../../core/person.ts';
import type { DirectoryId, Email, Username } from '../../core/user.ts';
import type { Territory } from '../../core/vat.ts';
import type { VatNumber } from '../../core/vat-number.ts';
import { isAmong, isPostgres, prepareRows, updateRows } from './bulk.ts';
import { directoryLinkOf } from './directory-link.ts';
import { reserveIds } from './ids.ts';
import { type Page, readPages, type TakePage } from './pages.ts';
import type { Schema } from './schema.ts';

/** A person in the database. */
export interface StoredPerson extends Person {
  readonly id: number;
}

/** What is to stand in the database, beside what stands there now. */
export interface PersonWrite {
  readonly stored: StoredPerson | null;
  readonly wanted: Person;
}

/** The people with these usernames, or everybody, in the order of their ids. */
export async function findPeople(
  tx: Transaction<Schema>,
  usernames?: readonly Username[],
): Promise<StoredPerson[]> {
  const everybody = peopleQuery(tx);
  const query = usernames === undefined ? everybody : everybody.where(isAmong(tx, 'username', usernames));
  return (await query.execute()).map(personOf);
}

/** Which people are meant; undefined: both kinds. */
export interface PeopleFilter {
  readonly isStaff?: boolean | undefined;
  readonly isActive?: boolean | undefined;
}

/** Hands on in pages the people that a filter lets through, in the order of their ids. */
export function readPeople(
  tx: Transaction<Schema>,
  { isStaff, isActive }: PeopleFilter,
  take: TakePage<StoredPerson>,
): Promise<void> {
  let query = peopleQuery(tx);
  if (isStaff !== undefined) query = query.where('users.is_staff', '=', isStaff);
  if (isActive !== undefined) query = query.where('users.is_active', '=', isActive);
  return readPages(query, personOf, take);
}

/** The people whose ids are above `after`, in the order of their ids. */
export async function findPeoplePage(
  tx: Transaction<Schema>,
  { after, limit }: Page,
): Promise<StoredPerson[]> {
  const rows = await peopleQuery(tx).where('users.id', '>', after).limit(limit).execute();
  return rows.map(personOf);
}

/** The ids of users above `after`, in their order. */
export async function findUserIdsPage(tx: Transaction<Schema>, { after, limit }: Page): Promise<number[]> {
  const rows = await tx
    .selectFrom('users')
    .select('id')
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/** The people with these ids, in the order of their ids. */
export async function findPeopleByIds(
  tx: Transaction<Schema>,
  ids: readonly number[],
): Promise<StoredPerson[]> {
  const rows = await peopleQuery(tx)
    .where(isAmong(tx, 'users.id', ids))
    .execute();
  return rows.map(personOf);
}

/** The person of that entry of the directory, or null. */
export async function findPersonOfEntry(
  tx: Transaction<Schema>,
  id: DirectoryId,
): Promise<StoredPerson | null> {
  const [row] = await peopleQuery(tx).where('directory_id', '=', id).execute();
  return row === undefined ? null : personOf(row);
}

const NAMES_PER_PAGE = 5000;

/**
 * The usernames with a capital letter, in pages. No index helps to find them: all names are looked through, where both
 * databases agree on the letters a to z only.
 */
export async function* findCapitalNames(tx: Transaction<Schema>): AsyncGenerator<Username[]> {
  const isOther = isPostgres(tx)
    ? sql<boolean>`username ~ '[^a-z0-9._@+-]'`
    : sql<boolean>`username glob '*[^-a-z0-9._@+]*'`;
  const page = tx.selectFrom('users').select(['id', 'username']).where(isOther).orderBy('id');
  for (let after = 0; ; ) {
    const rows = await page.where('id', '>', after).limit(NAMES_PER_PAGE).execute();
    yield rows.flatMap(({ username }) => (username === username.toLowerCase() ? [] : [username as Username]));
    if (rows.length < NAMES_PER_PAGE) return;
    after = rows.at(-1)?.id ?? after;
  }
}

/** The person of that name, or null. */
export async function findPerson(tx: Transaction<Schema>, username: Username): Promise<StoredPerson | null> {
  const [person] = await findPeople(tx, [username]);
  return person ?? null;
}

/**
 * The id of the user of that name.
 * @throws UNKNOWN_USER
 */
export async function findUserId(tx: Transaction<Schema>, username: Username): Promise<number> {
  const user = await tx.selectFrom('users').select('id').where('username', '=', username).executeTakeFirst();
  if (user === undefined) throw refuse.UNKNOWN_USER({ username });
  return user.id;
}

/** A person to be written, with the id that is or will be the person's. */
interface NumberedWrite extends PersonWrite {
  readonly id: number;
}

/**
 * Writes users and addresses so that they are as wanted, with a fixed number of statements for any number of people.
 */
export async function savePeople(tx: Transaction<Schema>, changes: readonly PersonWrite[]): Promise<void> {
  const save = await preparePeople(tx, changes);
  await save();
}

/**
 * Does all that `savePeople` takes but for writing, while the database does something else.
 * @returns writes
 */
export async function preparePeople(
  tx: Transaction<Schema>,
  changes: readonly PersonWrite[],
): Promise<() => Promise<void>> {
  const [added, kept] = partition(changes, ({ stored }) => stored === null);
  const ids = await reserveIds(tx, 'users', added.length);
  const known = kept.map(({ stored, wanted }): NumberedWrite => ({ stored, wanted, id: stored?.id ?? 0 }));
  const fresh = added.map(({ wanted }, at): NumberedWrite => ({ stored: null, wanted, id: ids[at] ?? 0 }));
  const addressed = [...known, ...fresh].filter(({ wanted }) => wanted.address !== null);
  const [moved, remained] = partition(addressed, ({ stored }) => (stored?.address ?? null) === null);
  const insert = await prepareRows(tx, [
    { table: 'users', columns: USER_COLUMNS, rows: fresh.map(userRow) },
    { table: 'billing_addresses', columns: ADDRESS_COLUMNS, rows: moved.map(addressRow) },
  ]);
  return async () => {
    await freeNames(tx, kept);
    await updateRows(tx, 'users', USER_COLUMNS, known.map(userRow));
    await insert();
    await updateRows(tx, 'billing_addresses', ADDRESS_COLUMNS, remained.map(addressRow));
  };
}

/**
 * Users who swap names would meet half-way: each first gets a name that nobody can have, because no username has a #.
 */
async function freeNames(tx: Transaction<Schema>, changes: readonly PersonWrite[]): Promise<void> {
  const renamed = changes.filter(({ stored, wanted }) => stored?.user.username !== wanted.user.username);
  const rows = renamed.map(({ stored }) => [`#${stored?.id}`, stored?.id]);
  await updateRows(tx, 'users', { username: 'text', id: 'bigint' }, rows);
}

const USER_COLUMNS = {
  username: 'text',
  full_name: 'text',
  email: 'text',
  language: 'text',
  is_staff: 'boolean',
  is_active: 'boolean',
  directory_id: 'text',
  directory_dn: 'text',
  directory_gone_at: 'bigint',
  created_at: 'bigint',
  id: 'bigint',
} as const;

/** The values of `USER_COLUMNS`. */
function userRow({ id, wanted: { user } }: NumberedWrite): unknown[] {
  return [
    user.username,
    user.fullName,
    user.email,
    user.language,
    user.isStaff,
    user.isActive,
    user.directory?.id,
    user.directory?.dn,
    user.directory?.goneAt,
    user.createdAt,
    id,
  ];
}

const ADDRESS_COLUMNS = {
  organization: 'text',
  street: 'text',
  city: 'text',
  postal_code: 'text',
  country: 'text',
  vat_number: 'text',
  vat_checked_on: 'date',
  vat_territory: 'text',
  user_id: 'bigint',
} as const;

/** The values of `ADDRESS_COLUMNS`. */
function addressRow({ id, wanted: { address } }: NumberedWrite): unknown[] {
  return [
    address?.organization,
    address?.street,
    address?.city,
    address?.postalCode,
    address?.country,
    address?.vatNumber,
    address?.vatCheckedOn,
    address?.vatTerritory,
    id,
  ];
}

function peopleQuery(tx: Transaction<Schema>) {
  return tx
    .selectFrom('users')
    .leftJoin('billing_addresses', 'billing_addresses.user_id', 'users.id')
    .selectAll()
    .orderBy('users.id');
}

type UserRow = Selectable<Schema['users']>;
type AddressRow = Selectable<Schema['billing_addresses']>;

/** What the database holds was parsed before it got there. */
function personOf(row: UserRow & { [Column in keyof AddressRow]: AddressRow[Column] | null }): StoredPerson {
  const user = {
    username: row.username as Username,
    fullName: row.full_name as Line,
    email: row.email as Email,
    language: row.language,
    isStaff: row.is_staff,
    isActive: row.is_active,
    createdAt: row.created_at as Instant,
    directory: directoryLinkOf(row),
  };
  if (row.country === null) return { id: row.id, user, address: null };
  const address = {
    organization: row.organization as Line,
    street: row.street as Line,
    city: row.city as Line,
    postalCode: row.postal_code as Line,
    country: row.country as Country,
    vatNumber: row.vat_number as VatNumber,
    vatCheckedOn: row.vat_checked_on as Day | null,
    vatTerritory: row.vat_territory as Territory | null,
  };
  return { id: row.id, user, address };
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

/**
 * The users with orders of whom a bill could say neither a name nor a full address: how many, and the first by name.
 */
export async function findNamelessBuyers(
  tx: Transaction<Schema>,
  most: number,
): Promise<{ count: number; usernames: string[] }> {
  const query = tx
    .selectFrom('users')
    .leftJoin('billing_addresses', 'billing_addresses.user_id', 'users.id')
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('orders').select('orders.id').whereRef('orders.user_id', '=', 'users.id')),
    )
    .where((eb) =>
      eb.or([
        eb('street', 'is', null),
        eb('street', '=', ''),
        eb('city', '=', ''),
        eb.and([eb('organization', '=', ''), eb('full_name', '=', '')]),
      ]),
    );
  const { count } = await query
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  const rows = await query.select('username').orderBy('username').limit(most).execute();
  return { count, usernames: rows.map(({ username }) => username) };
}
