import { extname } from 'node:path';
import { unguarded } from '../core/csv-text.ts';
import { refuse, UserError } from '../core/errors.ts';
import type { FaultyRow, RowFault } from '../core/import-report.ts';
import { type JsonKind, type JsonMember, parseJsonLine } from '../core/json-line.ts';
import { type CsvRow, readCsv } from './csv.ts';
import type { Input } from './input.ts';
import { readLines, type TextLine } from './json-lines.ts';

/** How files of rows are written. */
export const FILE_FORMATS = ['csv', 'jsonl'] as const;
export type FileFormat = (typeof FILE_FORMATS)[number];

/** The format that the name of a file tells. */
export function formatOf(file: string): FileFormat {
  return ['.jsonl', '.ndjson'].includes(extname(file).toLowerCase()) ? 'jsonl' : 'csv';
}

/** The column in which a reject file says why; imports do not read it. */
export const REASON = 'reason';

/** How each column is read. An empty cell, and a column that the file leaves out, is undefined and not parsed. */
export type ColumnParsers = Readonly<Record<string, (text: string) => unknown>>;

/** What the rows of an import may hold, and how refusals name their columns. */
export interface RowFormat<Parsers extends ColumnParsers> {
  readonly parsers: Parsers;
  /** The columns that the file must have and that no row may leave empty. */
  readonly required: readonly (keyof Parsers & string)[];
  /** The columns that JSON may give as numbers, or as true and false; all others, and these too, as strings. */
  readonly numbers?: readonly (keyof Parsers & string)[];
  readonly booleans?: readonly (keyof Parsers & string)[];
  /** The columns that refusals name in another way: by the field that they carry, or by their code. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** A row as it stood in the file: its cells in CSV, its line in JSON. */
export type RowSource = readonly string[] | string;

/** A row of a file: its values as far as its cells are well-formed, and its faults. */
export class ImportRow<Parsers extends ColumnParsers> implements FaultyRow {
  readonly line: number;
  readonly source: RowSource;
  readonly values: { readonly [Column in keyof Parsers]?: ReturnType<Parsers[Column]> } = {};
  readonly faults: RowFault[] = [];
  /** The cells in the order of the parsers. */
  readonly texts: readonly string[];
  readonly #format: RowFormat<Parsers>;

  constructor(format: RowFormat<Parsers>, line: number, source: RowSource, texts: readonly string[]) {
    this.#format = format;
    this.line = line;
    this.source = source;
    this.texts = texts;
  }

