import { CompiledQuery, type Transaction } from 'kysely';
import type { Schema } from './schema.ts';
import type { SqliteConnection } from './sqlite.ts';

/** The types of columns as PostgreSQL names them; SQLite needs none. */
export type ColumnType = 'bigint' | 'text' | 'boolean' | 'date' | 'cidr';

const ROWS_PER_STATEMENT = 10_000;

/**
 * Inserts rows in bulk: one statement for every 10,000 rows on PostgreSQL (`INSERT … SELECT FROM unnest(…)`), one
 * prepared statement for all of them on SQLite. Values stand in the order of `columns`.
 */
export async function insertRows(
  tx: Transaction<Schema>,
  table: keyof Schema,
  columns: Readonly<Record<string, ColumnType>>,
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  const names = Object.keys(columns);
  const into = `insert into ${table} (${names.join(', ')})`;
  await tx.getExecutor().provideConnection(async (connection) => {
    if ('executeMany' in connection) {
      const places = names.map(() => '?').join(', ');
      (connection as SqliteConnection).executeMany(`${into} values (${places})`, rows);
      return;
    }
    const arrays = Object.values(columns).map((type, index) => `$${index + 1}::${type}[]`);
    const statement = `${into} select * from unnest(${arrays.join(', ')})`;
    for (let start = 0; start < rows.length; start += ROWS_PER_STATEMENT) {
      const batch = rows.slice(start, start + ROWS_PER_STATEMENT);
      const parameters = names.map((_, column) => batch.map((row) => row[column]));
      await connection.executeQuery(CompiledQuery.raw(statement, parameters));
    }
  });
}
