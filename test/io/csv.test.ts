import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UserError } from '../../src/lib/core/errors.ts';
import { type CsvFormat, type CsvRow, readCsv } from '../../src/lib/io/csv.ts';

const COLUMNS = ['username', 'city', 'note'] as const;
type Options = Partial<Omit<CsvFormat, 'file' | 'columns'>>;

async function read(content: string | Uint8Array, options: Options = {}, chunkBytes = 7) {
  const bytes = Buffer.from(content);
  const rows: Omit<CsvRow, 'source'>[] = [];
  for await (const batch of readCsv(chunks(bytes, chunkBytes), {
    file: 'u.csv',
    columns: COLUMNS,
    ...options,
  })) {
    rows.push(...batch.map(({ source: _, ...row }) => row));
  }
  return rows;
}

async function* chunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function refusal(content: string | Uint8Array, options: Options = {}): Promise<UserError> {
  const errors = [];
  for (const chunkBytes of [1, 7, 1_000_000]) {
    errors.push(await read(content, options, chunkBytes).catch((error: unknown) => error));
  }
  const [error] = errors;
  if (!(error instanceof UserError)) throw new Error(`expected a refusal, got ${error}`);
  for (const other of errors) expect(other).toMatchObject({ code: error.code, message: error.message });
  return error;
}

const row = (line: number, username: string, city: string, note: string) => ({
  line,
  cells: [username, city, note],
});

test('columns come in any order and cells keep their text', async () => {
  expect(await read('note,username,city\n  a b ,ann,"Zürich, ""ZH"""\n')).toEqual([
    row(2, 'ann', 'Zürich, "ZH"', '  a b '),
  ]);
});

test('byte order mark, CRLF, mixed line ends, empty lines and a missing last line end are accepted', async () => {
  const content = '\ufeffusername,city,note\r\nann,Bern,x\n\r\n\nbob,Genf,y\r\ncleo,Chur,z';
  for (const chunkBytes of [1, 2, 3, 1000]) {
    expect(await read(content, {}, chunkBytes)).toEqual([
      row(2, 'ann', 'Bern', 'x'),
      row(5, 'bob', 'Genf', 'y'),
      row(6, 'cleo', 'Chur', 'z'),
    ]);
  }
});

test('a quoted cell may hold line ends, and line is where the row starts', async () => {
  const content = 'username,city,note\r\nann,"one\r\ntwo\r\n",x\r\nbob,"a\nb",y\r\ncleo,,\r\n';
  expect((await read(content)).map(({ line }) => line)).toEqual([2, 5, 7]);
});

test('columns that may be left out are empty cells', async () => {
  expect(await read('username\nann\n', { required: ['username'] })).toEqual([row(2, 'ann', '', '')]);
});

test('what is written is read back, whatever the text and the size of the chunks', async () => {
  const cell = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && text.isWellFormed());
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(cell, cell, cell), { maxLength: 8 }),
      fc.constantFrom('\n', '\r\n'),
      fc.integer({ min: 1, max: 20 }),
      async (records, lineEnd, chunkBytes) => {
        const quoted = records.map((cells) =>
          cells.map((text) => `"${text.replaceAll('"', '""')}"`).join(','),
        );
        const content = ['username,city,note', ...quoted, ''].join(lineEnd);
        const rows = await read(content, {}, chunkBytes);
        expect(rows.map(({ cells }) => cells)).toEqual(records);
      },
    ),
    { numRuns: 300 },
  );
});

test('rows and refusals are those of csv-parse, however a file is cut', async () => {
  const piece = fc.constantFrom(
    ...['"', '"', '""', '"a"', '"a"\r', ',', ',', '\n', '\n', '\r\n', '\r', ';', ' ', 'a', 'é', '\ufeff'],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
      fc.constantFrom('', '\ufeff'),
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom(5, 20, 1000),
      async (text, mark, chunkBytes, maxRecordBytes) => {
        const content = `${mark}username,"city",note\r\n${text}`;
        const options = { malformed: true, maxRecordBytes: Math.max(maxRecordBytes, 20) };
        const read = await sourcesOf(content, options, chunkBytes);
        if (read === 'CSV_RECORD_TOO_LARGE') expect(maxRecordBytes).toBeLessThan(1000);
        else expect(withoutQuoteLine(read)).toEqual(withoutQuoteLine(parsedWhole(content)));
      },
    ),
    { numRuns: 1000 },
  );
});

