import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readLines, type TextLine } from '../../src/lib/io/json-lines.ts';

async function* chunks(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(content: string | Uint8Array, chunkBytes: number, maxLineBytes?: number) {
  const lines: TextLine[] = [];
  const format = { file: 'u.jsonl', ...(maxLineBytes === undefined ? {} : { maxLineBytes }) };
  for await (const batch of readLines(chunks(Buffer.from(content), chunkBytes), format)) lines.push(...batch);
  return lines;
}

test('lines are counted from 1, empty ones too; byte order mark and line ends go', async () => {
  const content = '\ufeff{"a":"é"}\r\n\n  \r\n{"b":1}\n{"c":2}';
  for (const size of [1, 2, 3, 1000]) {
    expect(await read(content, size)).toEqual([
      { line: 1, text: '{"a":"é"}' },
      { line: 4, text: '{"b":1}' },
      { line: 5, text: '{"c":2}' },
    ]);
  }
  expect(await read('', 1)).toEqual([]);
});

test.each([
  [
    'latin1',
    Buffer.from('{"a":1}\n{"a":"é"}\n', 'latin1'),
    'line 2, byte 7 of the line: 0xE9 is not UTF-8',
    'LATIN1',
  ],
  [
    'UTF-16',
    Buffer.from('\ufeff{"a":1}\n', 'utf16le'),
    'line 1, byte 1 of the line: the file is UTF-16',
    'UTF-16',
  ],
  ['a NUL', '{"a":1}\n{"\0":1}\n', 'line 2, byte 3 of the line: a NUL byte', 'UTF-16'],
])('%s is refused with line and byte', async (_, content, message, encoding) => {
  for (const size of [1, 7, 1000]) {
    await expect(read(content, size)).rejects.toMatchObject({
      code: 'JSON_ENCODING',
      message: `"u.jsonl", ${message}; JSON must be UTF-8.`,
      hint: expect.stringContaining(`-f ${encoding} `),
    });
  }
});

test('a line beyond the limit is refused, one at the limit is not', async () => {
  expect(await read(`{}\n${'x'.repeat(100)}\n`, 7, 100)).toHaveLength(2);
  for (const content of [`{}\n${'x'.repeat(101)}\n`, `{}\n${'x'.repeat(101)}`]) {
    await expect(read(content, 7, 100)).rejects.toMatchObject({
      code: 'JSON_LINE_TOO_LONG',
      message: '"u.jsonl", line 2: the line is longer than 100 bytes.',
    });
  }
});

test('a line of 100 MiB is refused early', async () => {
  const script = `
    const { readLines } = await import(${JSON.stringify(new URL('../../src/lib/io/json-lines.ts', import.meta.url).href)});
    async function* source() {
      yield Buffer.from('{"username":"');
      for (let i = 0; i < 1600; i++) yield Buffer.alloc(65536, 'x');
    }
    let code = null;
    try { for await (const _ of readLines(source(), { file: 'u.jsonl' })); } catch (error) { code = error.code; }
    console.log(JSON.stringify({ code, mebibytes: process.resourceUsage().maxRSS / 1024 }));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  const { code, mebibytes } = JSON.parse(stdout) as { code: string; mebibytes: number };
  expect(code).toBe('JSON_LINE_TOO_LONG');
  expect(mebibytes).toBeLessThan(200);
});
