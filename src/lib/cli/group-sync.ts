import type { RefusedEntry } from '../core/entry-match.ts';
import type { GroupSyncChange } from '../core/group-sync.ts';
import type { StoredGroupState } from '../io/db/groups.ts';
import type { GroupSyncResult } from '../ops/group-sync.ts';
import { countsDocument, firstOfEach, renderRefused, renderUnknown, withRest } from './directory.ts';
import { fieldNames } from './field-names.ts';
import { renderTable } from './table.ts';

type Change = GroupSyncChange<StoredGroupState>;

/** How many members that come or go are named to a reader, for each group. */
const NAMED = 5;

/** What `group sync` did as `--json` gives it. */
export function groupSyncDocument(result: GroupSyncResult) {
  const { changes, refused, unknown } = result;
  const memberships = changes.flatMap(({ wanted, added, removed }) => [
    ...added.map((username) => ({ group: wanted.name, username, action: 'add' })),
    ...removed.map((username) => ({ group: wanted.name, username, action: 'remove' })),
  ]);
  return {
    ...countsDocument(result),
    changes: changes.map(changeDocument),
    members_added: count(changes, ({ added }) => added),
    members_removed: count(changes, ({ removed }) => removed),
    members: memberships,
    unknown_members: unknown.length,
    unknown,
    refused_entries: refused.length,
    refused: refused.map(refusedDocument),
  };
}

/** What `group sync` did for a reader; empty when there is nothing to show. */
export function renderGroupSync({ changes, refused, unknown }: GroupSyncResult): string {
  return [
    ...(changes.length > 0 ? [renderChanges(changes)] : []),
    ...(unknown.length > 0 ? [renderUnknown('no user here', unknown)] : []),
    ...(refused.length > 0 ? [renderRefused(refused)] : []),
  ].join('\n');
}

function count(changes: readonly Change[], members: (change: Change) => readonly string[]): number {
  return changes.reduce((sum, change) => sum + members(change).length, 0);
}

function changeDocument({ action, stored, wanted, fields, added, removed }: Change) {
  const previous = stored?.group.name ?? wanted.name;
  return {
    name: wanted.name,
    action,
    changed: fieldNames(fields),
    previous_name: previous === wanted.name ? null : previous,
    owner: wanted.owner,
    members_added: added.length,
    members_removed: removed.length,
  };
}

function refusedDocument({ dn, error }: RefusedEntry) {
  const { group = null } = error.data;
  return { dn, group, code: error.code, reason: error.message, hint: error.hint };
}

function renderChanges(changes: readonly Change[]): string {
  const shown = firstOfEach(changes);
  const rows = shown.map((change) => {
    const { name, action, changed, previous_name: previous } = changeDocument(change);
    const words = [
      ...(previous === null ? [] : [`was ${previous}`]),
      ...(action === 'update' ? changed.filter((field) => field !== 'name') : []),
      ...change.added.slice(0, NAMED).map((username) => `+${username}`),
      ...change.removed.slice(0, NAMED).map((username) => `-${username}`),
    ];
    const more = [change.added, change.removed].reduce(
      (sum, all) => sum + Math.max(0, all.length - NAMED),
      0,
    );
    return [name, action, [...words, ...(more > 0 ? [`${more} more`] : [])].join(', ')];
  });
  const columns = [{ title: 'group' }, { title: 'action' }, { title: 'changes', below: true }];
  return withRest(renderTable(columns, rows), changes.length - shown.length);
}
