import { setImmediate } from 'node:timers/promises';
import { type CsvError, Parser } from 'csv-parse';
import { quote, refuse, UserError } from '../core/errors.ts';
import { similarNames } from '../core/similar-names.ts';
import { readPlainRows } from './plain-csv.ts';
import { findWrongByte, isText, unfinishedLength } from './utf8.ts';

/** One row, and the line on which it starts (the header is on line 1). */
export interface CsvRow {
  readonly line: number;
  /** The cells as the file orders them. */
  readonly source: readonly string[];
  /** The cells in the order of the format's columns; one that the file leaves out is empty. */
  readonly cells: readonly string[];
  /** How many cells the header has when the row has another number; then `cells` is empty. */
  readonly expected?: number;
}

/** What a file is expected to look like. */
export interface CsvFormat {
  /** The name of the file in messages. */
  readonly file: string;
  /** The columns that may appear, in the order in which messages list them; the file may order them freely. */
  readonly columns: readonly string[];
  /** The columns that must appear; default all. */
  readonly required?: readonly string[];
  /** Columns that may appear and are not read. */
  readonly ignored?: readonly string[];
  /** The longest row accepted, in bytes; default 1 MiB. */
  readonly maxRecordBytes?: number;
  /** Hand over rows with too few or too many cells too; without it the first of them ends the reading. */
  readonly malformed?: boolean;
  /** Hears of the columns as the file names and orders them, before any row. */
  readonly onHeader?: (names: readonly string[]) => void;
}

const DEFAULT_MAX_RECORD_BYTES = 1_048_576;
const ROWS_PER_BATCH = 1000;

/** So many bytes, about a millisecond of work, are read between two looks at what else has happened. */
const SLICE_BYTES = 8192;

/**
 * Reads CSV (RFC 4180) as a stream, in batches of rows that share one await; memory stays flat.
 * UTF-8 with or without byte order mark, CRLF and LF line ends, quoted cells with line ends, and empty lines
 * between rows are accepted; everything else is refused with its line.
 * @throws CSV_ENCODING, CSV_HEADER, CSV_QUOTE, CSV_COLUMNS, CSV_RECORD_TOO_LARGE
 */
export async function* readCsv(
  source: AsyncIterable<Uint8Array>,
  format: CsvFormat,
): AsyncGenerator<CsvRow[], void, undefined> {
  const { file, maxRecordBytes = DEFAULT_MAX_RECORD_BYTES } = format;
  const text = new TextScanner(file);
  const rows = new RowReader(format);
  const parser = new Parser({
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: maxRecordBytes,
    // Returning null keeps the record out of the parser's object stream, which costs a tick for each.
    on_record: (cells: string[]) => {
      rows.take(cells, currentLine());
      return null;
    },
  });
  parser.on('error', () => {}); // The callbacks of write and end report it too.
  let isStart = true;
  /** Whether all rows so far were plain, and the bytes of the one that is unfinished. */
  let isPlain = true;
  let rest = Buffer.alloc(0);
  let bytesSinceRow = 0;

  try {
    for await (const large of source) {
      for (const chunk of slices(large)) {
        // A database that waits for its next rows, or has answered, goes first.
        await setImmediate();
        text.scan(chunk);
        await (isPlain ? readPlain(chunk) : parse(chunk));
        if (rows.batch.length >= ROWS_PER_BATCH) yield rows.takeBatch();
      }
    }
    text.end();
    if (isPlain) await write(rest);
    await step((done) => parser.end(done));
    rows.end();
    if (rows.batch.length > 0) yield rows.takeBatch();
  } finally {
    parser.destroy();
  }

  /** Reads plain rows, in a quarter of the parser's time. The first other row, and all after it, are the parser's. */
  async function readPlain(chunk: Uint8Array): Promise<void> {
    let bytes = Buffer.concat([rest, chunk]);
    if (isStart && bytes.length >= BYTE_ORDER_MARK.length) {
      isStart = false;
      if (bytes.indexOf(BYTE_ORDER_MARK) === 0) bytes = bytes.subarray(BYTE_ORDER_MARK.length);
    }
    const longest = Math.min(maxRecordBytes, SLICE_BYTES);
    const plain = readPlainRows(bytes, longest, (cells) => rows.take(cells, currentLine()));
    rest = bytes.subarray(plain.end);
    isPlain = plain.isPlain;
    if (!isPlain) await write(rest);
  }

  async function parse(chunk: Uint8Array): Promise<void> {
    const lineBefore = currentLine();
    await write(chunk);
    // The parser measures cells only: a row of nothing but commas would grow without bound.
    bytesSinceRow = currentLine() === lineBefore ? bytesSinceRow + chunk.length : 0;
    if (bytesSinceRow > maxRecordBytes) throw tooLarge();
  }

  function write(bytes: Uint8Array): Promise<void> {
    return step((done) => parser.write(bytes, done));
  }

  /** The line on which the row being read starts. The parser's own count sees CRLF in a cell as two lines. */
  function currentLine(): number {
    return 1 + rows.lines + parser.info.empty_lines;
  }

  function tooLarge(): UserError {
    return refuse.CSV_RECORD_TOO_LARGE({ file, line: currentLine(), limit: maxRecordBytes });
  }

  async function step(act: (done: (error?: Error | null) => void) => void): Promise<void> {
    const error = await new Promise<Error | null | undefined>((resolve) => act(resolve));
    if (!error) return;
    if (error instanceof UserError) throw error;
    const { code, column } = error as CsvError & { column: number };
    if (code === 'CSV_MAX_RECORD_SIZE') throw tooLarge();
    const line = code === 'CSV_QUOTE_NOT_CLOSED' ? text.quoteLine : currentLine();
    const separator = /got "([;\t|])"/.exec(error.message)?.[1];
    const reason =
      code === 'CSV_INVALID_CLOSING_QUOTE' && separator !== undefined
        ? separatorReason(separator)
        : quoteReason(code, `cell ${column + 1} of the row`);
    throw reason === undefined ? error : refuse.CSV_QUOTE({ file, line, reason });
  }
}

