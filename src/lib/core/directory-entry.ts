import { parseCountry } from './country.ts';
import { canonicalDn } from './distinguished-name.ts';
import type { RefusedEntry } from './entry-match.ts';
import { quote, refuse, UserError } from './errors.ts';
import { type GroupName, parseGroupName } from './group.ts';
import type { PersonAttributes } from './ldap-settings.ts';
import { parseLine } from './line.ts';
import type { PersonChange } from './person.ts';
import { type DirectoryId, parseEmail, parseUsername, type Username } from './user.ts';

/** An entry as the directory gave it. Its text comes from outside and may be anything. */
export interface DirectoryEntry {
  readonly dn: string;
  /** Values by the name of their attribute in lower case. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
}

/** A person as the directory knows one. */
export interface DirectoryPerson {
  readonly id: DirectoryId;
  readonly dn: string;
  /** All values of the login attribute; first the one that the entry is named by. */
  readonly usernames: readonly [Username, ...Username[]];
  /** What the directory says; about what it does not have it says nothing. */
  readonly change: PersonChange;
}

/** The members of a group, named as the three kinds of groups do. */
export interface DirectoryGroup {
  /** `member` of groupOfNames, `uniqueMember` of groupOfUniqueNames: as written, by the canonical name. */
  readonly dns: ReadonlyMap<string, string>;
  /** `memberUid` of posixGroup (RFC 2307). */
  readonly usernames: ReadonlySet<string>;
}

/** Attributes of a billing address (RFC 4519), and the fields that they fill. */
const ADDRESS = {
  organization: 'o',
  street: 'street',
  city: 'l',
  postalCode: 'postalCode',
  country: 'c',
} as const;

/** RFC 4530; an operational attribute, which is sent only when it is named. */
const ID = 'entryUUID';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The attributes to ask for. */
export function attributesToRead({ login, mail, name }: PersonAttributes): string[] {
  return [...new Set([ID, login, mail, name, ...Object.values(ADDRESS)])];
}

/** The attributes that name the members of a group. */
export const MEMBER_ATTRIBUTES = ['member', 'uniqueMember', 'memberUid'];

/**
 * The id of an entry.
 * @throws ENTRY_WITHOUT_ID
 */
function readDirectoryId(entry: DirectoryEntry): DirectoryId {
  const [id = ''] = valuesOf(entry, ID);
  if (!UUID.test(id)) throw refuse.ENTRY_WITHOUT_ID({ dn: entry.dn });
  return id.toLowerCase() as DirectoryId;
}

/**
 * Reads an entry as a person. Of several values the first counts; of several logins any may be the username.
 * @param staff the group that decides who belongs to the staff; null: the directory does not say
 * @throws ENTRY_WITHOUT_ID, ENTRY_WITHOUT_LOGIN, INVALID_USERNAME, INVALID_EMAIL, INVALID_TEXT, UNKNOWN_COUNTRY
 */
export function readPerson(
  entry: DirectoryEntry,
  names: PersonAttributes,
  staff: DirectoryGroup | null,
): DirectoryPerson {
  const first = <T>(attribute: string, parse: (text: string) => T): T | undefined => {
    const [value] = valuesOf(entry, attribute);
    return value === undefined ? undefined : readValue(entry, attribute, () => parse(value));
  };
  const line = (field: string) => (text: string) => parseLine(field, text);
  const id = readDirectoryId(entry);
  const logins = valuesOf(entry, names.login).map((value) =>
    readValue(entry, names.login, () => parseUsername(value)),
  );
  const [username, ...others] = mainFirst(entry, names.login, logins);
  if (username === undefined) throw refuse.ENTRY_WITHOUT_LOGIN({ dn: entry.dn, attribute: names.login });
  const usernames = [username, ...others] as const;
  return {
    id,
    dn: entry.dn,
    usernames,
    change: {
      user: {
        fullName: first(names.name, line('full_name')),
        email: first(names.mail, parseEmail),
        isStaff: staff === null ? undefined : isMember(staff, entry.dn, usernames),
      },
      address: {
        organization: first(ADDRESS.organization, line('organization')),
        street: first(ADDRESS.street, line('street')),
        city: first(ADDRESS.city, line('city')),
        postalCode: first(ADDRESS.postalCode, line('postal_code')),
        country: first(ADDRESS.country, parseCountry),
      },
    },
  };
}

/** Parses a value of an entry; a refusal says where it stands. */
function readValue<T>({ dn }: DirectoryEntry, attribute: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw error.at(`entry ${quote(dn)}, ${attribute}`);
  }
}

