import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteDialect,
  SqliteQueryCompiler,
  type TransactionSettings,
} from 'kysely';
import type { Author } from '../../core/audit.ts';
import { refuse } from '../../core/errors.ts';
import { shellWord } from '../../core/shell-word.ts';
import { AuditTrail } from './audit.ts';
import { Changes } from './changes.ts';
import type { Database } from './database.ts';
import { translateSqliteError } from './errors.ts';
import { Gate } from './gate.ts';
import { BOOLEAN_COLUMNS, type Schema } from './schema.ts';

/** How long a writer waits for another one, in milliseconds. */
const BUSY_TIMEOUT = 10_000;
/** In milliseconds. */
const BUSY_PAUSE = 10;
const CACHED_STATEMENTS = 200;

/**
 * Opens a SQLite file: WAL, foreign keys, write transactions that take the write lock when they begin.
 * SQLite never makes a transaction wait that began by reading: under several writers such transactions fail at
 * once with SQLITE_BUSY, whatever the busy timeout. So every write begins with BEGIN IMMEDIATE.
 * @param create makes a missing file, and its folder
 * @throws DATABASE_MISSING, NOT_A_DATABASE, DATABASE_PERMISSION, DATABASE_BUSY
 */
export function openSqlite(path: string, author: Author, { create }: { create: boolean }): Database {
  const file = resolve(path);
  const address = `sqlite:${path}`;
  let handle: Sqlite.Database;
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    if (stats !== undefined && !stats.isFile()) {
      throw refuse.NOT_A_DATABASE({ database: address, reason: 'it is not a regular file' });
    }
    if (stats === undefined) {
      if (!create) {
        const migrate = `uncloud migrate --database ${shellWord(address)}`;
        throw refuse.DATABASE_MISSING({ database: address, createdb: null, migrate });
      }
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      // SQLite itself would create the file with the umask's mode; its -wal and -shm files copy this one's.
      closeSync(openSync(file, 'a', 0o600));
    }
    handle = new Sqlite(file, { timeout: BUSY_TIMEOUT, fileMustExist: true });
    useWriteAheadLog(handle);
    handle.pragma('foreign_keys = on');
    handle.pragma('synchronous = full');
  } catch (error) {
    throw translateSqliteError(error, address);
  }

  const changes = new Changes();
  const trail = new AuditTrail('sqlite', author, changes);
  const driver = new SqliteDriver(new SqliteConnection(handle, address, changes), handle);
  const dialect = new SqliteDialect({ database: async () => handle });
  const kysely = new Kysely<Schema>({
    dialect: {
      createAdapter: () => new TransactionalSqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (db) => dialect.createIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
  const read: Database['read'] = (work) => kysely.transaction().setAccessMode('read only').execute(work);
  return {
    backend: 'sqlite',
    address,
    kysely,
    read,
    rehearse: async (work) => {
      const tx = await kysely.startTransaction().setIsolationLevel('snapshot').execute();
      return work(tx).finally(() => tx.rollback().execute());
    },
    readInBatches: (work) => read((tx) => work((part) => part(tx))),
    write: (topic, work) =>
      kysely.transaction().execute((tx) => trail.record(tx, { topic, result: 'done' }, work)),
    writeInBatches: (topic, work) =>
      kysely
        .transaction()
        .execute((tx) => trail.record(tx, { topic, result: 'done' }, () => work((part) => part(tx)))),
    close: () => kysely.destroy(),
  };
}

/**
 * SQLite makes nobody wait who turns a new file to WAL while another one writes to it or turns it: it fails at once,
 * whatever the busy timeout.
 */
function useWriteAheadLog(handle: Sqlite.Database): void {
  for (let waited = 0; ; waited += BUSY_PAUSE) {
    try {
      handle.pragma('journal_mode = wal');
      return;
    } catch (error) {
      const isBusy = (error as { code?: string }).code === 'SQLITE_BUSY';
      if (!isBusy || waited >= BUSY_TIMEOUT) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE);
    }
  }
}

/** SQLite rolls back CREATE and DROP like everything else; the migration lock is the transaction itself. */
class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

class SqliteDriver implements Driver {
  readonly #handle: Sqlite.Database;
  readonly #connection: SqliteConnection;
  readonly #gate = new Gate();
  #leave: () => void = () => {};

  constructor(connection: SqliteConnection, handle: Sqlite.Database) {
    this.#connection = connection;
    this.#handle = handle;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    this.#leave = await this.#gate.enter();
    return this.#connection;
  }

  async releaseConnection(): Promise<void> {
    this.#leave();
  }

  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    const readOnly = settings.accessMode === 'read only';
    if (readOnly) this.#handle.pragma('query_only = on');
    const deferred = readOnly || settings.isolationLevel === 'snapshot';
    await connection.executeQuery(CompiledQuery.raw(deferred ? 'begin deferred' : 'begin immediate'));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('commit'));
    this.#handle.pragma('query_only = off');
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // SQLite itself rolls back on some errors (disk full, I/O), and then there is nothing left to roll back.
    if (this.#handle.inTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
    this.#handle.pragma('query_only = off');
  }

  async destroy(): Promise<void> {
    this.#handle.close();
  }
}