function quoteReason(code: string, cell: string): string | undefined {
  switch (code) {
    case 'CSV_QUOTE_NOT_CLOSED':
      return `the quote that opens ${cell} is never closed`;
    case 'INVALID_OPENING_QUOTE':
      return `${cell} has a quote inside, but does not begin with one`;
    case 'CSV_INVALID_CLOSING_QUOTE':
      return `${cell} goes on after its closing quote`;
    default:
      return undefined;
  }
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    yield bytes.subarray(start, start + SLICE_BYTES);
  }
}

/** Turns the parser's arrays into rows and checks header and number of cells. */
class RowReader {
  /** Lines that the rows so far take up, header included, and empty lines that it was told of. */
  lines = 0;
  batch: CsvRow[] = [];
  readonly #format: CsvFormat;
  /** For each column of the format its place in the file, or -1; undefined before the header. */
  #places: number[] | undefined;
  #width = 0;
  /** Whether the file has all columns of the format, in its order. */
  #isOrdered = false;

  constructor(format: CsvFormat) {
    this.#format = format;
  }

  /** Takes the cells of a row, or none for an empty line. */
  take(source: string[], line: number): void {
    this.lines += 1 + lineEndsIn(source);
    if (source.length === 0) return;
    if (this.#places === undefined) {
      this.#places = this.#readHeader(source, line);
      this.#width = source.length;
      this.#isOrdered = this.#places.every((place, index) => place === index);
      this.#format.onHeader?.(source);
    } else if (source.length === this.#width) {
      const cells = this.#isOrdered ? source : this.#places.map((place) => source[place] ?? '');
      this.batch.push({ line, source, cells });
    } else {
      this.#takeMalformed(source, line);
    }
  }

  takeBatch(): CsvRow[] {
    const { batch } = this;
    this.batch = [];
    return batch;
  }

  end(): void {
    if (this.#places === undefined) throw this.#badHeader(1, 'the file is empty');
  }

  #takeMalformed(source: string[], line: number): void {
    const { file, malformed = false } = this.#format;
    const expected = this.#width;
    if (!malformed) throw refuse.CSV_COLUMNS({ file, line, found: source.length, expected });
    this.batch.push({ line, source, cells: [], expected });
  }

