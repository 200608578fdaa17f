import Sqlite from 'better-sqlite3';
import { Kysely, SqliteDialect, sql, type Transaction } from 'kysely';
import type { Database } from './database.ts';
import { makeSchema } from './migrations.ts';
import type { Schema } from './schema.ts';

/** A part of a schema: its kind, the table that it belongs to, its name there, and how it is defined. */
export interface SchemaPart {
  readonly kind: string;
  readonly table: string;
  readonly name: string;
  readonly definition: string;
}

/** How a part of the live schema differs from what the shipped migrations make. */
export interface SchemaDifference {
  readonly part: SchemaPart;
  readonly what: 'missing' | 'different' | 'added';
}

/** A foreign key: columns of `table` that name the columns `keys` of a row of `parent`. */
export interface ForeignKey {
  readonly table: string;
  /** The first column of the table, which is its key or the beginning of it. */
  readonly firstColumn: string;
  readonly columns: readonly string[];
  readonly parent: string;
  readonly keys: readonly string[];
}

/**
 * Compares the schema of the database with the one that the shipped migrations make: on SQLite in a database in
 * memory, on PostgreSQL in a schema of its own, in a transaction that is rolled back. What others added beside the
 * tables of uncloud is none of its business.
 * @throws DATABASE_PERMISSION on PostgreSQL when the role may not create a schema
 */
export async function compareSchema(database: Database): Promise<SchemaDifference[]> {
  if (database.backend === 'postgresql') return comparePostgres(database);
  const shipped = await withShipped(sqliteParts);
  return differences(await database.read(sqliteParts), shipped);
}

/** The foreign keys that the shipped migrations make; they are the same on both databases. */
export async function shippedForeignKeys(): Promise<ForeignKey[]> {
  return withShipped(async (tx) => {
    const { rows } = await sql<{
      id: number;
      table: string;
      first: string;
      column: string;
      parent: string;
      key: string;
    }>`
      select list.id, tables.name as "table", info.name as first, list."from" as "column",
        list."table" as parent, list."to" as key
      from sqlite_schema as tables, pragma_foreign_key_list(tables.name) as list,
        pragma_table_info(tables.name) as info
      where tables.type = 'table' and info.cid = 0 order by tables.name, list.id, list.seq`.execute(tx);
    return [...Map.groupBy(rows, ({ table, id }) => `${table} ${id}`).values()].flatMap((columns) => {
      const [one] = columns;
      if (one === undefined) return [];
      const { table, first: firstColumn, parent } = one;
      return {
        table,
        firstColumn,
        parent,
        columns: columns.map(({ column }) => column),
        keys: columns.map(({ key }) => key),
      };
    });
  });
}

/** Rows of a table that name a row which is not there, each by its first column. */
export async function findOrphans(
  tx: Transaction<Schema>,
  { table, firstColumn, columns, parent, keys }: ForeignKey,
  most: number,
): Promise<{ row: string; names: string }[]> {
  const named = columns.map((column) => sql.ref(`child.${column}`));
  const { rows } = await sql<{ row: string; names: string }>`
    select cast(${sql.ref(`child.${firstColumn}`)} as text) as row,
      ${sql.join(
        named.map((column) => sql`cast(${column} as text)`),
        sql` || ', ' || `,
      )} as names
    from ${sql.table(table)} as child
    where ${sql.join(
      named.map((column) => sql`${column} is not null`),
      sql` and `,
    )} and not exists (
      select 1 from ${sql.table(parent)} as parent
      where ${sql.join(
        keys.map((key, at) => sql`${sql.ref(`parent.${key}`)} = ${named[at]}`),
        sql` and `,
      )})
    order by 1 limit ${most}`.execute(tx);
  return rows;
}

/** The migrations that are applied and have no checksum. */
export async function migrationsWithoutChecksum(tx: Transaction<Schema>): Promise<string[]> {
  const rows = await tx
    .selectFrom('schema_migrations')
    .leftJoin('schema_migration_checksums as checksums', 'checksums.name', 'schema_migrations.name')
    .select('schema_migrations.name')
    .where('checksums.name', 'is', null)
    .orderBy('schema_migrations.name')
    .execute();
  return rows.map(({ name }) => name);
}

async function withShipped<T>(work: (tx: Transaction<Schema>) => Promise<T>): Promise<T> {
  const kysely = new Kysely<Schema>({ dialect: new SqliteDialect({ database: new Sqlite(':memory:') }) });
  try {
    return await kysely.transaction().execute(async (tx) => {
      await makeSchema(tx, 'sqlite');
      return work(tx);
    });
  } finally {
    await kysely.destroy();
  }
}

