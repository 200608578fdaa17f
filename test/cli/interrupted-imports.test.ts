import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chown, copyFile, mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { type Outcome, type RunOptions, uncloud } from '../support/cli.ts';
import { type Contents, dataOf, effectOf, observe } from '../support/contents.ts';
import { describeDatabases } from '../support/databases.ts';
import { fileOf, openImportWorld } from '../support/import-world.ts';
import { startCluster, TEMPLATE } from '../support/postgres.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const FILE = fileOf('user', 2500, { faulty: true });
const AGAIN = 'running the command again completes it';
/** In CI the tests with full disks have to run. */
const mayMount = process.env.CI !== undefined || process.getuid?.() === 0;
if (!mayMount) process.stderr.write('Full disks are not tested: only root can mount a file system.\n');

describeDatabases('an import of the program', (databases) => {
  let world: string;
  let before: Contents;
  let done: Contents;
  let rejected: string;

  const importInto = (url: string, folder: string, options: RunOptions = {}) =>
    uncloud(['user', 'import', join(folder, 'users.csv'), '--partial', '--rejects', join(folder, 'no.csv')], {
      ...options,
      url,
    });
  const contentsOf = async (url: string) => {
    const eyes = await observe(url);
    const contents = await eyes.read();
    await eyes.close();
    return contents;
  };
  const place = async () => {
    const folder = await mkdtemp(join(databases.folder, 'place-'));
    await writeFile(join(folder, 'users.csv'), FILE);
    return { folder, url: await databases.copyUrl(world) };
  };
  /** Imports once more, after which all is as if nothing had happened. */
  const rerun = async (url: string, folder: string) => {
    expect(dataOf(await contentsOf(url))).toEqual(dataOf(before));
    expect(await importInto(url, folder)).toMatchObject({ code: 3 });
    expect(withoutTimes(await effectOf(await contentsOf(url)))).toEqual(withoutTimes(done));
    expect(await readFile(join(folder, 'no.csv'), 'utf8')).toBe(rejected);
    expect((await readdir(folder)).sort()).toEqual(['no.csv', 'users.csv']);
    expect(await importInto(url, folder)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(' 0 inserted, 0 updated, 2500 unchanged, 25 refused'),
    });
  };

  beforeAll(async () => {
    const context = await openImportWorld(await databases.context());
    await (await context.db()).close();
    world = context.url;
    before = await contentsOf(world);
    const { folder, url } = await place();
    expect(await importInto(url, folder)).toMatchObject({ code: 3 });
    done = await effectOf(await contentsOf(url));
    rejected = await readFile(join(folder, 'no.csv'), 'utf8');
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('that gets a %s has done nothing', async (signal) => {
    const { folder, url } = await place();
    const run = await Halfway.start(url, folder);
    run.child.kill(signal);
    const { code, stderr } = await run.end();
    expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGKILL: null }[signal]);
    if (signal !== 'SIGKILL') {
      expect(stderr).toContain(AGAIN);
      expect(await readdir(folder)).toEqual(['users.csv']);
    }
    await rerun(url, folder);
  });

  it('goes on to its end when nobody reads what it says', async () => {
    const { folder, url } = await place();
    const run = await Halfway.start(url, folder);
    run.child.stdout?.destroy();
    run.child.stderr?.destroy();
    run.child.stdin?.end();
    expect((await run.end()).code).toBe(3);
    expect(withoutTimes(await effectOf(await contentsOf(url)))).toEqual(withoutTimes(done));
  });

  it.runIf(process.platform === 'linux')(
    'is refused whole when a read fails, or is no read of a file',
    async () => {
      const { folder, url } = await place();
      for (const [file, reason] of [
        ['/proc/self/mem', 'EIO'],
        [folder, 'it is a directory'],
        [join(folder, 'gone.csv'), 'no such file or folder'],
        [join(folder, 'users.csv', 'x'), 'a part of its path is not a folder'],
      ] as const) {
        const { code, stderr } = await uncloud(['user', 'import', file], { url });
        expect([code, stderr]).toEqual([1, expect.stringContaining(`cannot be read: ${reason}`)]);
      }
      for (const [rejects, reason] of [
        [join(folder, 'no', 'where.csv'), 'there is no folder'],
        [join(folder, 'users.csv', 'x'), 'a part of its path is not a folder'],
        ['/proc/rejects.csv', 'no such file or folder'],
        [folder, 'it is a directory'],
        ['/dev/null', 'it is not a regular file'],
      ] as const) {
        const args = ['user', 'import', join(folder, 'users.csv'), '--partial', '--rejects', rejects];
        const { code, stderr } = await uncloud(args, { url });
        expect([code, stderr]).toEqual([1, expect.stringContaining(`cannot be written: ${reason}`)]);
      }
      await rerun(url, folder);
    },
  );

  if (databases.backend === 'postgresql') {
    it('that is cut off by the server has done nothing', async () => {
      const { folder, url } = await place();
      const run = await Halfway.start(url, folder);
      await onServer(inject('postgresUrl'), async (client) => {
        const name = new URL(url).pathname.slice(1);
        const { rowCount } = await client.query(
          'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1',
          [name],
        );
        expect(rowCount).toBe(1);
      });
      run.child.stdin?.end();
      const { code, stderr } = await run.end();
      expect([code, stderr]).toEqual([75, expect.stringContaining('unfinished work was rolled back')]);
      expect(stderr.trim().split('\n')).toHaveLength(2);
      await rerun(url, folder);
    });

    it('whose server is stopped has done nothing, and is done when it is back', async () => {
      const cluster = await startCluster();
      try {
        const url = `${cluster.url}/postgres`;
        const { folder } = await place();
        expect(await uncloud(['migrate', '--quiet'], { url })).toMatchObject({ code: 0 });
        const run = await Halfway.start(url, folder);
        await cluster.stop();
        run.child.stdin?.end();
        expect((await run.end()).code).toBe(75);
        expect(await importInto(url, folder)).toMatchObject({ code: 75 });
        await cluster.start();
        expect(await uncloud(['user', 'list'], { url })).toMatchObject({ code: 0, stdout: '' });
        expect(await importInto(url, folder)).toMatchObject({ code: 3 });
        expect(await readFile(join(folder, 'no.csv'), 'utf8')).toBe(rejected);
      } finally {
        await cluster.remove();
      }
    }, 60_000);
  }

  describe.runIf(mayMount)('on a full disk', () => {
    let disk: string;
    const mount = (options: string) =>
      execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', disk], { stdio: 'inherit' });

    beforeAll(async () => {
      disk = await mkdtemp(join(databases.folder, 'disk-'));
    });
    afterAll(() => {
      execFileSync('umount', ['--lazy', '--all-targets', disk], { stdio: 'ignore' });
    });

    it('of its rejects has done nothing', async () => {
      mount('size=4k');
      const { folder, url } = await place();
      const rejects = join(disk, 'no.csv');
      const args = ['user', 'import', join(folder, 'users.csv'), '--partial', '--rejects', rejects];
      const many = fileOf('user', 20_000, { faulty: true });
      await writeFile(join(folder, 'users.csv'), many);
      const full = await uncloud(args, { url });
      expect([full.code, full.stderr]).toEqual([1, expect.stringContaining('no space left on the disk')]);
      expect(await readdir(disk)).toEqual([]);
      await writeFile(join(folder, 'users.csv'), FILE);
      execFileSync('mount', ['-o', 'remount,ro', disk]);
      const locked = await uncloud(args, { url });
      expect([locked.code, locked.stderr]).toEqual([1, expect.stringContaining('file system is read-only')]);
      execFileSync('umount', [disk]);
      await rerun(url, folder);
    });

    it('of its database has done nothing', async () => {
      const { folder, url } = await place();
      const { full, spare, drop } = databases.backend === 'sqlite' ? await sqliteOn(url) : await postgresOn();
      try {
        const outcome = await importInto(full, folder);
        expect([outcome.code, outcome.stderr]).toEqual([1, expect.stringContaining('has no room left')]);
        expect(await readdir(folder)).toEqual(['users.csv']);
        execFileSync('mount', ['-o', `remount,size=${spare}`, disk]);
        const found = await contentsOf(full);
        expect(dataOf(found)).toEqual(
          dataOf(databases.backend === 'sqlite' ? before : { ...found, users: [] }),
        );
        expect(await importInto(full, folder)).toMatchObject({ code: 3 });
        expect(await readFile(join(folder, 'no.csv'), 'utf8')).toBe(rejected);
      } finally {
        await drop();
      }
    });

    async function sqliteOn(url: string) {
      const file = url.replace('sqlite:', '');
      mount(`size=${Math.ceil((await stat(file)).size / 1024) + 200}k,mode=0700`);
      await copyFile(file, join(disk, 'small.db'));
      return { full: `sqlite:${join(disk, 'small.db')}`, spare: '64m', drop: async () => {} };
    }

    /** A tablespace of its own, with room for the empty tables and little more. */
    async function postgresOn() {
      const server = inject('postgresUrl');
      await onServer(server, async (client) => {
        const { rows } = await client.query(
          "select pg_database_size($1) as size, current_setting('data_directory') as folder",
          [TEMPLATE],
        );
        mount(`size=${Math.ceil(Number(rows[0].size) / 1024) + 500}k`);
        const { uid, gid } = await stat(rows[0].folder as string);
        const space = join(disk, 'space');
        await mkdir(space);
        await chown(space, uid, gid);
        execFileSync('chmod', ['755', databases.folder, disk]);
        await client.query(`create tablespace small location '${space}'`);
        await client.query(`create database small template ${TEMPLATE} tablespace small strategy file_copy`);
      });
      const drop = () =>
        onServer(server, async (client) => {
          await client.query('drop database if exists small with (force)');
          await client.query('drop tablespace small');
        });
      return { full: `${server}/small`, spare: '64m', drop };
    }
  });
});

