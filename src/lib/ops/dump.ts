import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import {
  DUMP_FORMAT,
  DUMP_VERSION,
  type DumpEnd,
  type DumpHeader,
  parseDumpHeader,
  parseDumpLine,
} from '../core/dump.ts';
import { refuse, UserError } from '../core/errors.ts';
import type { CatalogTable } from '../io/db/catalog.ts';
import type { Batch, Database } from '../io/db/database.ts';
import {
  continueIds,
  emptyTables,
  findDumpedTables,
  findFilledTables,
  loadRows,
  readTable,
  withoutTriggers,
} from '../io/db/dump.ts';
import { appliedMigrations } from '../io/db/migrations.ts';
import type { Schema } from '../io/db/schema.ts';
import { createPrivateFile } from '../io/files.ts';
import { keepHeapSmall } from '../io/heap.ts';
import { openInput } from '../io/input.ts';
import { readLines, type TextLine } from '../io/json-lines.ts';
import { openerFor, recordedFingerprint } from '../io/secrets.ts';
import { writeToStdout } from '../io/stdout.ts';
import type { Context } from './context.ts';

/** How many rows a table had or got; tables without rows are left out. */
export type RowCounts = Readonly<Record<string, number>>;

const ROWS_PER_INSERT = 5000;

/**
 * Writes everything that the database holds, as it is at one moment, as JSON lines.
 * @param output a new file, mode 0600, or `-` for standard output
 * @throws FILE_EXISTS, FILE_NOT_WRITABLE
 */
export async function dumpDatabase(context: Context, output: string): Promise<RowCounts> {
  keepHeapSmall();
  const database = await context.db();
  const schema = await appliedMigrations(database);
  const counts: Record<string, number> = {};
  await database.readInBatches(async (batch) => {
    const lines = dumpLines(context, { batch, schema, counts });
    await (output === '-' ? writeToStdout(lines) : createPrivateFile(output, lines));
  });
  return counts;
}

async function* dumpLines(
  context: Context,
  { batch, schema, counts }: { batch: Batch; schema: string[]; counts: Record<string, number> },
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const hashed = (lines: string) => {
    hash.update(lines);
    return lines;
  };
  const header: DumpHeader = {
    format: DUMP_FORMAT,
    version: DUMP_VERSION,
    schema,
    secrets_key: (await batch(recordedFingerprint)) ?? null,
  };
  yield hashed(`${JSON.stringify(header)}\n`);
  let done = 0;
  for (const table of await batch(findDumpedTables)) {
    for await (const rows of readTable(batch, table)) {
      if (rows.length === 0) continue;
      counts[table.name] = (counts[table.name] ?? 0) + rows.length;
      done += rows.length;
      context.progress(done, null, 'rows');
      yield hashed(rows.map((row) => `${JSON.stringify({ table: table.name, row })}\n`).join(''));
    }
  }
  const end: DumpEnd = { end: { rows: counts, sha256: hash.digest('hex') } };
  yield `${JSON.stringify(end)}\n`;
}

/** What was loaded. */
export interface LoadOutcome {
  readonly rows: RowCounts;
  /** Why the secrets of the dump do not open with the key file of this machine; null: they do, or there are none. */
  readonly sealed: UserError | null;
}

/**
 * Loads a dump into a database that has the same migrations and no rows: all of it or nothing.
 * @param file a dump, or `-` for standard input
 * @param dryRun reads and checks the whole file, and loads nothing
 * @throws INPUT_NOT_FOUND, INVALID_DUMP, DUMP_VERSION, DUMP_SCHEMA, SCHEMA_MISSING, DATABASE_NOT_EMPTY
 */
export async function loadDatabase(
  context: Context,
  file: string,
  { dryRun }: { dryRun: boolean },
): Promise<LoadOutcome> {
  keepHeapSmall();
  const database = await context.db({ anySchema: true });
  const applied = await appliedMigrations(database);
  if (applied.length === 0) throw refuse.SCHEMA_MISSING({ database: database.address });
  const dump = new DumpReader(file);
  try {
    await dump.open(applied);
    return await (dryRun ? checkDump(database, dump) : loadDump(context, database, dump));
  } finally {
    await dump.close();
  }
}

