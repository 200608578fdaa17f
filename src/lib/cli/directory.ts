import type { DirectoryPerson } from '../core/directory-entry.ts';
import type { RefusedEntry } from '../core/entry-match.ts';
import type { UnknownMember } from '../core/group-sync.ts';
import type { LdapReport } from '../ops/ldap-check.ts';
import { type Cell, renderTable } from './table.ts';

/** How many of each kind a reader is shown; `--json` has all of them. */
const SHOWN = 20;

/** The first changes of each action, in the order that they have. */
export function firstOfEach<Change extends { readonly action: string }>(
  changes: readonly Change[],
): readonly Change[] {
  const counts = new Map<string, number>();
  return changes.filter(({ action }) => {
    const count = (counts.get(action) ?? 0) + 1;
    counts.set(action, count);
    return count <= SHOWN;
  });
}

/** A table and, below it, how many rows it leaves out. */
export function withRest(table: string, left: number): string {
  return left > 0 ? `${table}\n… and ${left} more; all of them with --json` : table;
}

/** How many users or groups a sync did what with, of so many entries. */
interface SyncCounts {
  readonly entries: number;
  readonly created: number;
  readonly updated: number;
  readonly deactivated: number;
  readonly unchanged: number;
}

/** The counts of a sync in words: `1 created, 0 updated, …`. */
export function countWords({ created, updated, deactivated, unchanged }: SyncCounts): string {
  return `${created} created, ${updated} updated, ${deactivated} deactivated, ${unchanged} unchanged`;
}

/** The counts of a sync as `--json` gives them. */
export function countsDocument({ entries, created, updated, deactivated, unchanged }: SyncCounts) {
  return { entries, created, updated, deactivated, unchanged };
}

/** A refused entry as `--json` gives it. */
export function refusedDocument({ dn, error }: RefusedEntry) {
  const { username = null } = error.data;
  return { dn, username, code: error.code, reason: error.message, hint: error.hint };
}

/** The first refused entries, for a reader. */
export function renderRefused(refused: readonly RefusedEntry[]): string {
  const rows = refused.slice(0, SHOWN).map(({ dn, error }) => [dn, error.message]);
  const columns = [{ title: 'entry' }, { title: 'refused because', below: true }];
  return withRest(renderTable(columns, rows), refused.length - rows.length);
}

/** What the directory says about a person, as `--json` gives it. */
function entryDocument({ id, dn, usernames, change: { user, address } }: DirectoryPerson) {
  return {
    username: usernames[0],
    id,
    dn,
    full_name: user.fullName ?? null,
    email: user.email ?? null,
    is_staff: user.isStaff ?? null,
    organization: address.organization ?? null,
    street: address.street ?? null,
    city: address.city ?? null,
    postal_code: address.postalCode ?? null,
    country: address.country ?? null,
  };
}

/** People of the directory for a reader. */
export function renderEntries(people: readonly DirectoryPerson[]): string {
  const titles = ['username', 'full name', 'email', 'staff', 'country', 'entry'];
  const rows = people.map((person) => {
    const { username, full_name, email, is_staff, country, dn } = entryDocument(person);
    return [username, full_name, email, is_staff === null ? null : is_staff ? 'yes' : 'no', country, dn];
  });
  return renderTable(
    titles.map((title) => ({ title })),
    rows,
  );
}

/** What `ldap check` found, as `--json` gives it. */
export function reportDocument(report: LdapReport) {
  return {
    url: report.url,
    tls: report.tls,
    bind_dn: report.bindDn,
    bound_as: report.boundAs,
    base_dn: report.baseDn,
    filter: report.filter,
    staff_group: report.staffGroup,
    groups: groupsDocument(report),
    people: report.people.map(entryDocument),
    refused: report.refused.map(refusedDocument),
  };
}

function groupsDocument({ groups }: LdapReport) {
  if (groups === null) return null;
  const { baseDn, filter, entries, members, unknown, withoutOwner } = groups;
  return {
    base_dn: baseDn,
    filter,
    entries,
    members,
    unknown_members: unknown.length,
    unknown,
    without_owner: withoutOwner,
  };
}

/** The first members of groups who are nobody, for a reader. */
export function renderUnknown(title: string, unknown: readonly UnknownMember[]): string {
  const rows = unknown.slice(0, SHOWN).map(({ group, member }) => [group, member]);
  return withRest(renderTable([{ title: 'group' }, { title }], rows), unknown.length - rows.length);
}

/** How the directory was reached and asked, for a reader. */
export function reportFields(report: LdapReport): Record<string, Cell> {
  const { staffGroup, groups } = report;
  return {
    Directory: report.url,
    Encryption: report.tls === null ? 'none (loopback)' : `${report.tls}, certificate verified`,
    'Bound as': report.bindDn === null ? 'nobody (ldap.bind_dn is empty)' : report.boundAs || report.bindDn,
    'Searched below': report.baseDn,
    Filter: report.filter,
    'Staff group': staffGroup === null ? null : `${staffGroup.dn} (members: ${staffGroup.members})`,
    ...(groups === null
      ? {}
      : {
          'Groups below': groups.baseDn,
          'Group filter': groups.filter,
          Groups: `${groups.entries} (members: ${groups.members}; nobody in the directory: ${groups.unknown.length})`,
        }),
  };
}
