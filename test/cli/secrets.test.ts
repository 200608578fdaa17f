import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, it } from 'vitest';
import { type RunOptions, uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { POOL } from '../support/served-pool.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

describeDatabases('uncloud secrets rotate', (databases) => {
  let options: RunOptions & { readonly url: string };
  let file: string;

  beforeEach(async () => {
    file = join(await mkdtemp(join(databases.folder, 'keys-')), 'secrets.key');
    options = { url: await databases.freshUrl(), environment: { UNCLOUD_SECRETS_KEY_FILE: file } };
    const create = 'vpn pool create 2a0a:e5c1:200::/40 --hostname vpn-1.example.net --private-key-file -';
    await run(create, POOL.privateKey);
  });

  const run = (args: string, stdin = '') => uncloud(args.split(' '), { ...options, stdin });

  it('tells what it does, and never a key', async () => {
    const outcomes = [
      await run('secrets rotate --dry-run'),
      await run('secrets rotate'),
      await run('secrets rotate'),
    ];
    expect(outcomes).toEqual([
      {
        code: 0,
        stdout: '',
        stderr: `Would seal 1 secret under a new key in ${file}; nothing was changed.\n`,
      },
      {
        code: 0,
        stdout: '',
        stderr: `Sealed 1 secret under a new key in ${file}.
The old key is kept in ${file}.old, for backups of the database.
Warning: copy ${file} to vpn-1.example.net, with the owner and mode that it has there
`,
      },
      {
        code: 1,
        stdout: '',
        stderr: `Error: The key of the last rotation is still in "${file}.old", and is not overwritten.
  Move it to the backups of the database that it opens; delete it when none of them is kept.
`,
      },
    ]);
    await rm(`${file}.old`);
    const before = await readFile(file, 'utf8');
    const document = await uncloudJson(['secrets', 'rotate'], options);
    expect(document).toEqual({
      schema_version: 1,
      key_file: file,
      old_key_file: `${file}.old`,
      secrets: 1,
      hostnames: ['vpn-1.example.net'],
      resumed: false,
      rotated: true,
    });
    const keys = [before, await readFile(file, 'utf8'), POOL.privateKey];
    for (const key of keys)
      expect(JSON.stringify([outcomes, document])).not.toContain(key.trim().slice(0, 40));
  });

  it('leaves a key file and a database that fit, whenever it is killed', async () => {
    const render = `vpn --hostname vpn-1.example.net --render-only --dry-run --config-directory ${databases.folder}`;
    for (let attempt = 0; attempt < 6; attempt += 1) {
      await rm(`${file}.old`, { force: true });
      const child = spawn(process.execPath, [PROGRAM, 'secrets', 'rotate', '-q'], {
        env: { ...options.environment, UNCLOUD_DATABASE_URL: options.url, HOME: '/nonexistent' },
        stdio: 'ignore',
      });
      const ended = new Promise((resolve) => child.on('close', resolve));
      await sleep(120 + 40 * attempt);
      child.kill('SIGKILL');
      await ended;
      const outcome = await run(render);
      expect(outcome, `attempt ${attempt}`).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('plan'),
      });
    }
  });
});