/** Reads the whole dump and loads nothing. */
async function checkDump(database: Database, dump: DumpReader): Promise<LoadOutcome> {
  const tables = await database.read((tx) => findEmptyTables(tx, database));
  return { rows: await dump.readRows(tables, async () => {}), sealed: null };
}

async function loadDump(context: Context, database: Database, dump: DumpReader): Promise<LoadOutcome> {
  return database.write('migrations', async (tx) => {
    const tables = await findEmptyTables(tx, database);
    const rows = await withoutTriggers(tx, tables, async () => {
      await emptyTables(tx);
      let done = 0;
      return dump.readRows(tables, async (table, values) => {
        await loadRows(tx, table, values);
        done += values.length;
        context.progress(done, null, 'rows');
      });
    });
    await continueIds(tx, tables);
    return { rows, sealed: await whySealed(tx, context) };
  });
}

async function findEmptyTables(tx: Transaction<Schema>, database: Database): Promise<CatalogTable[]> {
  const tables = await findDumpedTables(tx);
  const filled = await findFilledTables(tx, tables);
  if (filled.length > 0) throw refuse.DATABASE_NOT_EMPTY({ database: database.address, tables: filled });
  return tables;
}

/** Reads a dump line by line, and checks that it is whole. */
class DumpReader {
  readonly #file: string;
  readonly #lines: AsyncGenerator<TextLine>;
  readonly #hash = createHash('sha256');

  constructor(file: string) {
    this.#file = file === '-' ? 'standard input' : file;
    this.#lines = linesOf(file);
  }

  /** Reads the first line, which has to be of a database with these migrations. */
  async open(applied: readonly string[]): Promise<void> {
    const { value } = await this.#lines.next();
    const { schema } = parseDumpHeader(value?.text ?? '', this.#file);
    if (schema.join() !== applied.join()) {
      const [dump = 'none', database = 'none'] = [schema.at(-1), applied.at(-1)];
      throw refuse.DUMP_SCHEMA({ file: this.#file, dump, database });
    }
    this.#hash.update(`${value?.text}\n`);
  }

  /** Closes the file, also when it was not read to its end. */
  async close(): Promise<void> {
    await this.#lines.return(undefined);
  }

  /** Hands on the rows of each table in parts, in the order of the file, down to the last line. */
  async readRows(
    tables: readonly CatalogTable[],
    load: (table: CatalogTable, rows: readonly (readonly unknown[])[]) => Promise<void>,
  ): Promise<RowCounts> {
    const tableOf = new Map(tables.map((table) => [table.name, table]));
    const columns = new Map(tables.map(({ name, columns: all }) => [name, [...all.keys()]]));
    const counts: Record<string, number> = {};
    let part: { name: string; rows: unknown[][] } = { name: '', rows: [] };
    const flush = async () => {
      const table = tableOf.get(part.name);
      if (table === undefined || part.rows.length === 0) return;
      counts[part.name] = (counts[part.name] ?? 0) + part.rows.length;
      await load(table, part.rows);
    };
    const invalid = (reason: string) => refuse.INVALID_DUMP({ file: this.#file, line, reason });
    let line = 1;
    for await (const read of this.#lines) {
      const { text } = read;
      line = read.line;
      const parsed = parseDumpLine(text, columns, { file: this.#file, line });
      if ('end' in parsed) {
        await flush();
        if (parsed.end?.sha256 !== this.#hash.digest('hex'))
          throw invalid('the lines above are not those that were dumped');
        if ((await this.#lines.next()).done !== true)
          throw invalid('more stands below the last line of the dump');
        return counts;
      }
      this.#hash.update(`${text}\n`);
      if (parsed.table !== part.name || part.rows.length === ROWS_PER_INSERT) {
        await flush();
        part = { name: parsed.table, rows: [] };
      }
      part.rows.push(parsed.values);
    }
    throw invalid('the dump ends without its last line');
  }
}

async function* linesOf(file: string): AsyncGenerator<TextLine> {
  const { name, bytes } = await openInput(file);
  for await (const lines of readLines(bytes, { file: name })) yield* lines;
}

async function whySealed(tx: Transaction<Schema>, context: Context): Promise<UserError | null> {
  if ((await recordedFingerprint(tx)) === undefined) return null;
  try {
    await openerFor(tx, context.config['secrets.key_file']);
    return null;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}
