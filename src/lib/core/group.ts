import { type Line, parseName } from './line.ts';
import type { DirectoryLink, Username } from './user.ts';

/** The name of a group, of 1 to 200 characters. Case matters. */
export type GroupName = Line & { readonly for: 'group' };

/** Users who belong together: a company, a team. */
export interface Group {
  readonly name: GroupName;
  /** Has the rights of an administrator, whether a member or not. */
  readonly owner: Username;
  /** False: the group gives nobody any right. */
  readonly isActive: boolean;
  /** Null: the group was made by hand. */
  readonly directory: DirectoryLink | null;
}

/** A user in a group. */
export interface Member {
  readonly username: Username;
  /** Whether the member sees and changes what belongs to the other members, and lets members in and out. */
  readonly isAdmin: boolean;
}

/** What is to be changed about a group; an absent field stays as it is. */
export interface GroupChange {
  readonly name?: GroupName | undefined;
  readonly owner?: Username | undefined;
  readonly isActive?: boolean | undefined;
}

/**
 * Reads the name of a group.
 * @throws INVALID_TEXT
 */
export function parseGroupName(text: string): GroupName {
  return parseName('name', text) as GroupName;
}

/** The group after a change. */
export function changeGroup({ name, owner, isActive, directory }: Group, change: GroupChange): Group {
  return {
    name: change.name ?? name,
    owner: change.owner ?? owner,
    isActive: change.isActive ?? isActive,
    directory,
  };
}
