import { CompiledQuery, PostgresAdapter, type RawBuilder, sql, type Transaction } from 'kysely';
import { copyText, copyTextInTurns } from './copy-text.ts';
import { together } from './database.ts';
import type { Schema } from './schema.ts';
import type { SqliteConnection } from './sqlite.ts';
import type { TranslatingConnection } from './translating-driver.ts';

/** The types of columns as PostgreSQL names them; SQLite needs none. */
export type ColumnType = 'bigint' | 'text' | 'boolean' | 'date' | 'cidr';

const ROWS_PER_STATEMENT = 10_000;

/** So many rows at a time SQLite stores in two thirds of the time that it takes row by row. */
const ROWS_PER_GROUP = 32;

/** From so many rows on COPY is faster than a statement that PostgreSQL has to plan. */
const COPIED_ROWS = 500;

/** PostgreSQL refuses COPY for tables with row-level security. */
const ROW_SECURED: ReadonlySet<string> = new Set(['vpn_pools', 'vpn_networks']);

/**
 * Inserts rows in bulk: with COPY on PostgreSQL (`INSERT … SELECT FROM unnest(…)` where they are few, or COPY is
 * refused), with one prepared statement for a few at a time on SQLite. Values stand in the order of `columns`.
 * @param table of the schema, or a temporary one
 */
export async function insertRows(
  tx: Transaction<Schema>,
  table: string,
  columns: Readonly<Record<string, ColumnType>>,
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  const into = intoOf({ table, columns });
  if (isCopied(tx, { table, rows })) {
    await copyRows(tx, [{ into, count: rows.length, text: copyText(rows) }]);
    return;
  }
  await executeForRows(tx, columns, rows, {
    sqlite: (values) => `insert into ${into} ${values}`,
    postgresql: (arrays) => `insert into ${into} select * from unnest(${arrays})`,
  });
}

/** Rows for a table, with the values in the order of the columns. */
interface TableRows {
  readonly table: string;
  readonly columns: Readonly<Record<string, ColumnType>>;
  readonly rows: readonly (readonly unknown[])[];
}

/**
 * Does all that `insertRows` takes for these tables but for inserting, while the database does something else.
 * @returns inserts the rows, in the order of the tables
 */
export async function prepareRows(
  tx: Transaction<Schema>,
  tables: readonly TableRows[],
): Promise<() => Promise<void>> {
  const filled = tables.filter(({ rows }) => rows.length > 0);
  if (!filled.every((each) => isCopied(tx, each))) {
    return async () => {
      for (const { table, columns, rows } of filled) await insertRows(tx, table, columns, rows);
    };
  }
  const copies: Copy[] = [];
  for (const each of filled) {
    copies.push({ into: intoOf(each), count: each.rows.length, text: await copyTextInTurns(each.rows) });
  }
  return () => copyRows(tx, copies);
}

function intoOf({ table, columns }: Pick<TableRows, 'table' | 'columns'>): string {
  return `${table} (${Object.keys(columns).join(', ')})`;
}

function isCopied(tx: Transaction<Schema>, { table, rows }: Pick<TableRows, 'table' | 'rows'>): boolean {
  return rows.length >= COPIED_ROWS && !ROW_SECURED.has(table) && isPostgres(tx);
}

/** The text of rows for COPY. */
interface Copy {
  /** The table with its columns. */
  readonly into: string;
  readonly count: number;
  readonly text: Buffer;
}

/** Sends all rows at once. */
function copyRows(tx: Transaction<Schema>, copies: readonly Copy[]): Promise<void> {
  return tx.getExecutor().provideConnection(async (connection) => {
    await together(
      copies.map(({ into, count, text }) =>
        (connection as TranslatingConnection).copyRows(`copy ${into} from stdin`, count, text),
      ),
    );
  });
}

/**
 * Inserts rows as `insertRows` does, but passes over those whose key is there already.
 * @returns how many were inserted
 */
export async function insertNewRows(
  tx: Transaction<Schema>,
  table: string,
  columns: Readonly<Record<string, ColumnType>>,
  rows: readonly (readonly unknown[])[],
): Promise<number> {
  const into = intoOf({ table, columns });
  return executeForRows(tx, columns, rows, {
    sqlite: (values) => `insert into ${into} ${values} on conflict do nothing`,
    postgresql: (arrays) => `insert into ${into} select * from unnest(${arrays}) on conflict do nothing`,
  });
}

/**
 * The condition that a column has one of many values. They are one parameter, so that the statement stays the same
 * for any number of them.
 */
