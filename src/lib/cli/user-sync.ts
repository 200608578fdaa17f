import type { SyncChange } from '../core/directory-sync.ts';
import type { StoredPerson } from '../io/db/people.ts';
import type { SyncResult } from '../ops/user-sync.ts';
import { countsDocument, firstOfEach, refusedDocument, renderRefused, withRest } from './directory.ts';
import { fieldNames } from './field-names.ts';
import { renderTable } from './table.ts';

type Change = SyncChange<StoredPerson>;

/** What `user sync` did as `--json` gives it. */
export function userSyncDocument(result: SyncResult) {
  const { changes, refused } = result;
  return {
    ...countsDocument(result),
    changes: changes.map(changeDocument),
    refused_entries: refused.length,
    refused: refused.map(refusedDocument),
  };
}

/** What `user sync` did for a reader; empty when there is nothing to show. */
export function renderUserSync({ changes, refused }: SyncResult): string {
  return [
    ...(changes.length > 0 ? [renderChanges(changes)] : []),
    ...(refused.length > 0 ? [renderRefused(refused)] : []),
  ].join('\n');
}

function changeDocument({ action, stored, wanted, fields }: Change) {
  const { username } = wanted.user;
  const previous = stored?.user.username ?? username;
  return {
    username,
    action,
    changed: action === 'create' ? [] : fieldNames(fields),
    previous_username: previous === username ? null : previous,
  };
}

function renderChanges(changes: readonly Change[]): string {
  const shown = firstOfEach(changes);
  const rows = shown.map((change) => {
    const { username, action, changed, previous_username: previous } = changeDocument(change);
    const what = action === 'update' ? changed.filter((field) => field !== 'username') : [];
    return [username, action, [...(previous === null ? [] : [`was ${previous}`]), ...what].join(', ')];
  });
  const columns = [{ title: 'username' }, { title: 'action' }, { title: 'changes', below: true }];
  return withRest(renderTable(columns, rows), changes.length - shown.length);
}
