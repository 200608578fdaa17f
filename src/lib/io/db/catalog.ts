import { sql, type Transaction } from 'kysely';
import { isPostgres } from './bulk.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/** A table as the database itself describes it. */
export interface CatalogTable {
  readonly name: string;
  /** In the order in which they were made, with PostgreSQL's names of their types; on SQLite those are empty. */
  readonly columns: ReadonlyMap<string, string>;
  /** The columns of the primary key. */
  readonly key: readonly string[];
  /** The other tables that its rows refer to. */
  readonly refersTo: readonly string[];
}

/** How many rows each of these tables has. */
export async function countRows(
  { kysely }: Database,
  tables: readonly (keyof Schema)[],
): Promise<Record<string, number>> {
  const counts = tables.map((table) => sql`(select count(*) from ${sql.table(table)}) as ${sql.ref(table)}`);
  const { rows } = await sql<Record<string, number>>`select ${sql.join(counts)}`.execute(kysely);
  return { ...rows[0] };
}

/** The tables of the schema, those that are referred to first, else by name: in the same order on both databases. */
export async function findTables(tx: Transaction<Schema>): Promise<CatalogTable[]> {
  const [columns, references] = isPostgres(tx) ? await postgresCatalog(tx) : await sqliteCatalog(tx);
  const byTable = Map.groupBy(columns, ({ table_name }) => table_name);
  const tables = [...byTable].map(([name, all]) => ({
    name,
    columns: new Map(all.map(({ column_name, type }) => [column_name, type])),
    key: all
      .filter(({ key_position }) => key_position > 0)
      .sort((one, other) => one.key_position - other.key_position)
      .map(({ column_name }) => column_name),
    refersTo: references
      .filter(({ table_name, referred }) => table_name === name && referred !== name)
      .map(({ referred }) => referred)
      .sort(),
  }));
  return inOrderOfReference(tables.sort((one, other) => (one.name < other.name ? -1 : 1)));
}

interface ColumnRow {
  readonly table_name: string;
  readonly column_name: string;
  readonly type: string;
  /** From 1 on; 0 for a column that is not part of the primary key. */
  readonly key_position: number;
}

interface ReferenceRow {
  readonly table_name: string;
  readonly referred: string;
}

type Catalog = [ColumnRow[], ReferenceRow[]];

async function sqliteCatalog(tx: Transaction<Schema>): Promise<Catalog> {
  const columns = await sql<ColumnRow>`
    select tables.name as table_name, columns.name as column_name, '' as type, columns.pk as key_position
    from sqlite_schema as tables, pragma_table_xinfo(tables.name) as columns
    where tables.type = 'table' and tables.name not like 'sqlite@_%' escape '@' and columns.hidden = 0
    order by tables.name, columns.cid`.execute(tx);
  const references = await sql<ReferenceRow>`
    select tables.name as table_name, keys."table" as referred
    from sqlite_schema as tables, pragma_foreign_key_list(tables.name) as keys
    where tables.type = 'table'`.execute(tx);
  return [columns.rows, references.rows];
}

async function postgresCatalog(tx: Transaction<Schema>): Promise<Catalog> {
  const columns = await sql<ColumnRow>`
    select class.relname::text as table_name, attname::text as column_name,
      format_type(atttypid, null) as type, coalesce(array_position(indkey::int2[], attnum), -1) + 1 as key_position
    from pg_class as class
    join pg_attribute on attrelid = class.oid and attnum > 0 and not attisdropped and attgenerated = ''
    left join pg_index on indrelid = class.oid and indisprimary
    where relnamespace = quote_ident(current_schema())::regnamespace and relkind = 'r'
    order by class.relname collate "C", attnum`.execute(tx);
  const references = await sql<ReferenceRow>`
    select conrelid::regclass::text as table_name, confrelid::regclass::text as referred
    from pg_constraint
    where contype = 'f' and connamespace = quote_ident(current_schema())::regnamespace`.execute(tx);
  return [columns.rows, references.rows];
}

function inOrderOfReference(tables: readonly CatalogTable[]): CatalogTable[] {
  const ordered = new Map<string, CatalogTable>();
  const place = (table: CatalogTable): void => {
    for (const name of table.refersTo) {
      const referred = tables.find((other) => other.name === name);
      if (referred !== undefined && !ordered.has(name)) place(referred);
    }
    ordered.set(table.name, table);
  };
  for (const table of tables) if (!ordered.has(table.name)) place(table);
  return [...ordered.values()];
}
