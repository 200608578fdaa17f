import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { openInput } from '../../src/lib/io/input.ts';

const folder = mkdtempSync(join(tmpdir(), 'uncloud-input-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of bytes) text += Buffer.from(chunk).toString();
  return text;
}

it('reads a file, whose size is known, and standard input', async () => {
  const file = join(folder, 'users.csv');
  await writeFile(file, 'username\nann\n');
  const { name, bytes, size } = await openInput(file);
  expect([name, size, await textOf(bytes)]).toEqual([file, 13, 'username\nann\n']);

  async function* stdin() {
    yield Buffer.from('x');
  }
  const input = await openInput('-', stdin());
  expect([input.name, input.size, await textOf(input.bytes)]).toEqual(['standard input', undefined, 'x']);
});

it('reads a named pipe from the first to the last byte that is written to it, whenever that is', async () => {
  const pipe = join(folder, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const { name, bytes, size } = await openInput(pipe);
  const [text] = await Promise.all([textOf(bytes), appendFile(pipe, 'x'.repeat(1_000_000))]);
  expect([name, size, text.length]).toEqual([pipe, undefined, 1_000_000]);
});

it.each([
  ['none.csv', 'no such file or folder'],
  ['', 'it is a directory'],
])('refuses "%s" because of %s', async (name, reason) => {
  await expect(openInput(join(folder, name))).rejects.toMatchObject({
    code: 'INPUT_NOT_FOUND',
    message: expect.stringContaining(reason),
  });
});

it('refuses what turns out unreadable while it is read', async () => {
  // What the kernel says to a job in the background that reads its terminal.
  async function* orphaned(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('username\n');
    throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
  }
  const { bytes } = await openInput('-', orphaned());
  await expect(textOf(bytes)).rejects.toMatchObject({
    code: 'INPUT_NOT_FOUND',
    message: expect.stringContaining('"standard input"'),
  });
});

it.each([
  ['gzip', gzipSync('username\n'), 'gzip -dc FILE | uncloud'],
  ['zstd', Buffer.from('28b52ffd', 'hex'), 'zstd -dc FILE | uncloud'],
  ['ZIP', Buffer.from('PK\x03\x04\x14\x00'), 'Save the sheet as CSV'],
])('refuses what is packed with %s and says how to read it', async (format, content, hint) => {
  const file = join(folder, `packed-${format}`);
  await writeFile(file, content);
  const { bytes } = await openInput(file);
  await expect(textOf(bytes)).rejects.toMatchObject({
    code: 'COMPRESSED_INPUT',
    message: expect.stringContaining(format),
    hint: expect.stringContaining(hint),
  });
});
