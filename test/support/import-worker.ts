// Imports a file, and is killed at the operation of files or database that it is told: node import-worker.ts CALL
import type { Instant } from '../../src/lib/core/instant.ts';
import type { ImportOptions } from '../../src/lib/io/import-file.ts';
import { breakDatabase } from './broken-database.ts';
import { Operations } from './faults.ts';
import { KINDS, type Things } from './import-world.ts';
import { workerContext } from './worker-context.ts';

export interface ImportCall {
  readonly url: string;
  readonly things: Things;
  readonly options: ImportOptions;
  readonly now: Instant;
  /** The operation before which it is killed: its number, the first is 1, or its name. */
  readonly killedAt: number | string;
}

const { url, things, options, now, killedAt } = JSON.parse(process.argv[2] ?? '') as ImportCall;
const { context, database } = await workerContext(url, now);
const operations = new Operations({ at: killedAt, moment: 'killed' });
const never = (sql: string) => {
  operations.statement(sql);
  return false;
};
await operations.files(() => breakDatabase(never, 'before', () => KINDS[things].work(context, options)));
await database.close();
