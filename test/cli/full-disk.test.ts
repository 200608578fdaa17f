import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { uncloud } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { addUser } from '../support/vpn.ts';

/** Shell words that run a command with its output on a device that takes nothing. */
const FULL = ['sh', '-c', 'exec "$@" >/dev/full', 'sh'];

const TOLD =
  'Error: The output could not be written to its end: no space left on the disk.\n' +
  '  Check where standard output leads. Whatever the command changed in the database stays changed.\n';

describeDatabases('output that finds no room is told, and nothing is said to be done', (databases) => {
  it.each([
    'user list',
    'user export',
    'db dump',
    'config show',
    'audit list',
    'user update anna --full-name Anna',
    'user list --json',
    'user list --help',
  ])('%s', async (line) => {
    const context = await databases.context();
    await addUser(context);
    const { code, stderr } = await uncloud(line.split(' '), { url: context.url, via: FULL });
    expect({ code, stderr: stderr.replace(/^Changed: .*\n/, '') }).toEqual({ code: 1, stderr: TOLD });
  });

  it.each([['migrate', '--sql']])('%s %s', async (...words) => {
    const url = await databases.emptyUrl();
    expect(await uncloud(words, { url, via: FULL })).toMatchObject({ code: 1, stderr: TOLD });
  });

  it.runIf(process.getuid?.() === 0)('a dump that a disk cuts short', async () => {
    const context = await databases.context();
    const { kysely } = await context.db();
    const users = Array.from({ length: 500 }, (_, at) => ({ username: `u${at}`, created_at: 0 }));
    await kysely.insertInto('users').values(users).execute();
    const disk = join(databases.folder, 'disk');
    await mkdir(disk);
    const small = `mount -t tmpfs -o size=16k none ${disk} && exec "$@" >${disk}/out`;
    const via = ['unshare', '--mount', 'sh', '-c', small, 'sh'];
    expect(await uncloud(['db', 'dump'], { url: context.url, via })).toMatchObject({ code: 1, stderr: TOLD });
  });
});

it('the version too', async () => {
  expect((await uncloud(['--version'], { via: FULL })).code).toBe(1);
});