  #readHeader(names: string[], line: number): number[] {
    const { columns, required = columns, ignored = [] } = this.#format;
    const known = [...columns, ...ignored];
    const repeated = names.find((name, index) => names.indexOf(name) < index);
    if (repeated !== undefined) throw this.#badHeader(line, `the column ${quote(repeated)} appears twice`);
    const separator = names.length === 1 ? OTHER_SEPARATOR.exec(names[0] ?? '')?.[0] : undefined;
    if (separator !== undefined) throw this.#badHeader(line, separatorReason(separator));
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length > 0) {
      const free = known.filter((name) => !names.includes(name));
      throw this.#badHeader(line, unknownReason(unknown, free));
    }
    const missing = required.filter((name) => !names.includes(name));
    if (missing.length > 0) {
      const list = missing.map(quote).join(', ');
      throw this.#badHeader(
        line,
        missing.length === 1 ? `the column ${list} is missing` : `${list} are missing`,
      );
    }
    return columns.map((column) => names.indexOf(column));
  }

  #badHeader(line: number, reason: string): UserError {
    const { file, columns } = this.#format;
    return refuse.CSV_HEADER({ file, line, reason, expected: columns.join(',') });
  }
}

/** What other programs put between cells, such as Excel where the comma is the decimal mark. */
const OTHER_SEPARATOR = /[;\t|]/;

function separatorReason(separator: string): string {
  return `the cells are separated by ${quote(separator)}, and must be separated by a comma`;
}

/** How many unknown columns are named. */
const NAMED = 10;

/** @param free the columns of the format that the file does not name */
function unknownReason(unknown: readonly string[], free: readonly string[]): string {
  const named = unknown.slice(0, NAMED).map((name) => {
    const [meant] = similarNames(name.trim().toLowerCase().replaceAll(/[ -]/g, '_'), free);
    return meant === undefined ? quote(name) : `${quote(name)} (did you mean ${quote(meant)}?)`;
  });
  const rest = unknown.length - named.length;
  return `there is no column ${[...named, ...(rest > 0 ? [`or ${rest} others`] : [])].join(', ')}`;
}

function lineEndsIn(cells: readonly string[]): number {
  let count = 0;
  for (const cell of cells) {
    for (let at = cell.indexOf('\n'); at !== -1; at = cell.indexOf('\n', at + 1)) count++;
  }
  return count;
}

const BYTE_ORDER_MARK = Buffer.from('\ufeff');
const LINE_FEED = 0x0a;
const QUOTE = 0x22;

/** Checks that bytes are UTF-8 without NUL, and follows lines and quotes to name places in messages. */
class TextScanner {
  /** The line of the quote that is open, or that was opened last. */
  quoteLine = 1;
  readonly #file: string;
  #line = 1;
  #lineStart = 0;
  /** Bytes scanned so far, and those of an unfinished character at their end. */
  #offset = 0;
  #pending: Uint8Array = new Uint8Array();
  #quoted = false;
  #lastQuote = -1;

  constructor(file: string) {
    this.#file = file;
  }

  /** @throws CSV_ENCODING */
  scan(chunk: Uint8Array): void {
    const bytes = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const whole = bytes.subarray(0, bytes.length - unfinishedLength(bytes));
    if (!isText(whole)) throw this.#refusal(bytes);
    this.#follow(whole);
    this.#pending = bytes.subarray(whole.length);
  }

  /** @throws CSV_ENCODING when the last character is unfinished */
  end(): void {
    if (this.#pending.length > 0) throw this.#refusal(this.#pending);
  }

  #follow(bytes: Uint8Array): void {
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index];
      if (byte === LINE_FEED) {
        this.#line++;
        this.#lineStart = this.#offset + index + 1;
      } else if (byte === QUOTE) {
        const at = this.#offset + index;
        // A quote written twice closes and opens at once: the cell still began where it began.
        if (!this.#quoted && this.#lastQuote !== at - 1) this.quoteLine = this.#line;
        this.#quoted = !this.#quoted;
        this.#lastQuote = at;
      }
    }
    this.#offset += bytes.length;
  }

  #refusal(bytes: Uint8Array): UserError {
    const { at, reason, encoding } = findWrongByte(bytes, this.#offset === 0);
    this.#follow(bytes.subarray(0, at));
    const byte = this.#offset - this.#lineStart + 1;
    return refuse.CSV_ENCODING({ file: this.#file, line: this.#line, byte, reason, encoding });
  }
}
