import type { DirectoryContent } from '../core/directory-sync.ts';
import { refuse } from '../core/errors.ts';
import { type GroupSurvey, surveyGroups } from '../core/group-sync.ts';
import type { Username } from '../core/user.ts';
import { readGroups } from '../io/ldap/groups.ts';
import { readOnePerson, readPeople } from '../io/ldap/people.ts';
import type { Context } from './context.ts';

/** What the directory answers, and what would be read from it. */
export interface LdapReport extends DirectoryContent {
  readonly url: string;
  /** The version of TLS; null on loopback. */
  readonly tls: string | null;
  /** As whom we search; null: as nobody in particular. */
  readonly bindDn: string | null;
  /** Whom the directory takes us for; null when it does not say. */
  readonly boundAs: string | null;
  readonly baseDn: string;
  readonly filter: string;
  readonly staffGroup: { readonly dn: string; readonly members: number } | null;
  /** What `group sync` would read; null when no groups are configured, or only one person is asked for. */
  readonly groups: (GroupSurvey & { readonly baseDn: string; readonly filter: string }) | null;
}

/** How many people are shown. */
const SAMPLE = 10;

/**
 * Tries the directory: connects, logs in, reads the group of the staff, and searches for one person, or for the first
 * ten and for all groups. Nothing is written, and no database is needed.
 * @throws LDAP_ANONYMOUS when the login was taken and is worth nothing; NOT_IN_DIRECTORY, LOGIN_TWICE, and what
 * opening and reading the directory throws
 */
export async function checkLdap(context: Context, username: Username | undefined): Promise<LdapReport> {
  const directory = await context.ldap();
  const { settings, tls } = directory;
  const boundAs = await directory.whoAmI();
  const bindDn = settings.bind?.dn ?? null;
  if (bindDn !== null && boundAs === '') throw refuse.LDAP_ANONYMOUS({ url: settings.url, bindDn });
  const staff = await directory.staff();
  const found =
    username === undefined
      ? readPeople(directory, await directory.sample(SAMPLE), staff)
      : { people: [await readOnePerson(directory, username, staff)], refused: [] };
  const members = (staff?.dns.size ?? 0) + (staff?.usernames.size ?? 0);
  const search = username === undefined ? settings.groups : null;
  const content = search === null ? null : await readGroups(directory, search, context.progress);
  return {
    url: settings.url,
    tls,
    bindDn,
    boundAs,
    baseDn: settings.baseDn,
    filter: directory.describeFilter(username),
    staffGroup: settings.staffGroupDn === null ? null : { dn: settings.staffGroupDn, members },
    groups: search && content && { baseDn: search.baseDn, filter: search.filter, ...surveyGroups(content) },
    people: found.people,
    refused: [...found.refused, ...(content?.refused ?? [])],
  };
}
