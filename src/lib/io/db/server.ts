import { sql, type Transaction } from 'kysely';
import { isPostgres } from './bulk.ts';
import { type Database, only } from './database.ts';
import type { Schema } from './schema.ts';

/** The version of PostgreSQL, as it says itself, or of SQLite. */
export async function serverVersion({ backend, kysely }: Database): Promise<string> {
  const version = backend === 'sqlite' ? sql`sqlite_version()` : sql`current_setting('server_version')`;
  const { rows } = await sql<{ version: string }>`select ${version} as version`.execute(kysely);
  return only(rows).version;
}

/** The seconds since 1970 by the clock of the server; null on SQLite, whose file has the clock of this machine. */
export async function serverClock(tx: Transaction<Schema>): Promise<number | null> {
  if (!isPostgres(tx)) return null;
  const { rows } = await sql<{ now: number }>`
    select extract(epoch from clock_timestamp())::bigint as now`.execute(tx);
  return only(rows).now;
}
