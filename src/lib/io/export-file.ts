import { csvLine, guarded } from '../core/csv-text.ts';
import type { Batch, Database } from './db/database.ts';
import { createPrivateFile } from './files.ts';
import { keepHeapSmall } from './heap.ts';
import { type FileFormat, formatOf } from './import-rows.ts';
import { writeToStdout } from './stdout.ts';

/** What a person says about an export. */
export interface ExportOptions {
  /** A new file, or `-` for standard output. */
  readonly output: string;
  /** How it is written; undefined: as its name says. */
  readonly format?: FileFormat | undefined;
}

/** What a row says in one column; null is an empty cell, about which an import hears nothing. */
export type Cell = string | number | boolean | null;

/** A row as its import reads it. */
export type ExportRow<Column extends string> = Readonly<Record<Column, Cell>>;

/** What is exported, and in what order. */
export interface ExportPlan<Column extends string> {
  /** What the rows are about, as progress calls them. */
  readonly things: string;
  /** The columns of the import, in the order in which they are written. */
  readonly columns: readonly Column[];
  readonly pages: (batch: Batch) => AsyncIterable<readonly ExportRow<Column>[]>;
}

/**
 * Writes rows as their import reads them, in flat memory and all of one moment.
 * @returns how many
 * @throws FILE_EXISTS, FILE_NOT_WRITABLE
 */
export async function exportFile<Column extends string>(
  database: Database,
  { output, format = formatOf(output) }: ExportOptions,
  plan: ExportPlan<Column>,
  progress: (done: number, total: number | null, unit: string) => void,
): Promise<number> {
  keepHeapSmall();
  const { things, columns } = plan;
  const lineOf = format === 'csv' ? csvRow : jsonRow;
  let count = 0;
  async function* parts(batch: Batch): AsyncGenerator<string> {
    if (format === 'csv') yield csvLine(columns);
    for await (const rows of plan.pages(batch)) {
      count += rows.length;
      progress(count, null, things);
      yield rows.map((row) => lineOf(columns, row)).join('');
    }
  }
  await database.readInBatches((batch) =>
    output === '-' ? writeToStdout(parts(batch)) : createPrivateFile(output, parts(batch)),
  );
  return count;
}

function csvRow<Column extends string>(columns: readonly Column[], row: ExportRow<Column>): string {
  return csvLine(columns.map((column) => guarded(String(row[column] ?? ''))));
}

function jsonRow<Column extends string>(columns: readonly Column[], row: ExportRow<Column>): string {
  const filled = columns.filter((column) => row[column] !== null && row[column] !== '');
  return `${JSON.stringify(Object.fromEntries(filled.map((column) => [column, row[column]])))}\n`;
}
