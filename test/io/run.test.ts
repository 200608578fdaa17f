import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runner } from '../../src/lib/io/run.ts';
import { parseDump } from '../../src/lib/io/wireguard.ts';
import { testKey } from '../support/served-pool.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'uncloud-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

const run = runner({ useSudo: true, show: null });

it('runs a program without a shell and returns all it says', async () => {
  expect(await run('printf', ['%s', '$(id) *'])).toEqual({ code: 0, stdout: '$(id) *', stderr: '' });
  expect(await run('sh', ['-c', 'echo no >&2; exit 7'])).toEqual({ code: 7, stdout: '', stderr: 'no\n' });
  const { stdout } = await run('head', ['-c', '5000000', '/dev/zero']);
  expect(stdout).toHaveLength(5_000_000);
});

it('finds programs in the folders that the PATH of cron lacks', async () => {
  const before = process.env.PATH;
  process.env.PATH = folder;
  try {
    expect((await run('sh', ['-c', 'command -v ls'])).code).toBe(0);
  } finally {
    process.env.PATH = before;
  }
  await expect(run('no-such-program', [])).rejects.toMatchObject({ code: 'TOOL_MISSING' });
});

it('keeps what may hold the password of the database to itself', async () => {
  const secrets = ['PGPASSWORD', 'PGPASSFILE', 'UNCLOUD_DATABASE_URL'];
  for (const name of secrets) process.env[name] = 'canary';
  process.env.WG_HIDE_KEYS = 'never';
  try {
    const { stdout } = await run('env', []);
    expect(stdout).toContain('WG_HIDE_KEYS=never');
    expect(stdout).not.toContain('canary');
  } finally {
    for (const name of [...secrets, 'WG_HIDE_KEYS']) delete process.env[name];
  }
});

it('hands text over, which the program need not read', async () => {
  const input = 'links\n'.repeat(100_000);
  expect((await run('cat', [], { input })).stdout).toBe(input);
  expect((await run('true', [], { input })).code).toBe(0);
  expect((await run('cat', [])).stdout).toBe('');
});

it('shows each command as a shell would take it', async () => {
  const shown: string[] = [];
  const program = join(folder, 'a tool');
  await writeFile(program, '#!/bin/sh\n');
  await chmod(program, 0o755);
  await runner({ useSudo: true, show: (command) => shown.push(command) })(program, ['peer', "it's"]);
  await runner({ useSudo: true, show: (command) => shown.push(command) })('cat', [], { input: 'a b' });
  expect(shown).toEqual([`'${program}' peer 'it'\\''s'`, expect.stringMatching(/\/cat <<<'a b'$/)]);
});

it('reads what wg show all dump prints', () => {
  const dump = `wg0\tprivate\tpublic\t51820\toff
wg0\t${testKey(1)}\t(none)\t[fd00::2]:4711\t2a0a:e5c1:200::/48\t1795330577\t10\t20\toff
wg0\t${testKey(2)}\tshared\t(none)\t(none)\t0\t0\t0\t25
wg1\t(none)\t(none)\t0\toff
`;
  expect([...parseDump(dump)]).toEqual([
    [
      'wg0',
      {
        privateKey: 'private',
        listenPort: 51820,
        peers: new Map([
          [testKey(1), '2a0a:e5c1:200::/48'],
          [testKey(2), ''],
        ]),
        withPresharedKey: [testKey(2)],
      },
    ],
    ['wg1', { privateKey: null, listenPort: 0, peers: new Map([]), withPresharedKey: [] }],
  ]);
});

it('reads only some peers of what wg show all dump prints, and all of the interfaces', () => {
  const line = (name: string, number: number, slot: number, shared = '(none)') =>
    `${name}\t${testKey(number)}\t${shared}\t(none)\t2a0a:e5c1:${slot}::/48\t0\t0\t0\toff\n`;
  const dump = `wg0\tprivate\tpublic\t51820\toff
${line('wg0', 1, 201)}${line('wg0', 2, 202)}${line('wg0', 3, 203, 'shared')}wg1\tother\tpublic\t51821\toff
${line('wg1', 4, 304)}`;
  const [wg0, wg1] = parseDump(dump, new Set([testKey(3), testKey(9), testKey(2)])).values();
  expect(wg0).toEqual({
    privateKey: 'private',
    listenPort: 51820,
    peers: new Map([
      [testKey(3), '2a0a:e5c1:203::/48'],
      [testKey(2), '2a0a:e5c1:202::/48'],
    ]),
    withPresharedKey: [testKey(3)],
  });
  expect(wg1).toMatchObject({ listenPort: 51821, peers: new Map([]) });
});
