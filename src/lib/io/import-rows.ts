import { refuse } from '../core/errors.ts';
import type { ImportReport, SourceRow } from '../core/import-report.ts';
import { readCsv } from './csv.ts';
import type { Input } from './input.ts';
import { KeyIndex } from './key-index.ts';

/** How each column is read. An empty cell, and a column that the file leaves out, is undefined and not parsed. */
export type ColumnParsers = Readonly<Record<string, (text: string) => unknown>>;

/** A row whose cells are all well-formed. */
export interface ImportRow<Parsers extends ColumnParsers> extends SourceRow {
  readonly values: { readonly [Column in keyof Parsers]: ReturnType<Parsers[Column]> | undefined };
}

export interface RowFormat<Parsers extends ColumnParsers> {
  readonly parsers: Parsers;
  /** The columns that the file must have and that no row may leave empty. */
  readonly required: readonly (keyof Parsers & string)[];
  /** The column by which rows are told apart: no two rows may have the same value in it. */
  readonly key: keyof Parsers & string;
}

const ROWS_PER_BATCH = 1000;

/**
 * Reads the rows of a CSV file in batches of at most 1,000, well-formed ones only; the others go to the report.
 * @throws CSV_ENCODING, CSV_HEADER, CSV_QUOTE, CSV_RECORD_TOO_LARGE, which concern the file and not one row
 */
export async function* readImportRows<Parsers extends ColumnParsers>(
  { name, bytes }: Input,
  { parsers, required, key }: RowFormat<Parsers>,
  report: ImportReport,
): AsyncGenerator<ImportRow<Parsers>[], void, undefined> {
  const columns = Object.keys(parsers);
  const lineOf = new KeyIndex();
  const batches = readCsv(bytes, {
    file: name,
    columns,
    required,
    onMalformed: ({ line, cells, error }) => {
      // The reader's own message names file and line, which the report does anyway.
      const counts = { found: cells.length, expected: Number(error.data.expected) };
      report.refuse({ line, texts: {} }, refuse.CELL_COUNT(counts));
    },
  });
  for await (const batch of batches) {
    const rows = batch.flatMap(({ line, cells: texts }) => {
      const row = parseRow({ line, texts });
      return row === undefined ? [] : [row];
    });
    for (let start = 0; start < rows.length; start += ROWS_PER_BATCH) {
      yield rows.slice(start, start + ROWS_PER_BATCH);
    }
  }

  function parseRow(row: SourceRow): ImportRow<Parsers> | undefined {
    const values: Record<string, unknown> = {};
    for (const column of columns) {
      const text = row.texts[column] ?? '';
      const parse = parsers[column];
      if (text === '' && required.includes(column)) {
        report.refuse(row, refuse.EMPTY_CELL({ column }), column);
        return undefined;
      }
      if (text === '' || parse === undefined) continue;
      const parsed = report.attempt(row, () => ({ value: parse(text) }), column);
      if (parsed === undefined) return undefined;
      values[column] = parsed.value;
      if (column !== key) continue;
      const firstLine = lineOf.add(String(parsed.value), row.line);
      if (firstLine === undefined) continue;
      report.refuse(row, refuse.DUPLICATE_ROW({ column, value: text, firstLine }), column);
      return undefined;
    }
    return { ...row, values: values as ImportRow<Parsers>['values'] };
  }
}
