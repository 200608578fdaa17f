import { sql, type Transaction } from 'kysely';
import { isPostgres } from './bulk.ts';
import type { Schema } from './schema.ts';

/**
 * Lets PostgreSQL take the statistics of a table after a bulk change. Its own autovacuum comes up to a minute later,
 * and until then the planner reads the whole table for what an index would give. SQLite plans without statistics.
 * @param columns all of them when none is given
 */
export async function takeStatistics<Table extends keyof Schema>(
  tx: Transaction<Schema>,
  table: Table,
  columns: readonly (keyof Schema[Table] & string)[] = [],
): Promise<void> {
  if (!isPostgres(tx)) return;
  const list = columns.length === 0 ? sql`` : sql`(${sql.join(columns.map((column) => sql.ref(column)))})`;
  await sql`analyze ${sql.table(table)} ${list}`.execute(tx);
}

/**
 * Tells PostgreSQL that the statements of this transaction each read a small part of large tables, found by index. The
 * planner cannot know that of tables that grow faster than their statistics follow, and would read them whole, once
 * for each part, or start a second process for it, which takes longer than the statement.
 */
export async function planForSmallParts(tx: Transaction<Schema>): Promise<void> {
  if (!isPostgres(tx)) return;
  await sql
    .raw(
      `set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off;
      set local max_parallel_workers_per_gather = 0`,
    )
    .execute(tx);
}