/** A run that has read all but the end of its input, and waits for that with an open transaction. */
class Halfway {
  readonly child: ChildProcess;
  #stderr = '';

  private constructor(child: ChildProcess) {
    this.child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
    });
    child.stdin?.on('error', () => {});
    child.stdin?.write(FILE);
  }

  static async start(url: string, folder: string): Promise<Halfway> {
    const args = ['user', 'import', '-', '--partial', '--rejects', join(folder, 'no.csv')];
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', UNCLOUD_DATABASE_URL: url },
    });
    const run = new Halfway(child);
    // What it refused of the first rows stands beside the place of the reject file by then.
    const unfinished = join(folder, `.no.csv.${child.pid}.new`);
    for (let turn = 0; turn < 500; turn += 1) {
      const size = await stat(unfinished).then(
        (stats) => stats.size,
        () => 0,
      );
      if (size > 0) return run;
      if (child.exitCode !== null) break;
      await sleep(10);
    }
    throw new Error(`the import did not begin: ${run.#stderr}`);
  }

  async end(): Promise<Pick<Outcome, 'code' | 'stderr'>> {
    if (this.child.exitCode === null && this.child.signalCode === null)
      await new Promise((resolve) => this.child.on('close', resolve));
    return { code: this.child.exitCode, stderr: this.#stderr };
  }
}

async function onServer(server: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(`${server}/postgres`);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Two runs are not of one second. */
function withoutTimes(contents: Contents): Contents {
  const users = (contents.users ?? []).map(({ created_at: _, ...user }) => user);
  return { ...contents, users };
}
