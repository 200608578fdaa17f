import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { shippedForeignKeys } from '../../src/lib/io/db/shipped-schema.ts';

/** All rows of a database, by table. */
export type Contents = Readonly<Record<string, readonly Row[]>>;
type Row = Readonly<Record<string, unknown>>;

/** What is random, or named after the database. */
const RANDOM: Readonly<Record<string, readonly string[]>> = {
  secret_keys: ['fingerprint'],
  services: ['secret_hash'],
  vpn_hosts: ['role'],
  vpn_pools: ['private_key'],
};
/** The record of what was done, and how far migrations got: not what was done. */
const RECORDS = ['audit_entries', 'schema_migrations', 'schema_migration_locks', 'sqlite_sequence'];

let foreignKeys: ReturnType<typeof shippedForeignKeys> | undefined;

/** A second pair of eyes on a database, which can also put back what was there. */
export interface Observer {
  /** Reads everything that the database holds. */
  read(): Promise<Contents>;
  /** Empties the tables and fills them again, past all rules; the schema has to be what it was. */
  restore(contents: Contents): Promise<void>;
  close(): Promise<void>;
}

export async function observe(url: string): Promise<Observer> {
  return url.startsWith('sqlite:') ? observeSqlite(url.replace('sqlite:', '')) : observePostgres(url);
}

function observeSqlite(file: string): Observer {
  const handle = new Sqlite(file);
  handle.pragma('foreign_keys = off');
  const tables = () =>
    handle.prepare("select name from sqlite_schema where type = 'table'").pluck().all() as string[];
  return {
    read: async () =>
      sorted(tables().map((name) => [name, handle.prepare(`select * from ${name}`).all() as Row[]])),
    restore: async (contents) => {
      const triggers = handle.prepare("select name, sql from sqlite_schema where type = 'trigger'").all();
      handle.exec('begin immediate');
      for (const { name } of triggers as { name: string }[]) handle.exec(`drop trigger ${name}`);
      for (const name of tables()) {
        handle.exec(`delete from ${name}`);
        for (const row of contents[name] ?? []) {
          const columns = Object.keys(row);
          const places = columns.map((column) => `@${column}`);
          handle.prepare(`insert into ${name} (${columns}) values (${places})`).run(row);
        }
      }
      for (const { sql } of triggers as { sql: string }[]) handle.exec(sql);
      handle.exec('commit');
    },
    close: async () => {
      handle.close();
    },
  };
}

async function observePostgres(url: string): Promise<Observer> {
  const client = new pg.Client(url);
  await client.connect();
  client.on('error', () => {});
  await client.query('set session_replication_role = replica');
  const namesIn = async (query: string) => (await client.query(query)).rows.map(({ name }) => name as string);
  const tables = () => namesIn("select tablename as name from pg_tables where schemaname = 'public'");
  return {
    async read() {
      const parts = (await tables()).map(
        (name) => `'${name}', (select coalesce(jsonb_agg(t), '[]') from ${name} as t)`,
      );
      const { rows } = await client.query(`select jsonb_build_object(${parts.join(', ')}) as contents`);
      return sorted(Object.entries(rows[0].contents as Record<string, Row[]>));
    },
    async restore(contents) {
      const names = await tables();
      if (names.length === 0) return;
      const fill = names.map((name) => {
        const rows = client.escapeLiteral(JSON.stringify(contents[name] ?? []));
        return `insert into ${name} overriding system value select * from jsonb_populate_recordset(null::${name}, ${rows});`;
      });
      const numbered = await namesIn(
        "select table_name as name from information_schema.columns where is_identity = 'YES'",
      );
      const next = numbered.map(
        (name) =>
          `select setval(pg_get_serial_sequence('${name}', 'id'), coalesce(max(id), 0) + 1, false) from ${name};`,
      );
      await client.query(`begin; truncate ${names.join(', ')}; ${fill.join(' ')} ${next.join(' ')} commit`);
    },
    close: () => client.end(),
  };
}

function sorted(tables: readonly (readonly [string, Row[]])[]): Contents {
  const key = (row: Row) => JSON.stringify(row);
  return Object.fromEntries(
    tables.map(([name, rows]) => [name, rows.sort((a, b) => (key(a) < key(b) ? -1 : 1))]),
  );
}

/** The contents without the record of what was done. */
export function dataOf(contents: Contents): Contents {
  return Object.fromEntries(Object.entries(contents).filter(([table]) => !RECORDS.includes(table)));
}

/**
 * The contents as far as two histories of equal effect agree: PostgreSQL gives an id only once, also to a transaction
 * that is rolled back, so ids are replaced by their rank, and what is random is left out.
 */
export async function effectOf(contents: Contents): Promise<Contents> {
  const ranks = new Map<string, Map<unknown, number>>();
  for (const [table, rows] of Object.entries(contents)) {
    const ids = rows.map(({ id }) => id as number).sort((a, b) => a - b);
    ranks.set(table, new Map(ids.map((id, index) => [id, index + 1])));
  }
  const parents = new Map<string, string>();
  foreignKeys ??= shippedForeignKeys();
  for (const { table, columns, parent, keys } of await foreignKeys) {
    if (keys.length === 1 && keys[0] === 'id') parents.set(`${table}.${columns[0]}`, parent);
  }
  const shown = (table: string, column: string, value: unknown): unknown => {
    if (value === null || RANDOM[table]?.includes(column)) return null;
    const parent = column === 'id' ? table : parents.get(`${table}.${column}`);
    return parent === undefined ? value : ranks.get(parent)?.get(value);
  };
  return Object.fromEntries(
    Object.entries(dataOf(contents)).map(([table, rows]) => {
      const shownRows = rows.map((row) =>
        Object.fromEntries(
          Object.entries(row).map(([column, value]) => [column, shown(table, column, value)]),
        ),
      );
      return [table, shownRows.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))];
    }),
  );
}
