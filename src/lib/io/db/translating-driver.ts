import type { CompiledQuery, DatabaseConnection, Driver, QueryResult, TransactionSettings } from 'kysely';
import type { Changes } from './changes.ts';

/** Passes everything on to a driver of Kysely's, counts changes and turns the errors of its connections into refusals. */
export class TranslatingDriver implements Driver {
  readonly #inner: Driver;
  readonly #translate: (error: unknown) => unknown;
  readonly #changes: Changes;

  constructor(inner: Driver, translate: (error: unknown) => unknown, changes: Changes) {
    this.#inner = inner;
    this.#translate = translate;
    this.#changes = changes;
  }

  init(): Promise<void> {
    return this.#inner.init();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    return new TranslatingConnection(await this.#inner.acquireConnection(), this.#translate, this.#changes);
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

class TranslatingConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;
  readonly #translate: (error: unknown) => unknown;
  readonly #changes: Changes;

  constructor(inner: DatabaseConnection, translate: (error: unknown) => unknown, changes: Changes) {
    this.inner = inner;
    this.#translate = translate;
    this.#changes = changes;
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

  async *streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    try {
      yield* this.inner.streamQuery<Row>(query, chunkSize);
    } catch (error) {
      throw this.#translate(error);
    }
  }
}

function innerOf(connection: DatabaseConnection): DatabaseConnection {
  return connection instanceof TranslatingConnection ? connection.inner : connection;
}
