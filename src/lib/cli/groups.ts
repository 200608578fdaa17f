import { type Member, parseGroupName } from '../core/group.ts';
import { formatInstant } from '../core/instant.ts';
import type { StoredGroup } from '../io/db/groups.ts';
import { parsedArg } from './flags.ts';
import { directoryDocument, placeInDirectory } from './people.ts';
import { type Cell, renderTable, right } from './table.ts';

/** The name of a group, as an argument. */
export const groupArg = parsedArg('Name of the group', parseGroupName);

/** A group as `--json` gives it. */
export function groupDocument(group: StoredGroup) {
  const { id, name, owner, isActive, memberCount, createdAt, directory } = group;
  return {
    id,
    name,
    owner,
    is_active: isActive,
    member_count: memberCount,
    created_at: formatInstant(createdAt),
    directory: directoryDocument(directory),
  };
}

/** A group with its members, as `--json` gives it. */
export function membersDocument(group: StoredGroup, members: readonly Member[]) {
  return {
    ...groupDocument(group),
    members: members.map(({ username, isAdmin }) => ({ username, is_admin: isAdmin })),
  };
}

/** Groups, one a line. */
export function groupTable(groups: readonly StoredGroup[]): string {
  return renderTable(
    [right('id'), { title: 'name', yields: true }, { title: 'owner' }, right('members'), { title: 'active' }],
    groups.map(({ id, name, owner, memberCount, isActive }) => [
      id,
      name,
      owner,
      memberCount,
      isActive ? 'yes' : 'no',
    ]),
  );
}

/** A group as a reader sees it. */
export function groupFields(group: StoredGroup): Record<string, Cell> {
  return {
    Name: group.name,
    Id: group.id,
    Owner: group.owner,
    Active: group.isActive ? 'yes' : 'no',
    Created: formatInstant(group.createdAt),
    Directory: placeInDirectory(group.directory),
    Members: group.memberCount,
  };
}

/** The members of a group, one a line. */
export function memberTable(members: readonly Member[]): string {
  return renderTable(
    [{ title: 'member' }, { title: 'administrator' }],
    members.map(({ username, isAdmin }) => [username, isAdmin ? 'yes' : 'no']),
  );
}

/** What a person should know who changes a member by hand of a group that comes from the directory; null: nothing. */
export function membershipWarning({ name, directory }: StoredGroup, username: string): string | null {
  if (directory === null || directory.goneAt !== null) return null;
  return `the members of ${name} come from the directory: the next uncloud group sync makes ${username} what the entry says.`;
}
