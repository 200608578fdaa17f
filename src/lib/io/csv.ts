import { isUtf8 } from 'node:buffer';
import { type CsvError, Parser } from 'csv-parse';
import { quote, refuse, UserError } from '../core/errors.ts';

/** One row: its cells by column, and the line on which it starts (the header is on line 1). */
export interface CsvRow<Column extends string> {
  readonly line: number;
  /** Every column is there; one that the file leaves out is an empty cell. */
  readonly cells: Readonly<Record<Column, string>>;
}

/** A row whose number of cells is not that of the header, and the cells as they were read. */
export interface MalformedRow {
  readonly line: number;
  readonly cells: readonly string[];
  readonly error: UserError;
}

export interface CsvFormat<Column extends string> {
  /** The name of the file in messages. */
  readonly file: string;
  /** The columns that may appear, in the order in which messages list them; the file may order them freely. */
  readonly columns: readonly Column[];
  /** The columns that must appear; default all. */
  readonly required?: readonly Column[];
  /** The longest row accepted, in bytes; default 1 MiB. */
  readonly maxRecordBytes?: number;
  /** Takes the rows with too few or too many cells; without it the first of them ends the reading. */
  readonly onMalformed?: (row: MalformedRow) => void;
}

const DEFAULT_MAX_RECORD_BYTES = 1_048_576;
const ROWS_PER_BATCH = 1000;
const CHUNK_BYTES = 65_536;

/**
 * Reads CSV (RFC 4180) as a stream, in batches of rows that share one await; memory stays flat.
 * UTF-8 with or without byte order mark, CRLF and LF line ends, quoted cells with line ends, and empty lines
 * between rows are accepted; everything else is refused with its line.
 * @throws CSV_ENCODING, CSV_HEADER, CSV_QUOTE, CSV_COLUMNS, CSV_RECORD_TOO_LARGE
 */
export async function* readCsv<Column extends string>(
  source: AsyncIterable<Uint8Array>,
  format: CsvFormat<Column>,
): AsyncGenerator<CsvRow<Column>[], void, undefined> {
  const { file, maxRecordBytes = DEFAULT_MAX_RECORD_BYTES } = format;
  const text = new TextScanner(file);
  const rows = new RowReader(format);
  const parser = new Parser({
    bom: true,
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

  try {
    let bytesSinceRow = 0;
    for await (const large of source) {
      for (const chunk of slices(large)) {
        text.scan(chunk);
        const lineBefore = currentLine();
        await step((done) => parser.write(chunk, done));
        // The parser measures cells only: a row of nothing but commas would grow without bound.
        bytesSinceRow = currentLine() === lineBefore ? bytesSinceRow + chunk.length : 0;
        if (bytesSinceRow > maxRecordBytes) throw tooLarge();
        if (rows.batch.length >= ROWS_PER_BATCH) yield rows.takeBatch();
      }
    }
    text.end();
    await step((done) => parser.end(done));
    rows.end();
    if (rows.batch.length > 0) yield rows.takeBatch();
  } finally {
    parser.destroy();
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
    const reason = quoteReason(code, `cell ${column + 1} of the row`);
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
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES);
  }
}

/** Turns the parser's arrays into rows and checks header and number of cells. */
class RowReader<Column extends string> {
  /** Lines that the rows so far take up, header included and empty lines not. */
  lines = 0;
  batch: CsvRow<Column>[] = [];
  readonly #format: CsvFormat<Column>;
  /** For each column of the format its place in the file, or -1; undefined before the header. */
  #places: number[] | undefined;
  #width = 0;

  constructor(format: CsvFormat<Column>) {
    this.#format = format;
  }

  take(cells: string[], line: number): void {
    this.lines += 1 + lineEndsIn(cells);
    if (this.#places === undefined) {
      this.#places = this.#readHeader(cells, line);
      this.#width = cells.length;
    } else if (cells.length === this.#width) {
      this.batch.push({ line, cells: this.#named(cells, this.#places) });
    } else {
      this.#malformed(line, cells);
    }
  }

  takeBatch(): CsvRow<Column>[] {
    const { batch } = this;
    this.batch = [];
    return batch;
  }

  end(): void {
    if (this.#places === undefined) throw this.#badHeader(1, 'the file is empty');
  }

  #named(cells: string[], places: number[]): Record<Column, string> {
    const named = {} as Record<Column, string>;
    let index = 0;
    for (const column of this.#format.columns) named[column] = cells[places[index++] ?? -1] ?? '';
    return named;
  }

  #malformed(line: number, cells: string[]): void {
    const { file, onMalformed } = this.#format;
    const error = refuse.CSV_COLUMNS({ file, line, found: cells.length, expected: this.#width });
    if (onMalformed === undefined) throw error;
    onMalformed({ line, cells, error });
  }

  #readHeader(names: string[], line: number): number[] {
    const { columns, required = columns } = this.#format;
    const known: readonly string[] = columns;
    const repeated = names.find((name, index) => names.indexOf(name) < index);
    if (repeated !== undefined) throw this.#badHeader(line, `the column ${quote(repeated)} appears twice`);
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) throw this.#badHeader(line, `there is no column ${quote(unknown)}`);
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

function lineEndsIn(cells: string[]): number {
  let count = 0;
  for (const cell of cells) {
    for (let at = cell.indexOf('\n'); at !== -1; at = cell.indexOf('\n', at + 1)) count++;
  }
  return count;
}

const NUL = 0x00;
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
    if (!isUtf8(whole) || whole.includes(NUL)) throw this.#refusal(bytes);
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
    const utf16 = this.#offset === 0 && isUtf16Mark(bytes);
    const wrong = firstWrong(bytes);
    const value = bytes[wrong] ?? NUL;
    this.#follow(bytes.subarray(0, wrong));
    const shown = `0x${value.toString(16).toUpperCase().padStart(2, '0')}`;
    return refuse.CSV_ENCODING({
      file: this.#file,
      line: this.#line,
      byte: this.#offset - this.#lineStart + 1,
      reason: utf16 ? 'the file is UTF-16' : value === NUL ? 'a NUL byte' : `${shown} is not UTF-8`,
      encoding: utf16 || value === NUL ? 'UTF-16' : 'LATIN1',
    });
  }
}

function isUtf16Mark([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** How many bytes at the end begin a character of UTF-8 that the next chunk may finish: 0 to 3. */
function unfinishedLength(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const byte = bytes[bytes.length - length] ?? NUL;
    const isContinuation = byte >= 0x80 && byte < 0xc0;
    if (!isContinuation) return characterLength(byte) > length ? length : 0;
  }
  return 0;
}

/** The length of a character of UTF-8 by its first byte (RFC 3629). */
function characterLength(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

/** The place of the first byte that is NUL or where UTF-8 breaks. */
function firstWrong(bytes: Uint8Array): number {
  let at = 0;
  for (let first = bytes[at]; first !== undefined && first !== NUL; first = bytes[at]) {
    const length = characterLength(first);
    if (!isUtf8(bytes.subarray(at, at + length))) break;
    at += length;
  }
  return at;
}