/** csv-parse does not say on which line the quote stands that is never closed. */
function withoutQuoteLine(read: string[][] | string): string[][] | string {
  return typeof read === 'string' ? read.replace(/line \d+(?=.*never closed)/, 'line ?') : read;
}

/** What csv-parse alone makes of it. */
function parsedWhole(content: string): string[][] | string {
  const bytes = Buffer.from(content);
  const rows: string[][] = [];
  let end = 0;
  const lineAfter = (at: number) => {
    const start = at + (/^(?:\r?\n)*/.exec(bytes.toString('latin1', at))?.[0].length ?? 0);
    return 1 + bytes.subarray(0, start).filter((byte) => byte === 0x0a).length;
  };
  const take = (cells: string[], info: { bytes: number }) => {
    rows.push([String(lineAfter(end)), ...cells]);
    end = info.bytes;
    return null;
  };
  const options = { bom: true, record_delimiter: ['\r\n', '\n'], relax_column_count: true };
  try {
    parse(bytes, { ...options, skip_empty_lines: true, on_record: take });
    return rows.slice(1);
  } catch (error) {
    const { code, column, message } = error as CsvError & { column: number };
    const separator = /got "([;\t|])"/.exec(message)?.[1];
    const cell = `cell ${column + 1} of the row`;
    const reason = {
      CSV_QUOTE_NOT_CLOSED: `the quote that opens ${cell} is never closed`,
      INVALID_OPENING_QUOTE: `${cell} has a quote inside, but does not begin with one`,
      CSV_INVALID_CLOSING_QUOTE:
        separator === undefined
          ? `${cell} goes on after its closing quote`
          : `the cells are separated by "${separator}", and must be separated by a comma`,
    }[String(code)];
    return `"u.csv", line ${lineAfter(end)}: ${reason}.`;
  }
}

/** The rows of a file as they stand there, each behind its line, or why it is refused. */
async function sourcesOf(content: string, options: Options, chunkBytes: number) {
  const rows: string[][] = [];
  const format = { file: 'u.csv', columns: COLUMNS, ...options };
  try {
    for await (const batch of readCsv(chunks(Buffer.from(content), chunkBytes), format))
      rows.push(...batch.map(({ line, source }) => [String(line), ...source]));
    return rows;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.code === 'CSV_QUOTE' ? error.message : error.code;
  }
}

test('quoted cells with semicolons between them are told from a quote at fault', async () => {
  const error = await refusal('"username";"city";"note"\n');
  expect(error.message).toBe(
    '"u.csv", line 1: the cells are separated by ";", and must be separated by a comma.',
  );
});

test.each([
  ['', 'line 1: the file is empty'],
  ['\n\n', 'line 1: the file is empty'],
  ['username,city\n', 'line 1: the column "note" is missing'],
  ['username\n', 'line 1: "city", "note" are missing'],
  ['username,city,note,city\n', 'line 1: the column "city" appears twice'],
  ['username,city,note,age\n', 'line 1: there is no column "age"'],
  ['username,city,note,__proto__\n', 'line 1: there is no column "__proto__"'],
  ['Username,city,note\n', 'line 1: there is no column "Username" (did you mean "username"?)'],
  ['username;city;note\n', 'line 1: the cells are separated by ";", and must be separated by a comma'],
  ['username\tcity\n', 'line 1: the cells are separated by "\\t", and must be separated by a comma'],
  ['username,city,note \n', 'line 1: there is no column "note " (did you mean "note"?)'],
  [
    'usrname,cities,note,x\n',
    'line 1: there is no column "usrname" (did you mean "username"?), "cities", "x"',
  ],
  [`${Array.from({ length: 12 }, (_, n) => `x${n}`)}\n`, expect.stringMatching(/"x9", or 2 others$/)],
  ['username,city,note\rann,Bern,x\r', 'line 1: there is no column "note\\rann", "Bern", "x\\r"'],
])('the header %j is refused: %s', async (content, message) => {
  const error = await refusal(content);
  expect(error.code).toBe('CSV_HEADER');
  expect(/^"u\.csv", (.*)\.$/.exec(error.message)?.[1]).toEqual(message);
  expect(error.hint).toContain('username,city,note');
});