export function isAmong(
  tx: Transaction<Schema>,
  column: string,
  values: readonly (string | number)[],
): RawBuilder<boolean> {
  return isPostgres(tx)
    ? sql<boolean>`${sql.ref(column)} = any(${values})`
    : sql<boolean>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`;
}

/**
 * Updates rows in bulk, as `insertRows` inserts them. The last of `columns` finds the row and is left as it is;
 * a row that is not there is passed over.
 */
export async function updateRows(
  tx: Transaction<Schema>,
  table: keyof Schema,
  columns: Readonly<Record<string, ColumnType>>,
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  const names = Object.keys(columns);
  const [changed, key] = [names.slice(0, -1), names.at(-1)];
  const set = (sourceOf: (column: string, index: number) => string) =>
    changed.map((column, index) => `${column} = ${sourceOf(column, index)}`).join(', ');
  await executeForRows(tx, columns, rows, {
    // SQLite names the columns of VALUES column1, column2, …
    sqlite: (values) =>
      `update ${table} set ${set((_, index) => `batch.column${index + 1}`)} from (${values}) as batch ` +
      `where ${table}.${key} = batch.column${names.length}`,
    postgresql: (arrays) =>
      `update ${table} set ${set((column) => `batch.${column}`)} ` +
      `from unnest(${arrays}) as batch (${names.join(', ')}) where ${table}.${key} = batch.${key}`,
  });
}

/** Deletes the rows with these keys in bulk, as `insertRows` inserts them; one that is not there is passed over. */
export async function deleteRows(
  tx: Transaction<Schema>,
  table: keyof Schema,
  key: Readonly<Record<string, ColumnType>>,
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  const names = Object.keys(key);
  const ofBatch = names.map((column) => `${table}.${column} = batch.${column}`).join(' and ');
  await executeForRows(tx, key, rows, {
    sqlite: (values) => `delete from ${table} where (${names.join(', ')}) in (${values})`,
    postgresql: (arrays) =>
      `delete from ${table} using unnest(${arrays}) as batch (${names.join(', ')}) where ${ofBatch}`,
  });
}

/**
 * A query that looks up rows by index, once for each of the rows of integers that are given, which it calls `given`.
 * Left to itself PostgreSQL may read the whole table instead, when it grew faster than its statistics.
 */
export function selectForEach(
  tx: Transaction<Schema>,
  given: { readonly columns: readonly string[]; readonly rows: readonly (readonly number[])[] },
  { select, from, where }: Readonly<Record<'select' | 'from' | 'where', RawBuilder<unknown>>>,
): RawBuilder<unknown> {
  if (isPostgres(tx)) {
    const arrays = given.columns.map((_, index) => sql`${arrayOf('bigint', given.rows, index)}::bigint[]`);
    const names = given.columns.map((column) => sql.ref(column));
    return sql`
      select found.* from unnest(${sql.join(arrays)}) as given (${sql.join(names)})
      cross join lateral (select ${select} from ${from} where ${where} offset 0) as found`;
  }
  const values = given.columns.map((column, index) => sql`value ->> ${sql.lit(index)} as ${sql.ref(column)}`);
  return sql`
    select ${select} from (select ${sql.join(values)} from json_each(${JSON.stringify(given.rows)})) as given
    cross join ${from} where ${where}`;
}

/**
 * Runs a statement for each batch of rows: SQLite's with a few rows of VALUES, PostgreSQL's with an array a column.
 * @returns how many rows were changed
 */
async function executeForRows(
  tx: Transaction<Schema>,
  columns: Readonly<Record<string, ColumnType>>,
  rows: readonly (readonly unknown[])[],
  statementFor: { sqlite: (values: string) => string; postgresql: (arrays: string) => string },
): Promise<number> {
  if (rows.length === 0) return 0;
  const types = Object.values(columns);
  return tx.getExecutor().provideConnection(async (connection) => {
    if ('executeMany' in connection) {
      const row = `(${types.map(() => '?').join(', ')})`;
      const ofRows = (count: number) => statementFor.sqlite(`values ${Array(count).fill(row).join(', ')}`);
      return executeInGroups(connection as SqliteConnection, ofRows, rows);
    }
    let changed = 0;
    const statement = statementFor.postgresql(
      types.map((type, index) => `$${index + 1}::${type}[]`).join(', '),
    );
    for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
      const batch = rows.slice(start, start + ROWS_PER_STATEMENT);
      const parameters = types.map((type, column) => arrayOf(type, batch, column));
      const { numAffectedRows } = await connection.executeQuery(CompiledQuery.raw(statement, parameters));
      changed += Number(numAffectedRows ?? 0);
    }
    return changed;
  });
}

/** Runs one statement for whole groups of rows, and one for each row that is left: both stay prepared. */
function executeInGroups(
  connection: SqliteConnection,
  ofRows: (count: number) => string,
  rows: readonly (readonly unknown[])[],
): number {
  const end = rows.length - (rows.length % ROWS_PER_GROUP);
  const inGroups = connection.executeMany(ofRows(ROWS_PER_GROUP), rows.slice(0, end), ROWS_PER_GROUP);
  return inGroups + connection.executeMany(ofRows(1), rows.slice(end), 1);
}

/** The values of a column as pg takes an array; integers as the text of one, which pg would write much slower. */
function arrayOf(type: ColumnType, rows: readonly (readonly unknown[])[], column: number): unknown {
  if (type !== 'bigint') return rows.map((row) => row[column]);
  return `{${rows.map((row) => row[column] ?? 'NULL').join()}}`;
}

/** Whether a transaction runs on PostgreSQL. */
export function isPostgres(tx: Transaction<Schema>): boolean {
  return tx.getExecutor().adapter instanceof PostgresAdapter;
}
