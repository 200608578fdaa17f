import type { Transaction } from 'kysely';
import type { DirectoryPerson } from '../core/directory-entry.ts';
import { planSync, type SyncChange } from '../core/directory-sync.ts';
import { countActions, type RefusedEntry } from '../core/entry-match.ts';
import { readOrWrite } from '../io/db/database.ts';
import { findPeople, type StoredPerson, savePeople } from '../io/db/people.ts';
import type { Schema } from '../io/db/schema.ts';
import { readPeople } from '../io/ldap/people.ts';
import type { Context } from './context.ts';

/** How a sync goes about what it decided. */
export interface SyncOptions {
  /** Decide about everybody and write nothing. */
  readonly dryRun: boolean;
  /** Do it although the brake holds. */
  readonly prune: boolean;
}

/** What a sync did, or would do. */
export interface SyncResult {
  readonly entries: number;
  readonly created: number;
  readonly updated: number;
  readonly deactivated: number;
  readonly unchanged: number;
  readonly changes: readonly SyncChange<StoredPerson>[];
  readonly refused: readonly RefusedEntry[];
}

/** How many users one statement may name. */
const BATCH = 10_000;

/**
 * Makes the users what the directory says, in one transaction: new ones are created, known ones brought up to date,
 * and those whose entry is gone become inactive. Nobody is deleted, and users without an entry are left alone.
 * @throws SYNC_BRAKED unless `prune`, and what reading the directory throws; then nothing is changed
 */
export async function syncUsers(context: Context, { dryRun, prune }: SyncOptions): Promise<SyncResult> {
  const directory = await context.ldap();
  const staff = await directory.staff();
  const people: DirectoryPerson[] = [];
  const unread: RefusedEntry[] = [];
  for await (const entries of directory.people()) {
    const page = readPeople(directory, entries, staff);
    people.push(...page.people);
    unread.push(...page.refused);
    context.progress(people.length + unread.length, null, 'people');
  }
  const database = await context.db();

  const work = async (tx: Transaction<Schema>): Promise<SyncResult> => {
    const { changes, refused, unchanged, brake } = planSync(
      { people, refused: unread },
      await findPeople(tx),
      context.now,
    );
    if (brake !== null && !prune) throw brake;
    if (!dryRun) await saveChanges(tx, changes);
    return {
      entries: people.length + unread.length,
      ...countActions(changes),
      unchanged,
      changes,
      refused,
    };
  };
  return readOrWrite(database, { topic: 'people', dryRun }, work);
}

/** Names that are given up come before names that are taken. */
async function saveChanges(
  tx: Transaction<Schema>,
  changes: readonly SyncChange<StoredPerson>[],
): Promise<void> {
  await savePeople(
    tx,
    changes.filter(({ stored }) => stored !== null),
  );
  const created = changes.filter(({ stored }) => stored === null);
  for (let start = 0; start < created.length; start += BATCH) {
    await savePeople(tx, created.slice(start, start + BATCH));
  }
}
