import { parseCountry } from './country.ts';
import { canonicalDn } from './distinguished-name.ts';
import { quote, refuse, UserError } from './errors.ts';
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
  /** Canonical names: `member` of groupOfNames, `uniqueMember` of groupOfUniqueNames. */
  readonly dns: ReadonlySet<string>;
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
export function readDirectoryId(entry: DirectoryEntry): DirectoryId {
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
    return value === undefined ? undefined : attempt(attribute, () => parse(value));
  };
  const attempt = <T>(attribute: string, parse: () => T): T => {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw error.at(`entry ${quote(entry.dn)}, ${attribute}`);
    }
  };
  const line = (field: string) => (text: string) => parseLine(field, text);
  const id = readDirectoryId(entry);
  const logins = valuesOf(entry, names.login).map((value) =>
    attempt(names.login, () => parseUsername(value)),
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

/** Values have no order in LDAP (RFC 4512 §2.3): the login that the entry is named by comes first. */
function mainFirst({ dn }: DirectoryEntry, attribute: string, logins: readonly Username[]): Username[] {
  if (logins.length < 2) return [...logins];
  const name = canonicalDn(dn) ?? '';
  const isMain = (login: Username) =>
    name.startsWith(`${attribute.toLowerCase()}=${JSON.stringify(login.toLowerCase())}`);
  return logins.toSorted((one, other) => Number(isMain(other)) - Number(isMain(one)));
}

/** Reads an entry as a group, of whichever kinds it is. */
export function readGroup(entry: DirectoryEntry): DirectoryGroup {
  // RFC 4517 §3.3.21: a unique member may carry a bit string behind its name.
  const unique = valuesOf(entry, 'uniqueMember').map((value) => value.replace(/#'[01]*'B$/, ''));
  const dns = [...valuesOf(entry, 'member'), ...unique].map(canonicalDn);
  return {
    dns: new Set(dns.filter((dn) => dn !== null)),
    usernames: new Set(valuesOf(entry, 'memberUid')),
  };
}

function isMember({ dns, usernames }: DirectoryGroup, dn: string, logins: readonly Username[]): boolean {
  return logins.some((login) => usernames.has(login)) || (dns.size > 0 && dns.has(canonicalDn(dn) ?? ''));
}

function valuesOf({ attributes }: DirectoryEntry, name: string): readonly string[] {
  return attributes.get(name.toLowerCase()) ?? [];
}
