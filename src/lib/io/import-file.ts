import { setImmediate } from 'node:timers/promises';
import type { Transaction } from 'kysely';
import { refuse, UserError } from '../core/errors.ts';
import { ImportReport, type ImportResult } from '../core/import-report.ts';
import { type Database, type Topic, together } from './db/database.ts';
import type { Schema } from './db/schema.ts';
import { FileKeys } from './db/staged.ts';
import { planForSmallParts } from './db/statistics.ts';
import { keepHeapSmall } from './heap.ts';
import {
  type ColumnParsers,
  type FileFormat,
  formatOf,
  type ImportRow,
  type RowFormat,
  readImportRows,
} from './import-rows.ts';
import { inputOf, type MadeLines, openInput } from './input.ts';
import { RejectFile } from './reject-file.ts';

/** What a person says about an import. */
export interface ImportOptions {
  /** Its path, or `-` for standard input; or lines that the program makes itself. */
  readonly file: string | MadeLines;
  /** How it is written; undefined: as its name says. */
  readonly format?: FileFormat | undefined;
  /** Write the good rows although others are refused. */
  readonly partial: boolean;
  /** Decide about every row and write nothing. */
  readonly dryRun: boolean;
  /** Where the refused rows go; with `partial` only. */
  readonly rejects?: string | undefined;
}

/** What is imported, and how. */
export interface ImportPlan<Parsers extends ColumnParsers> {
  /** What the rows are about, as progress calls them. */
  readonly things: string;
  readonly topic: Topic;
  readonly format: RowFormat<Parsers>;
  /** By what rows are told apart, and the column to blame for a second one. */
  readonly key: {
    readonly column: keyof Parsers & string;
    readonly of: (row: ImportRow<Parsers>) => string | undefined;
  };
  readonly begin: (tx: Transaction<Schema>, run: ImportRun<Parsers>) => Promise<RowImporter<Parsers>>;
}

/** Decides about the rows of a file. Each is refused or counted, at once or at the end. */
export interface RowImporter<Parsers extends ColumnParsers> {
  /**
   * Decides about the next rows, some of which have faults already, and writes what comes of them.
   * @returns what is left to write, which happens while the next rows are taken: only what no row of another batch
   *   has to know
   */
  take(rows: readonly ImportRow<Parsers>[]): Promise<(() => Promise<void>) | undefined>;
  /** Decides about rows that had to wait for the end of the file. */
  end?(): Promise<void>;
}

/** What an import has come to so far. */
export class ImportRun<Parsers extends ColumnParsers> {
  readonly report = new ImportReport();
  /** The keys of the rows so far, those included about which is being decided. */
  readonly keys: FileKeys;
  readonly #options: ImportOptions;
  readonly #rejects: RejectFile | null;
  #header: readonly string[] | undefined;

  constructor(options: ImportOptions, keys: FileKeys, rejects: RejectFile | null) {
    this.keys = keys;
    this.#options = options;
    this.#rejects = rejects;
  }

  /** Whether sound rows are written: not in a plan, and not when a fault has decided already that nothing is. */
  get writes(): boolean {
    const { dryRun, partial } = this.#options;
    return !dryRun && (partial || this.report.refusedRows === 0);
  }

  /** Whether rows may have something in a column: a CSV file says in its header which columns it has. */
  mayHave(column: keyof Parsers & string): boolean {
    return this.#header?.includes(column) ?? true;
  }

  setHeader(names: readonly string[]): void {
    this.#header = names;
    this.#rejects?.setHeader(names);
  }

  /** Takes a row as refused for its faults. */
  refuse(row: ImportRow<Parsers>): void {
    this.report.refuse(row);
    const reasons = row.faults.map(
      ({ field, error }) => (field === null ? '' : `${field}: `) + error.message,
    );
    this.#rejects?.add(row.source, reasons.join(' '));
  }
}

const ROWS_PER_BATCH = 2000;

/**
 * Imports a file of any size in one transaction and in flat memory: rows are read, checked and written in batches, and
 * what one row has to know of another is kept in temporary tables. While the database writes a batch the next one is
 * decided about and the one after it is read.
 * @throws IMPORT_REFUSED for faulty rows unless `partial`, INPUT_NOT_FOUND, the CSV_… and JSON_… refusals; for the
 *   rejects FILE_NOT_WRITABLE, and REJECTS_NOT_PLACED when all else is done
 */