/** The connection, with one thing more than Kysely asks for: one statement run for many rows. */
export class SqliteConnection implements DatabaseConnection {
  readonly #handle: Sqlite.Database;
  readonly #address: string;
  readonly #changes: Changes;
  readonly #statements = new Map<string, Sqlite.Statement>();

  constructor(handle: Sqlite.Database, address: string, changes: Changes) {
    this.#handle = handle;
    this.#address = address;
    this.#changes = changes;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      const statement = this.#prepare(query.sql);
      const parameters = query.parameters.map(toSqlite);
      if (statement.reader) {
        const rows = restoreBooleans(statement, statement.all(parameters)) as Row[];
        this.#changes.add(query.sql, rows.length);
        return { rows };
      }
      const { changes, lastInsertRowid } = statement.run(parameters);
      this.#changes.add(query.sql, changes);
      return { insertId: BigInt(lastInsertRowid), numAffectedRows: BigInt(changes), rows: [] };
    } catch (error) {
      throw translateSqliteError(error, this.#address);
    }
  }

  /**
   * Runs one statement for so many rows of parameters at a time as it takes, and returns how many rows of the table
   * that changed.
   */
  executeMany(sql: string, rows: readonly (readonly unknown[])[], rowsEach: number): number {
    try {
      const statement = this.#prepare(sql);
      let changed = 0;
      const values: unknown[] = [];
      for (let start = 0; start < rows.length; start += rowsEach) {
        let place = 0;
        for (let at = start; at < start + rowsEach; at++) {
          for (const value of rows[at] ?? []) values[place++] = toColumn(value);
        }
        // Out of one array better-sqlite3 takes values half as fast.
        changed += statement.run(...values).changes;
      }
      this.#changes.add(sql, changed);
      return changed;
    } catch (error) {
      throw translateSqliteError(error, this.#address);
    }
  }

  async *streamQuery<Row>(query: CompiledQuery, chunkSize = 1000): AsyncIterableIterator<QueryResult<Row>> {
    let rows: unknown[] = [];
    try {
      // Not from the cache: a statement that is being stepped cannot run a second time.
      const statement = this.#handle.prepare(query.sql);
      for (const row of statement.iterate(query.parameters.map(toSqlite))) {
        rows.push(row);
        if (rows.length < chunkSize) continue;
        yield { rows: restoreBooleans(statement, rows) as Row[] };
        rows = [];
      }
      if (rows.length > 0) yield { rows: restoreBooleans(statement, rows) as Row[] };
    } catch (error) {
      throw translateSqliteError(error, this.#address);
    }
  }

  #prepare(sql: string): Sqlite.Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#handle.prepare(sql);
      if (this.#statements.size < CACHED_STATEMENTS) this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function toSqlite(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value === undefined ? null : value;
}

/**
 * A value that goes into a column, which makes an integer of a whole number again: better-sqlite3 takes numbers faster
 * than BigInts.
 */
function toColumn(value: unknown): unknown {
  if (typeof value !== 'bigint') return toSqlite(value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function restoreBooleans(statement: Sqlite.Statement, rows: unknown[]): unknown[] {
  if (rows.length === 0) return rows;
  const columns = statement
    .columns()
    .map((column) => column.name)
    .filter((name) => BOOLEAN_COLUMNS.has(name));
  if (columns.length === 0) return rows;
  for (const row of rows as Record<string, unknown>[]) {
    for (const column of columns) if (row[column] !== null) row[column] = row[column] === 1;
  }
  return rows;
}
