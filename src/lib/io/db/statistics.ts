import { PostgresAdapter, sql, type Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/**
 * Lets PostgreSQL take the statistics of a table after a bulk change. Its own autovacuum comes up to a minute later, and
 * until then the planner reads the whole table for what an index would give. SQLite plans without statistics.
 */
export async function takeStatistics(tx: Transaction<Schema>, table: keyof Schema): Promise<void> {
  if (tx.getExecutor().adapter instanceof PostgresAdapter) await sql`analyze ${sql.table(table)}`.execute(tx);
}

/**
 * Tells PostgreSQL that the statements of this transaction each read a small part of large tables, found by index. The
 * planner cannot know that of tables that grow faster than their statistics follow, and would read them whole, once
 * for each part.
 */
export async function planForSmallParts(tx: Transaction<Schema>): Promise<void> {
  if (!(tx.getExecutor().adapter instanceof PostgresAdapter)) return;
  await sql
    .raw('set local enable_seqscan = off; set local enable_hashjoin = off; set local enable_mergejoin = off')
    .execute(tx);
}