/** Values have no order in LDAP (RFC 4512 §2.3): the one that the entry is named by comes first. */
function mainFirst<Name extends string>(
  { dn }: DirectoryEntry,
  attribute: string,
  values: readonly Name[],
): Name[] {
  if (values.length < 2) return [...values];
  const name = canonicalDn(dn) ?? '';
  const isMain = (value: Name) =>
    name.startsWith(`${attribute.toLowerCase()}=${JSON.stringify(value.toLowerCase())}`);
  return values.toSorted((one, other) => Number(isMain(other)) - Number(isMain(one)));
}

/** Reads the members of a group, of whichever kinds it is. */
export function readGroup(entry: DirectoryEntry): DirectoryGroup {
  // RFC 4517 §3.3.21: a unique member may carry a bit string behind its name.
  const unique = valuesOf(entry, 'uniqueMember').map((value) => value.replace(/#'[01]*'B$/, ''));
  return {
    dns: byCanonicalName([...valuesOf(entry, 'member'), ...unique]),
    usernames: new Set(valuesOf(entry, 'memberUid')),
  };
}

/** Names as written, by the canonical name; what is none is left out. */
function byCanonicalName(dns: readonly string[]): Map<string, string> {
  const named = dns.map((dn) => [canonicalDn(dn), dn] as const);
  return new Map(named.filter((pair): pair is readonly [string, string] => pair[0] !== null));
}

/** A group as the directory knows one. */
export interface GroupEntry {
  readonly id: DirectoryId;
  readonly dn: string;
  /** All values of the name attribute; first the one that the entry is named by. */
  readonly names: readonly [GroupName, ...GroupName[]];
  /** The canonical names of the owners (RFC 4519 §2.21). */
  readonly owners: readonly string[];
  readonly members: DirectoryGroup;
}

/** Reads entries one by one; those that cannot be read come back with the reason. */
export function readEntries<T>(
  entries: readonly DirectoryEntry[],
  read: (entry: DirectoryEntry) => T,
): { read: T[]; refused: RefusedEntry[] } {
  const done: T[] = [];
  const refused: RefusedEntry[] = [];
  for (const entry of entries) {
    try {
      done.push(read(entry));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refused.push({ dn: entry.dn, id: idOf(entry), error });
    }
  }
  return { read: done, refused };
}

function idOf(entry: DirectoryEntry): DirectoryId | null {
  try {
    return readDirectoryId(entry);
  } catch {
    return null;
  }
}

/** The attributes of a group to ask for. */
export function groupAttributes(nameAttribute: string): string[] {
  return [...new Set([ID, nameAttribute, 'owner', ...MEMBER_ATTRIBUTES])];
}

/**
 * Reads an entry as a group.
 * @throws ENTRY_WITHOUT_ID, ENTRY_WITHOUT_NAME, INVALID_TEXT
 */
export function readGroupEntry(entry: DirectoryEntry, nameAttribute: string): GroupEntry {
  const { dn } = entry;
  const id = readDirectoryId(entry);
  const values = valuesOf(entry, nameAttribute).map((value) =>
    readValue(entry, nameAttribute, () => parseGroupName(value)),
  );
  const [name, ...others] = mainFirst(entry, nameAttribute, values);
  if (name === undefined) throw refuse.ENTRY_WITHOUT_NAME({ dn, attribute: nameAttribute });
  const owners = [...byCanonicalName(valuesOf(entry, 'owner')).keys()];
  return { id, dn, names: [name, ...others], owners, members: readGroup(entry) };
}

/** How members of groups are named: by the canonical name of their entry, or by a login. */
export interface PersonNames {
  readonly id: DirectoryId;
  readonly dn: string;
  readonly logins: readonly string[];
}

/** The attributes that `readPersonNames` reads. */
export function nameAttributes({ login }: PersonAttributes): string[] {
  return [ID, login];
}

/**
 * Reads only how a person is named.
 * @throws ENTRY_WITHOUT_ID
 */
export function readPersonNames(entry: DirectoryEntry, { login }: PersonAttributes): PersonNames {
  return { id: readDirectoryId(entry), dn: canonicalDn(entry.dn) ?? '', logins: valuesOf(entry, login) };
}

function isMember({ dns, usernames }: DirectoryGroup, dn: string, logins: readonly Username[]): boolean {
  return logins.some((login) => usernames.has(login)) || (dns.size > 0 && dns.has(canonicalDn(dn) ?? ''));
}

function valuesOf({ attributes }: DirectoryEntry, name: string): readonly string[] {
  return attributes.get(name.toLowerCase()) ?? [];
}