async function sqliteParts(tx: Transaction<Schema>): Promise<SchemaPart[]> {
  const { rows } = await sql<SchemaPart>`
    select type as kind, tbl_name as "table", name, sql as definition from sqlite_schema
    where sql is not null and name not like 'sqlite\\_%' escape '\\'`.execute(tx);
  return rows;
}

/** The name of the schema that exists within one transaction only. */
const SCRATCH = 'uncloud_shipped_schema';

async function comparePostgres(database: Database): Promise<SchemaDifference[]> {
  let found: SchemaDifference[] = [];
  const undone = new Error('the schema was compared');
  try {
    await database.write('migrations', async (tx) => {
      const live = await postgresParts(tx);
      await sql`create schema ${sql.id(SCRATCH)}`.execute(tx);
      // Extensions stay where they are, and are found behind the new schema.
      await sql`select set_config('search_path', ${`${SCRATCH}, `} || current_setting('search_path'), true)`.execute(
        tx,
      );
      await makeSchema(tx, 'postgresql');
      found = differences(live, await postgresParts(tx));
      throw undone;
    });
  } catch (error) {
    if (error !== undone) throw error;
  }
  return found;
}

/** The parts of the current schema, as the catalogue describes them to somebody in it. */
async function postgresParts(tx: Transaction<Schema>): Promise<SchemaPart[]> {
  const { rows } = await sql<SchemaPart>`
    with tables as (
      select oid, relname::text as name, relkind, relrowsecurity, relforcerowsecurity, relreplident from pg_class
      where relnamespace = quote_ident(current_schema())::regnamespace and relkind in ('r', 'p'))
    select 'table' as kind, name as "table", name,
      concat(relkind, ' row security ', relrowsecurity, ' forced ', relforcerowsecurity) as definition from tables
    union all
    select 'column', tables.name, attname, concat_ws(' ', format_type(atttypid, atttypmod), attcollation::regcollation,
      case when attnotnull then 'not null' end, attidentity, attgenerated, pg_get_expr(adbin, adrelid, true))
    from pg_attribute join tables on tables.oid = attrelid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attnum > 0 and not attisdropped
    union all
    select 'constraint', tables.name, conname, pg_get_constraintdef(pg_constraint.oid, true)
    from pg_constraint join tables on tables.oid = conrelid where contype <> 'n'
    union all
    select 'index', tables.name, indexes.relname, pg_get_indexdef(indexrelid, 0, true)
    from pg_index join tables on tables.oid = indrelid join pg_class as indexes on indexes.oid = indexrelid
    union all
    select 'trigger', tables.name, tgname, concat(tgenabled, ' ', pg_get_triggerdef(pg_trigger.oid, true))
    from pg_trigger join tables on tables.oid = tgrelid where not tgisinternal
    union all
    select 'policy', tables.name, polname, concat_ws(' ', polcmd, polpermissive, polroles::text,
      pg_get_expr(polqual, polrelid, true), pg_get_expr(polwithcheck, polrelid, true))
    from pg_policy join tables on tables.oid = polrelid
    union all
    select 'function', '', proname::text, concat_ws(' ', pg_get_function_identity_arguments(oid),
      pg_get_function_result(oid), provolatile, prosecdef, proconfig::text, prosrc)
    from pg_proc where pronamespace = quote_ident(current_schema())::regnamespace and not exists (
      select from pg_depend where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e')`.execute(
    tx,
  );
  return rows;
}

function differences(live: readonly SchemaPart[], shipped: readonly SchemaPart[]): SchemaDifference[] {
  const key = ({ kind, table, name }: SchemaPart) => `${kind} ${table}.${name}`;
  const livingParts = new Map(live.map((part) => [key(part), part]));
  const found: SchemaDifference[] = [];
  for (const part of shipped) {
    const living = livingParts.get(key(part));
    if (living === undefined) found.push({ part, what: 'missing' });
    else if (inOneLine(living.definition) !== inOneLine(part.definition))
      found.push({ part, what: 'different' });
    livingParts.delete(key(part));
  }
  const tables = new Set(shipped.map(({ table }) => table).filter((table) => table !== ''));
  for (const part of livingParts.values()) {
    if (tables.has(part.table)) found.push({ part, what: 'added' });
  }
  return found;
}

function inOneLine(definition: string): string {
  return definition.replaceAll(/\s+/g, ' ');
}
