import { sql, type Transaction } from 'kysely';
import type { DumpRow } from '../../core/dump.ts';
import { type ColumnType, insertRows, isPostgres } from './bulk.ts';
import { type CatalogTable, findTables } from './catalog.ts';
import type { Batch } from './database.ts';
import type { Schema } from './schema.ts';

/** What belongs to one database alone: the state of its migrations, and the roles of its server. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'schema_migrations',
  'schema_migration_checksums',
  'schema_migration_locks',
  'vpn_hosts',
]);

/** What `migrate` itself puts into a fresh database. */
const FILLED_BY_MIGRATE: ReadonlySet<string> = new Set(['audit_entries', 'bill_counters']);

const PAGE = 5000;

/** The tables that a dump has, those that are referred to first. */
export async function findDumpedTables(tx: Transaction<Schema>): Promise<CatalogTable[]> {
  return (await findTables(tx)).filter(({ name }) => !LEFT_OUT.has(name));
}

/** The rows of a table in pages, in the order of its primary key. */
export async function* readTable(
  batch: Batch,
  { name, columns, key }: CatalogTable,
): AsyncGenerator<DumpRow[]> {
  // Text in the order of its bytes, as SQLite has it, whatever the language of the PostgreSQL database. On SQLite the
  // types are empty.
  const ordered = sql.join(
    key.map((column) =>
      columns.get(column) === 'text' ? sql`${sql.ref(column)} collate "C"` : sql.ref(column),
    ),
  );
  let last: DumpRow | undefined;
  for (let size = PAGE; size === PAGE; ) {
    const after =
      last === undefined
        ? sql``
        : sql`where (${ordered}) > (${sql.join(key.map((column) => sql.val(last?.[column])))})`;
    const query = sql<DumpRow>`
      select ${sql.join([...columns.keys()].map((column) => sql.ref(column)))} from ${sql.table(name)} ${after}
      order by ${ordered} limit ${sql.lit(PAGE)}`;
    const { rows } = await batch((tx) => query.execute(tx));
    yield rows;
    size = rows.length;
    last = rows.at(-1);
  }
}

/** The tables that hold anything that did not come from `migrate`. */
export async function findFilledTables(
  tx: Transaction<Schema>,
  tables: readonly CatalogTable[],
): Promise<string[]> {
  const filled: string[] = [];
  for (const { name } of tables) {
    if (FILLED_BY_MIGRATE.has(name)) continue;
    const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(tx);
    if (rows.length > 0) filled.push(name);
  }
  return filled;
}

/**
 * Does work while the triggers of the tables are off. They guard changes; the rows of a dump come as they stood, with
 * numbers given and orders closed. Keys and other constraints stay in force.
 */
export async function withoutTriggers<T>(
  tx: Transaction<Schema>,
  tables: readonly CatalogTable[],
  work: () => Promise<T>,
): Promise<T> {
  if (isPostgres(tx)) {
    const all = async (verb: 'enable' | 'disable') => {
      for (const { name } of tables) {
        await sql`alter table ${sql.table(name)} ${sql.raw(verb)} trigger user`.execute(tx);
      }
    };
    // This takes a lock on each table: no other program writes while the dump is loaded.
    await all('disable');
    const value = await work();
    await all('enable');
    return value;
  }
  const { rows } = await sql<{ name: string; sql: string }>`
    select name, sql from sqlite_schema where type = 'trigger'`.execute(tx);
  for (const trigger of rows) await sql`drop trigger ${sql.ref(trigger.name)}`.execute(tx);
  const value = await work();
  for (const trigger of rows) await sql.raw(trigger.sql).execute(tx);
  return value;
}

/** Takes out what `migrate` put in. */
export async function emptyTables(tx: Transaction<Schema>): Promise<void> {
  for (const name of FILLED_BY_MIGRATE) await sql`delete from ${sql.table(name)}`.execute(tx);
}

/** Adds rows as they stood in a dump, their values in the order of the table's columns. */
export async function loadRows(
  tx: Transaction<Schema>,
  { name, columns }: CatalogTable,
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  await insertRows(tx, name, Object.fromEntries(columns) as Record<string, ColumnType>, rows);
}

/** Lets new ids begin after the highest one of each table; SQLite does so by itself. */
export async function continueIds(tx: Transaction<Schema>, tables: readonly CatalogTable[]): Promise<void> {
  if (!isPostgres(tx)) return;
  for (const { name, columns } of tables) {
    if (!columns.has('id')) continue;
    await sql`
      select setval(pg_get_serial_sequence(${name}, 'id'), max(id)) from ${sql.table(name)}
      having pg_get_serial_sequence(${name}, 'id') is not null and max(id) is not null`.execute(tx);
  }
}
