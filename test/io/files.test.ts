import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  open,
  readdir,
  readFile,
  readlink,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import {
  createNewFile,
  createPrivateFile,
  createReplacement,
  readSecretFile,
} from '../../src/lib/io/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'uncloud-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('puts nothing in the place of a link, as /dev/stdout is one', async () => {
  const [target, link] = [join(folder, 'target'), join(folder, 'link')];
  await writeFile(target, 'old');
  await symlink(target, link);
  await expect(createReplacement(link)).rejects.toMatchObject({
    code: 'FILE_NOT_WRITABLE',
    message: expect.stringMatching(/: it is a link\.$/),
  });
  expect(await readlink(link)).toBe(target);
  expect(await readFile(target, 'utf8')).toBe('old');
});

it.each(['', 'nothing/', '/'])('begins no file that could not be placed: %j', async (file) => {
  const refused = { code: expect.stringMatching('FILE_NOT_WRITABLE|FILE_EXISTS') };
  await expect(createNewFile(file)).rejects.toMatchObject(refused);
  await expect(createReplacement(file)).rejects.toMatchObject(refused);
});

it.each(['EINVAL', 'EACCES'])('writes where a folder cannot be synced: %s', async (code) => {
  const file = join(folder, code);
  await failingFolders(code, () => createPrivateFile(file, 'text'));
  expect(await readFile(file, 'utf8')).toBe('text');
});

it('does not take a broken disk for a folder that cannot be synced', async () => {
  const file = join(folder, 'broken');
  const written = failingFolders('EIO', () => createPrivateFile(file, 'text'));
  await expect(written).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
});

it('reads a secret from a named pipe whose writer comes later', async () => {
  const pipe = join(folder, 'pipe');
  spawnSync('mkfifo', ['-m', '600', pipe]);
  const [secret] = await Promise.all([readSecretFile(pipe), appendFile(pipe, 'secret\n')]);
  expect(secret).toBe('secret\n');
});

it('reads no secret from a pipe that others may read', async () => {
  const pipe = join(folder, 'open');
  spawnSync('mkfifo', ['-m', '644', pipe]);
  await expect(readSecretFile(pipe)).rejects.toMatchObject({ code: 'SECRET_FILE_MODE' });
  expect(await readdir(folder)).toContain('open');
});

it.runIf(process.getuid?.() === 0).each([
  [0o600, 0, true],
  [0o640, 0, true],
  [0o660, 0, false],
  [0o650, 0, false],
  [0o644, 0, false],
  [0o600, 1, true],
  [0o640, 1, false],
  [0o604, 1, false],
])('takes a secret of mode %o whose owner is %i: %s', async (mode, owner, isTaken) => {
  const file = join(folder, 'secret');
  await writeFile(file, 'secret');
  await chown(file, owner, 1);
  await chmod(file, mode);
  const read = readSecretFile(file);
  if (isTaken) expect(await read).toBe('secret');
  else await expect(read).rejects.toMatchObject({ code: 'SECRET_FILE_MODE' });
});

/** Runs work while every fsync of a folder fails. */
async function failingFolders<T>(code: string, work: () => Promise<T>): Promise<T> {
  const handle = await open(folder);
  const prototype = Object.getPrototypeOf(handle) as { sync: () => Promise<void> };
  await handle.close();
  const { sync } = prototype;
  prototype.sync = async function (this: typeof handle) {
    if ((await this.stat()).isDirectory()) throw Object.assign(new Error(code), { code });
    return sync.call(this);
  };
  try {
    return await work();
  } finally {
    prototype.sync = sync;
  }
}