const LATIN1 = Buffer.from('username,city,note\nann,Bern,x\nbob,Zürich,y\n', 'latin1');
const UTF16 = Buffer.from('\ufeffusername,city,note\n', 'utf16le');

test.each([
  ['latin1', LATIN1, 'line 3, byte 6 of the line: 0xFC is not UTF-8', 'LATIN1'],
  ['UTF-16 without mark', UTF16.subarray(2), 'line 1, byte 2 of the line: a NUL byte', 'UTF-16'],
  ['a NUL', 'username,city,note\nann,é\0,x\n', 'line 2, byte 7 of the line: a NUL byte', 'UTF-16'],
  [
    'half a character',
    Buffer.from('username,city,note\nann,Bern,€').subarray(0, -1),
    'line 2, byte 10 of the line: 0xE2 is not UTF-8',
    'LATIN1',
  ],
  [
    'an encoded surrogate',
    Buffer.from([...Buffer.from('username,city,note\n'), 0xed, 0xa0, 0x80, 0x0a]),
    'line 2, byte 1 of the line: 0xED is not UTF-8',
    'LATIN1',
  ],
])('%s is refused with line and byte', async (_, content, message, encoding) => {
  const error = await refusal(content);
  expect(error.code).toBe('CSV_ENCODING');
  expect(error.message).toBe(`"u.csv", ${message}; CSV files must be UTF-8.`);
  expect(error.hint).toContain(`-f ${encoding} `);
});

test('UTF-16 with its byte order mark is called by its name', async () => {
  await expect(read(UTF16, {}, 1000)).rejects.toMatchObject({
    code: 'CSV_ENCODING',
    message: expect.stringContaining('the file is UTF-16'),
  });
});

test.each([
  ['ann,"Bern,x\nbob,Genf,y\n', 'line 2: the quote that opens cell 2 of the row is never closed'],
  [
    'ann,"a\nb\n""c""",x\nbob,"a\nb","open ""\n""\n',
    'line 6: the quote that opens cell 3 of the row is never closed',
  ],
  ['ann,"Bern"e,x\n', 'line 2: cell 2 of the row goes on after its closing quote'],
  [
    '\nann,Bern,x\nbob,Ge"nf,y\n',
    'line 4: cell 2 of the row has a quote inside, but does not begin with one',
  ],
])('the quotes of %j are refused: %s', async (rows, message) => {
  const error = await refusal(`username,city,note\n${rows}`);
  expect(error.code).toBe('CSV_QUOTE');
  expect(error.message).toBe(`"u.csv", ${message}.`);
});

test('rows with too few or too many cells end the reading, or are handed over', async () => {
  const content = 'username,city,note\nann,"B\nern"\nbob,Genf,y\ncleo,Chur,z,\n""\n';
  expect(await refusal(content)).toMatchObject({
    code: 'CSV_COLUMNS',
    message: '"u.csv", line 2: the row has 2 cells and the header 3.',
  });
  const rows = [];
  const format = { file: 'u.csv', columns: COLUMNS, malformed: true };
  for await (const batch of readCsv(chunks(Buffer.from(content), 7), format)) rows.push(...batch);
  expect(rows).toEqual([
    { line: 2, source: ['ann', 'B\nern'], cells: [], expected: 3 },
    { line: 4, source: ['bob', 'Genf', 'y'], cells: ['bob', 'Genf', 'y'] },
    { line: 5, source: ['cleo', 'Chur', 'z', ''], cells: [], expected: 3 },
    { line: 6, source: [''], cells: [], expected: 3 },
  ]);
});

