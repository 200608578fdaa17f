import {
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { Changes } from './changes.ts';

/** Runs a `COPY … FROM STDIN` with the text of its rows, on the connection that is in use. */
export type CopyIn = (statement: string, text: Buffer) => Promise<void>;

/**
 * Passes everything on to a driver of Kysely's, counts changes and turns the errors of its connections into refusals.
 */
export class TranslatingDriver implements Driver {
  readonly #inner: Driver;
  readonly #translate: (error: unknown) => unknown;
  readonly #changes: Changes;
  readonly #copyIn: CopyIn;

  constructor(inner: Driver, translate: (error: unknown) => unknown, changes: Changes, copyIn: CopyIn) {
    this.#inner = inner;
    this.#translate = translate;
    this.#changes = changes;
    this.#copyIn = copyIn;
  }

  init(): Promise<void> {
    return this.#inner.init();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const inner = await this.#inner.acquireConnection();
    return new TranslatingConnection(inner, this.#translate, this.#changes, this.#copyIn);
  }

  releaseConnection(connection: DatabaseConnection): Promise<void> {
    return this.#inner.releaseConnection(innerOf(connection));
  }

  beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    return this.#guard(this.#inner.beginTransaction(innerOf(connection), settings));
  }

  commitTransaction(connection: DatabaseConnection): Promise<void> {
    return this.#guard(this.#inner.commitTransaction(innerOf(connection)));
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // When the connection is gone the server has rolled back; the error that broke it is the one to report.
    return this.#inner.rollbackTransaction(innerOf(connection)).catch(() => {});
  }

  destroy(): Promise<void> {
    return this.#inner.destroy();
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw this.#translate(error);
    }
  }
}

/** The connection, with one thing more than Kysely asks for: COPY. */
export class TranslatingConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #translate: (error: unknown) => unknown;
  readonly #changes: Changes;
  readonly #copyIn: CopyIn;
  #cursors = 0;

  constructor(
    inner: DatabaseConnection,
    translate: (error: unknown) => unknown,
    changes: Changes,
    copyIn: CopyIn,
  ) {
    this.inner = inner;
    this.#translate = translate;
    this.#changes = changes;
    this.#copyIn = copyIn;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      const result = await this.inner.executeQuery<Row>(query);
      this.#changes.add(query.sql, Number(result.numAffectedRows ?? 0));
      return result;
    } catch (error) {
      throw this.#translate(error);
    }
  }

  /** Adds rows to a table: their number, and their text as COPY reads it. */
  async copyRows(statement: string, count: number, text: Buffer): Promise<void> {
    try {
      await this.#copyIn(statement, text);
      this.#changes.add(statement, count);
    } catch (error) {
      throw this.#translate(error);
    }
  }

  /** Only within a transaction, with which the cursor ends. */
  async *streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    this.#cursors += 1;
    const cursor = `rows_${this.#cursors}`;
    await this.executeQuery({ ...query, sql: `declare ${cursor} no scroll cursor for ${query.sql}` });
    for (;;) {
      const page = await this.executeQuery<Row>(CompiledQuery.raw(`fetch ${chunkSize} from ${cursor}`));
      if (page.rows.length > 0) yield page;
      if (page.rows.length < chunkSize) return;
    }
  }
}

function innerOf(connection: DatabaseConnection): DatabaseConnection {
  return connection instanceof TranslatingConnection ? connection.inner : connection;
}
