// Imports a file, and is killed at the operation of files or database that it is told: node import-worker.ts CALL
import { readConfig } from '../../src/lib/core/config.ts';
import { parseDatabaseUrl } from '../../src/lib/core/database-url.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import { authorOf } from '../../src/lib/io/author.ts';
import { openDatabase } from '../../src/lib/io/db/open.ts';
import type { ImportOptions } from '../../src/lib/io/import-file.ts';
import { runner } from '../../src/lib/io/run.ts';
import { breakDatabase } from './broken-database.ts';
import { Operations } from './faults.ts';
import { KINDS, type Things } from './import-world.ts';

export interface ImportCall {
  readonly url: string;
  readonly things: Things;
  readonly options: ImportOptions;
  readonly now: Instant;
  /** The operation before which it is killed: its number, the first is 1, or its name. */
  readonly killedAt: number | string;
}

const { url, things, options, now, killedAt } = JSON.parse(process.argv[2] ?? '') as ImportCall;
const database = await openDatabase(parseDatabaseUrl(url), authorOf('test', now));
const context = {
  ...readConfig([], {}, { 'database.url': url }),
  now,
  asUser: null,
  db: async () => database,
  ldap: () => Promise.reject(new Error('no directory')),
  run: runner({ useSudo: false, show: null }),
  showsProgress: false,
  progress: () => {},
};
const operations = new Operations({ at: killedAt, moment: 'killed' });
const never = (sql: string) => {
  operations.statement(sql);
  return false;
};
await operations.files(() => breakDatabase(never, 'before', () => KINDS[things].work(context, options)));
await database.close();