test('columns that are not read may appear; the header is told as it stands', async () => {
  let header: readonly string[] = [];
  const options = {
    ignored: ['reason'],
    onHeader: (names: readonly string[]) => {
      header = names;
    },
  };
  expect(await read('note,reason,username,city\nx,bad,ann,Bern\n', options)).toEqual([
    row(2, 'ann', 'Bern', 'x'),
  ]);
  expect(header).toEqual(['note', 'reason', 'username', 'city']);
});

test('a row beyond the limit is refused, one at the limit is not', async () => {
  const options = { maxRecordBytes: 100 };
  const content = (length: number) => `username,city,note\nann,"${'x\n'.repeat(length / 2)}",y\n`;
  expect(await read(content(96), options)).toHaveLength(1);
  expect(await refusal(content(120), options)).toMatchObject({
    code: 'CSV_RECORD_TOO_LARGE',
    message: '"u.csv", line 2: the row that starts here is longer than 100 bytes.',
  });
});

test('the source is closed when the reader stops early', async () => {
  let closed = false;
  async function* source() {
    try {
      yield Buffer.from('username,city,note\n');
      for (;;) yield Buffer.from('ann,Bern,x\n'.repeat(1000));
    } finally {
      closed = true;
    }
  }
  for await (const batch of readCsv(source(), { file: 'u.csv', columns: COLUMNS })) {
    expect(batch.length).toBeGreaterThanOrEqual(1000);
    break;
  }
  expect(closed).toBe(true);
});

/** Reads generated CSV in a process of its own: `head` once, then `body` `times` times. */
async function readInChild(head: string, body: string, times: number) {
  const script = `
    const { readCsv } = await import(${JSON.stringify(new URL('../../src/lib/io/csv.ts', import.meta.url).href)});
    const { keepHeapSmall } = await import(${JSON.stringify(new URL('../../src/lib/io/heap.ts', import.meta.url).href)});
    keepHeapSmall();
    const body = Buffer.from(${JSON.stringify(body)}.repeat(500));
    async function* source() {
      yield Buffer.from(${JSON.stringify(head)});
      for (let i = 0; i < ${times / 500}; i++) yield body;
    }
    let rows = 0, line = 0, code = null;
    try {
      for await (const batch of readCsv(source(), { file: 'u.csv', columns: ${JSON.stringify(COLUMNS)} })) {
        rows += batch.length;
        line = batch.at(-1).line;
      }
    } catch (error) { code = error.code ?? String(error); }
    console.log(JSON.stringify({ rows, line, code, mebibytes: process.resourceUsage().maxRSS / 1024 }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  return JSON.parse(stdout) as { rows: number; line: number; code: string | null; mebibytes: number };
}

test('a million rows stream through little memory', async () => {
  const result = await readInChild(
    'username,city,note\n',
    'ann12345,Zürich,"a longer, quoted note"\n',
    1_000_000,
  );
  expect(result).toMatchObject({ rows: 1_000_000, line: 1_000_001, code: null });
  expect(result.mebibytes).toBeLessThan(200);
});

test.each([
  ['a cell of 100 MiB', 'username,city,note\nann,"', 'x'.repeat(1024)],
  ['a row of 100 Mi cells', 'username,city,note\nann', ','.repeat(1024)],
  ['100 MiB of escaped quotes', 'username,city,note\nann,"', '"'.repeat(1024)],
])('%s is refused early', async (_, head, body) => {
  const result = await readInChild(head, body, 102_500);
  expect(result).toMatchObject({ rows: 0, code: 'CSV_RECORD_TOO_LARGE' });
  expect(result.mebibytes).toBeLessThan(200);
});
