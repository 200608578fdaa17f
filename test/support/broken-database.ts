import pg from 'pg';
import type { CopyQuery } from '../../src/lib/io/db/copy-query.ts';
import { translateSqliteError } from '../../src/lib/io/db/errors.ts';
import { SqliteConnection } from '../../src/lib/io/db/sqlite.ts';

/** When the database goes away: before a statement reaches it, or after it was carried out and before the answer. */
export type Moment = 'before' | 'after';

/**
 * Runs `work` in a world where the database goes away at one statement of this process: the connection to PostgreSQL
 * breaks, SQLite reports I/O errors from then on. What `work` had open is rolled back by the database once its
 * connection is closed.
 * @param isLast picks the statement, by its text and its number from 1 on
 * @returns whether the statement came
 */
export async function breakDatabase(
  isLast: (sql: string, count: number) => boolean,
  moment: Moment,
  work: () => Promise<unknown>,
): Promise<boolean> {
  const sqlite = { ...methodsOf(SqliteConnection.prototype) };
  const query = pg.Client.prototype.query;
  let count = 0;
  let broken = false;

  const lost = () =>
    translateSqliteError(Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' }), 'test');
  const isTime = (sql: string) => {
    count += 1;
    return isLast(sql, count);
  };
  const around = <T>(sql: string, run: () => T): T => {
    if (broken) throw lost();
    if (!isTime(sql)) return run();
    broken = true;
    if (moment === 'after') run();
    throw lost();
  };
  SqliteConnection.prototype.executeQuery = function (this: SqliteConnection, compiled) {
    return around(compiled.sql, () => sqlite.executeQuery.call(this, compiled)) as never;
  };
  SqliteConnection.prototype.executeMany = function (this: SqliteConnection, sql, ...rows) {
    return around(sql, () => sqlite.executeMany.call(this, sql, ...rows));
  };
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    const [statement] = args as [string | DrivenCopy];
    const run = () => query.apply(this, args as never) as unknown;
    if (!isTime(typeof statement === 'string' ? statement : statement.text)) return run();
    broken = true;
    // biome-ignore lint/suspicious/noExplicitAny: the socket is not part of pg's types
    const cut = () => (this as any).connection.stream.destroy();
    if (moment === 'before') {
      cut();
      return run();
    }
    if (typeof statement !== 'string') {
      // pg has let go of the statement by now, and would not tell it that the connection is gone.
      statement.handleReadyForQuery = () => {
        cut();
        statement.handleError(new Error('Connection terminated unexpectedly'));
      };
      return run();
    }
    return (async () => {
      await run();
      cut();
      return run();
    })();
  } as never;
  try {
    await work();
  } finally {
    Object.assign(SqliteConnection.prototype, sqlite);
    pg.Client.prototype.query = query;
  }
  return broken;
}

/** A COPY as pg drives it. */
interface DrivenCopy extends Pick<CopyQuery, 'text'> {
  handleReadyForQuery: () => void;
  handleError(error: Error): void;
}

function methodsOf({ executeQuery, executeMany }: SqliteConnection) {
  return { executeQuery, executeMany };
}