export async function importFile<Parsers extends ColumnParsers>(
  database: Database,
  options: ImportOptions,
  plan: ImportPlan<Parsers>,
  progress: (done: number, total: number | null, unit: string) => void,
): Promise<ImportResult> {
  keepHeapSmall();
  const { file, partial, dryRun } = options;
  const rejects = options.rejects === undefined ? null : await RejectFile.create(options.rejects);
  const work = async (tx: Transaction<Schema>): Promise<ImportResult> => {
    await planForSmallParts(tx);
    const keys = new FileKeys(tx, 'keys');
    const run = new ImportRun<Parsers>(options, keys, rejects);
    const importer = await plan.begin(tx, run);
    let bytesRead = 0;
    const input = typeof file === 'string' ? await openInput(file) : inputOf(file);
    const bytes = counted(input.bytes, (count) => {
      bytesRead += count;
    });
    const fileFormat = options.format ?? formatOf(input.name);
    const batches = gathered(
      readImportRows({ ...input, bytes }, fileFormat, plan.format, (names) => run.setHeader(names)),
      ROWS_PER_BATCH,
    );
    let rowsRead = 0;
    await writeBehind(readAhead(batches), async (rows) => {
      await refuseRepeated(rows, plan.key, keys);
      const write = await importer.take(rows);
      await rejects?.flush();
      rowsRead += rows.length;
      const total = input.size === undefined ? null : Math.round((rowsRead * input.size) / bytesRead);
      progress(rowsRead, total, plan.things);
      return write;
    });
    await importer.end?.();
    const result = run.report.result();
    if (result.refusedRows > 0 && !partial) throw refuse.IMPORT_REFUSED({ file: input.name, ...result });
    await rejects?.complete();
    return result;
  };
  try {
    const result = dryRun ? await database.rehearse(work) : await database.write(plan.topic, work);
    await rejects?.publish().catch((error: unknown) => {
      throw error instanceof UserError ? refuse.REJECTS_NOT_PLACED({ reason: error.message }) : error;
    });
    return result;
  } finally {
    await rejects?.discard();
  }
}

async function refuseRepeated<Parsers extends ColumnParsers>(
  rows: readonly ImportRow<Parsers>[],
  { column, of }: ImportPlan<Parsers>['key'],
  keys: FileKeys,
): Promise<void> {
  const keyed = rows.flatMap((row) => {
    const key = of(row);
    return key === undefined ? [] : [{ key, line: row.line, row }];
  });
  const firstLines = await keys.add(keyed);
  if (firstLines.size === 0) return;
  for (const { row, line } of keyed) {
    const firstLine = firstLines.get(line);
    if (firstLine === undefined) continue;
    row.refuse(refuse.DUPLICATE_ROW({ column, value: row.text(column), firstLine }), column);
  }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    count(chunk.length);
    yield chunk;
  }
}

/** Makes the next item while one is in use. */
async function* readAhead<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item> {
  let next = items.next();
  try {
    for (let item = await next; item.done !== true; item = await next) {
      next = items.next();
      // It fails when it is waited for.
      next.catch(() => {});
      yield item.value;
    }
  } finally {
    await items.return();
  }
}

/**
 * Takes items, and writes what comes of each while the next one is taken. Nothing is being written any more when this
 * ends, also when it throws.
 */
async function writeBehind<Item>(
  items: AsyncIterable<Item>,
  take: (item: Item) => Promise<(() => Promise<void>) | undefined>,
): Promise<void> {
  let write: (() => Promise<void>) | undefined;
  for await (const item of items) {
    // The first question of `take` goes before the writing, so that there is something to decide about meanwhile.
    [write] = await together([take(item), startLater(write)]);
  }
  await write?.();
}

async function startLater(work: (() => Promise<void>) | undefined): Promise<void> {
  await setImmediate();
  await work?.();
}

/** Batches of at least `size` items, the last one excepted. */
async function* gathered<Item>(
  source: AsyncIterable<Item[]>,
  size: number,
): AsyncGenerator<Item[], void, undefined> {
  let batch: Item[] = [];
  for await (const items of source) {
    batch = batch.length === 0 ? items : batch.concat(items);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
