import {
  type GroupEntry,
  type PersonNames,
  readEntries,
  readGroupEntry,
  readPersonNames,
} from '../../core/directory-entry.ts';
import type { RefusedEntry } from '../../core/entry-match.ts';
import type { GroupContent } from '../../core/group-sync.ts';
import type { GroupSearch } from '../../core/ldap-settings.ts';
import type { Directory } from './directory.ts';

/**
 * All groups of the directory, and how all people are named, of whom their members are.
 * @throws what reading the directory throws
 */
export async function readGroups(
  directory: Directory,
  search: GroupSearch,
  progress: (done: number, total: null, unit: string) => void,
): Promise<GroupContent> {
  const groups: GroupEntry[] = [];
  const refused: RefusedEntry[] = [];
  for await (const entries of directory.groups(search)) {
    const page = readEntries(entries, (entry) => readGroupEntry(entry, search.nameAttribute));
    groups.push(...page.read);
    refused.push(...page.refused);
    progress(groups.length + refused.length, null, 'groups');
  }
  const { attributes } = directory.settings;
  const people: PersonNames[] = [];
  for await (const entries of directory.names()) {
    people.push(...readEntries(entries, (entry) => readPersonNames(entry, attributes)).read);
    progress(people.length, null, 'people');
  }
  return { groups, refused, people };
}
