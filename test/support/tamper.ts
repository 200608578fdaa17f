import Sqlite from 'better-sqlite3';
import pg from 'pg';
import type { TestContext } from './databases.ts';

/** Changes rows as the owner of the database can: past triggers, and on SQLite past check constraints too. */
export async function tamper(context: TestContext, statements: string): Promise<void> {
  if (!context.url.startsWith('sqlite:')) {
    const client = new pg.Client(context.url);
    await client.connect();
    await client.query(`set session_replication_role = replica; ${statements}`).finally(() => client.end());
    return;
  }
  const handle = new Sqlite(context.url.replace('sqlite:', ''));
  handle.pragma('foreign_keys = off');
  handle.pragma('ignore_check_constraints = on');
  const triggers = handle.prepare("select name, sql from sqlite_master where type = 'trigger'").all();
  for (const { name } of triggers as { name: string }[]) handle.exec(`drop trigger ${name}`);
  handle.exec(statements);
  for (const { sql } of triggers as { sql: string }[]) handle.exec(sql);
  handle.close();
}
