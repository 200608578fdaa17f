import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { UserError } from '../../src/lib/core/errors.ts';
import type { ImportResult } from '../../src/lib/core/import-report.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import { only } from '../../src/lib/io/db/database.ts';
import type { ImportOptions } from '../../src/lib/io/import-file.ts';
import { breakDatabase } from '../support/broken-database.ts';
import { type Contents, dataOf, effectOf, observe } from '../support/contents.ts';
import { describeDatabases } from '../support/databases.ts';
import { type Fault, Operations } from '../support/faults.ts';
import type { ImportCall } from '../support/import-worker.ts';
import { fileOf, KINDS, openImportWorld, THINGS, type Things } from '../support/import-world.ts';

const WORKER = fileURLToPath(new URL('../support/import-worker.ts', import.meta.url));
const NOW = '2025-06-01';
/** Of so many batches that there is a middle. */
const ROWS = 5000;
const OLD = 'of an earlier import\n';

describeDatabases('an import', (databases) => {
  /** A world, a file to import into it, and what comes of that when nothing interrupts it. */
  async function prepare(things: Things, { partial, rows }: { partial: boolean; rows: number }) {
    const { work } = KINDS[things];
    const folder = await mkdtemp(join(databases.folder, 'interrupted-'));
    const file = join(folder, 'rows.csv');
    await writeFile(file, fileOf(things, rows, { faulty: partial }));
    const rejects = join(folder, 'rejects.csv');
    const options: ImportOptions = { file, partial, dryRun: false, ...(partial ? { rejects } : {}) };

    const world = await openImportWorld(await databases.context({ now: NOW }));
    await (await world.db()).close();
    const rehearsal = await databases.context({ now: NOW, url: await databases.copyUrl(world.url) });
    await rehearsal.db();
    const operations = new Operations(null);
    const count = (sql: string) => {
      operations.statement(sql);
      return false;
    };
    const wanted = await operations.files(async () => {
      const results: ImportResult[] = [];
      await breakDatabase(count, 'before', async () => results.push(await work(rehearsal, options)));
      return only(results);
    });
    await (await rehearsal.db()).close();
    const rejected = partial ? await readFile(rejects, 'utf8') : null;
    if (partial) await writeFile(rejects, OLD);

    const eyes = await observe(world.url);
    const other = await observe(rehearsal.url);
    const [before, done] = [await eyes.read(), await effectOf(await other.read())];
    await other.close();
    /** Whether the import is done; it is never half done, nor without its entry in the audit trail. */
    const isDone = async (name: string): Promise<boolean> => {
      const found = await eyes.read();
      const changed = !equal(dataOf(found), dataOf(before));
      expect(await effectOf(found), name).toEqual(changed ? done : await effectOf(before));
      expect(found.audit_entries?.length, name).toBe((before.audit_entries?.length ?? 0) + Number(changed));
      return changed;
    };
    /** Imports the file again, after which everything is as it is when nothing goes wrong. */
    const rerun = async (wasDone: boolean, name: string) => {
      const context = await databases.context({ now: NOW, url: world.url });
      const counts = wasDone
        ? { inserted: 0, updated: 0, unchanged: wanted.inserted + wanted.updated }
        : { inserted: wanted.inserted, updated: wanted.updated };
      expect(await work(context, options), name).toMatchObject(counts);
      await (await context.db()).close();
      expect(await isDone(name)).toBe(true);
      if (rejected !== null) expect(await readFile(rejects, 'utf8'), name).toBe(rejected);
      expect((await readdir(folder)).sort(), name).toEqual(
        partial ? ['rejects.csv', 'rows.csv'] : ['rows.csv'],
      );
    };
    return { url: world.url, eyes, before, options, isDone, rerun, folder, operations: operations.names };
  }

  it.each(THINGS.flatMap((things) => [false, true].map((partial) => ({ things, partial }))))(
    'of a $things file that is killed has done all or nothing, partial: $partial',
    async ({ things, partial }) => {
      const { url, eyes, before, options, isDone, rerun, operations } = await prepare(things, {
        partial,
        rows: ROWS,
      });
      const call = { url, things, options, now: (Date.parse(NOW) / 1000) as Instant };
      const middle = Math.floor(operations.length / 2);
      expect(middle).toBeGreaterThan(10);
      for (const killedAt of partial ? [middle] : [middle, 'commit']) {
        expect(await killed({ ...call, killedAt })).toBe(true);
        expect(await isDone(`killed at ${killedAt}`)).toBe(false);
      }
      await rerun(false, 'after being killed');
      if (!partial) return;
      // The database has it all, and the reject file its content but not yet its name.
      await eyes.restore(before);
      await writeFile(options.rejects ?? '', OLD);
      expect(await killed({ ...call, killedAt: 'rename' })).toBe(true);
      expect(await isDone('killed behind the commit')).toBe(true);
      expect(await readFile(options.rejects ?? '', 'utf8')).toBe(OLD);
      await rerun(true, 'after being killed behind the commit');
    },
    60_000,
  );

  it('that meets a fault at any operation of its files has done all or nothing', async () => {
    const world = await prepare('user', { partial: true, rows: 120 });
    const { work } = KINDS.user;
    for (let at = 1, came = true; came; at++) {
      for (const moment of ['before', 'after'] as const) {
        const operations = new Operations({ at, moment } satisfies Fault);
        const context = await databases.context({ now: NOW, url: world.url });
        await context.db();
        const refusal = await operations.files(() =>
          work(context, world.options).then(
            () => null,
            (error: unknown) => error,
          ),
        );
        await (await context.db()).close();
        came = operations.wasHit;
        const name = `${moment} ${at}, ${operations.names[at - 1]}`;
        if (refusal !== null) expect(refusal, name).toBeInstanceOf(UserError);
        const wasDone = await world.isDone(name);
        if (refusal !== null && wasDone)
          expect(refusal, name).toMatchObject({ code: 'REJECTS_NOT_PLACED', exit: 3 });
        expect(
          (await readdir(world.folder)).filter((file) => file.endsWith('.new')),
          name,
        ).toEqual([]);
        await world.rerun(wasDone, name);
        await world.eyes.restore(world.before);
        await writeFile(world.options.rejects ?? '', OLD);
      }
    }
  }, 60_000);
});

/** Runs the worker, and says whether it was killed. */
function killed(call: ImportCall): Promise<boolean> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [WORKER, JSON.stringify(call)], (error, _, stderr) => {
      if (error === null || error.signal === 'SIGKILL') resolve(error !== null);
      else reject(new Error(stderr));
    });
  });
}

function equal(one: Contents, other: Contents): boolean {
  return JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
}