  text(column: string): string {
    return this.texts[Object.keys(this.#format.parsers).indexOf(column)] ?? '';
  }

  /** Notes a fault. The column is the one given, or the one that the refusal is about. */
  refuse(error: UserError, column?: string): void {
    const { fields = {}, parsers } = this.#format;
    const named = typeof error.data.field === 'string' ? error.data.field : '';
    const field = column ?? fields[named] ?? fields[error.code] ?? named;
    this.faults.push({ field: Object.hasOwn(parsers, field) ? field : null, error });
  }

  /** What `decide` returns; undefined when it refuses, and then the row has one fault more. */
  attempt<T>(decide: () => T): T | undefined {
    try {
      return decide();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.refuse(error);
      return undefined;
    }
  }
}

async function* refuseJson(file: string, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isStart = true;
  for await (const chunk of bytes) {
    if (isStart && chunk[0] === OPENING_BRACE) throw refuse.JSON_AS_CSV({ file });
    isStart = false;
    yield chunk;
  }
}

const OPENING_BRACE = 0x7b;

/**
 * So many values that a column has had lately are not parsed again: most columns of a large file have few. One that
 * repeats none, such as a column of names, is parsed each time.
 */
const REMEMBERED = 1000;

/**
 * Reads the rows of a file in batches, faulty ones too.
 * @param onHeader hears of the columns of a CSV file
 * @throws the CSV_… and JSON_… refusals that concern the file and not one row
 */
export async function* readImportRows<Parsers extends ColumnParsers>(
  { name: file, bytes }: Input,
  fileFormat: FileFormat,
  format: RowFormat<Parsers>,
  onHeader: (names: readonly string[]) => void,
): AsyncGenerator<ImportRow<Parsers>[], void, undefined> {
  const columns = Object.keys(format.parsers);
  const parse = parserOf(format);
  if (fileFormat === 'csv') {
    const { required } = format;
    const csv = { file, columns, required, ignored: [REASON], malformed: true, onHeader };
    for await (const batch of readCsv(refuseJson(file, bytes), csv)) {
      yield batch.map((record) => parse(rowOfCsv(format, record)));
    }
  } else {
    for await (const batch of readLines(bytes, { file })) {
      yield batch.flatMap((line) => {
        const row = rowOfJson(format, columns, line);
        return row === null ? [] : [parse(row)];
      });
    }
  }
}

function rowOfCsv<Parsers extends ColumnParsers>(
  format: RowFormat<Parsers>,
  { line, source, cells, expected }: CsvRow,
): ImportRow<Parsers> {
  const texts = cells.some((cell) => cell.startsWith("'")) ? cells.map(unguarded) : cells;
  const row = new ImportRow(format, line, source, texts);
  if (expected !== undefined) row.refuse(refuse.CELL_COUNT({ found: source.length, expected }));
  return row;
}

/** The row of a line, or null for the line that gives the reason of the next one in a reject file. */
function rowOfJson<Parsers extends ColumnParsers>(
  format: RowFormat<Parsers>,
  columns: readonly string[],
  { line, text: source }: TextLine,
): ImportRow<Parsers> | null {
  let members: JsonMember[];
  try {
    members = parseJsonLine(source);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const row = new ImportRow(format, line, source, []);
    row.refuse(error);
    return row;
  }
  if (members.length === 1 && members[0]?.name === REASON) return null;
  const texts = columns.map(() => '');
  const row = new ImportRow(format, line, source, texts);
  for (const { name, kind, text } of members) {
    const place = columns.indexOf(name);
    if (place !== -1) {
      texts[place] = text;
      checkKind(row, format, name, kind);
    } else if (name !== REASON) {
      row.refuse(refuse.JSON_NAME({ name, expected: columns.join(',') }));
    }
  }
  return row;
}

const KINDS: Readonly<Record<JsonKind, string>> = {
  string: 'a string',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
  object: 'an object',
  array: 'an array',
};

function checkKind<Parsers extends ColumnParsers>(
  row: ImportRow<Parsers>,
  { numbers = [], booleans = [] }: RowFormat<Parsers>,
  column: string,
  kind: JsonKind,
): void {
  const other = numbers.includes(column) ? 'number' : booleans.includes(column) ? 'boolean' : 'string';
  if (kind === 'null' || kind === 'string' || kind === other) return;
  const expected = other === 'string' ? KINDS.string : `${KINDS.string}, or ${KINDS[other]}`;
  row.refuse(refuse.JSON_TYPE({ column, kind: KINDS[kind], expected }), column);
}

/** Reads the cells of a row that are there, each that has no fault yet. */
function parserOf<Parsers extends ColumnParsers>({ parsers, required }: RowFormat<Parsers>) {
  const columns = Object.entries(parsers).map(([name, parse]) => ({
    name,
    parse,
    isRequired: required.includes(name),
    known: new Map<string, unknown>() as Map<string, unknown> | null,
    hits: 0,
  }));
  return (row: ImportRow<Parsers>): ImportRow<Parsers> => {
    const values = row.values as Record<string, unknown>;
    const { texts, faults } = row;
    if (texts.length === 0) return row;
    const wrong = faults.length === 0 ? NONE : new Set(faults.map(({ field }) => field));
    for (let place = 0; place < columns.length; place++) {
      const column = columns[place] as (typeof columns)[number];
      const { name, parse, isRequired, known } = column;
      const text = texts[place] ?? '';
      if (text === '') {
        if (isRequired && !wrong.has(name)) row.refuse(refuse.EMPTY_CELL({ column: name }), name);
        continue;
      }
      if (wrong.has(name)) continue;
      const remembered = known?.get(text);
      if (remembered !== undefined) {
        column.hits += 1;
        values[name] = remembered;
        continue;
      }
      try {
        const value = parse(text);
        values[name] = value;
        if (known?.size === REMEMBERED) {
          column.known = column.hits < REMEMBERED ? null : new Map();
          column.hits = 0;
        }
        column.known?.set(text, value);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        row.refuse(error, name);
      }
    }
    return row;
  };
}

const NONE: ReadonlySet<string | null> = new Set();
