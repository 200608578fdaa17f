import { PostgresAdapter, sql, type Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/**
 * Lets PostgreSQL take the statistics of a table after a bulk change. Its own autovacuum comes up to a minute later, and
 * until then the planner reads the whole table for what an index would give. SQLite plans without statistics.
 */
export async function takeStatistics(tx: Transaction<Schema>, table: keyof Schema): Promise<void> {
  if (tx.getExecutor().adapter instanceof PostgresAdapter) await sql`analyze ${sql.table(table)}`.execute(tx);
}
