import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { UserError } from '../../src/lib/core/errors.ts';
import { parseServiceName } from '../../src/lib/core/service.ts';
import {
  createService,
  deleteService,
  listServices,
  rotateService,
  verifyService,
} from '../../src/lib/ops/services.ts';
import { describeDatabases } from '../support/databases.ts';
import { Operations } from '../support/faults.ts';

const NAME = parseServiceName('controller');

describeDatabases('service accounts', (databases) => {
  const fileWith = async (name: string, secret: string) => {
    const file = join(databases.folder, name);
    await writeFile(file, `${secret}\n`, { mode: 0o600 });
    return file;
  };

  it('prove who they are with a secret that is not stored', async () => {
    const context = await databases.context({ now: '2025-03-01' });
    const { service, secret } = await createService(context, { name: NAME, secretFile: null });
    expect(service).toEqual({ id: 1, name: NAME, createdAt: context.now, rotatedAt: context.now });
    expect(secret).toMatch(/^[\w-]{43}$/);
    const { kysely } = await context.db();
    const rows = await kysely.selectFrom('services').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(secret);

    const [right, wrong] = [await fileWith('right', secret), await fileWith('wrong', `${secret}x`)];
    expect(await verifyService(context, { name: NAME, secretFile: right })).toEqual(service);
    const refused = { code: 'WRONG_SECRET', message: expect.not.stringContaining(secret) };
    await expect(verifyService(context, { name: NAME, secretFile: wrong })).rejects.toMatchObject(refused);
    await expect(createService(context, { name: NAME, secretFile: null })).rejects.toMatchObject({
      code: 'SERVICE_EXISTS',
    });
  });

  it('lose the old secret with a new one, and everything when they are deleted', async () => {
    const context = await databases.context({ now: '2025-03-01' });
    const later = context.at('2025-04-01');
    const { secret } = await createService(context, { name: NAME, secretFile: null });
    const old = await fileWith('old', secret);
    const secretFile = join(databases.folder, `${databases.backend}.secret`);
    expect((await rotateService(later, { name: NAME, secretFile })).service.rotatedAt).toBe(later.now);
    expect((await stat(secretFile)).mode & 0o777).toBe(0o600);
    expect(await readFile(secretFile, 'utf8')).not.toContain(secret);
    await verifyService(context, { name: NAME, secretFile });
    await expect(verifyService(context, { name: NAME, secretFile: old })).rejects.toMatchObject({
      code: 'WRONG_SECRET',
    });

    // The file is there: the secret that it has stays the right one.
    await expect(rotateService(later, { name: NAME, secretFile })).rejects.toMatchObject({
      code: 'FILE_EXISTS',
    });
    await verifyService(context, { name: NAME, secretFile });

    await deleteService(context, NAME);
    expect(await listServices(context)).toEqual([]);
    await expect(verifyService(context, { name: NAME, secretFile })).rejects.toMatchObject({
      code: 'UNKNOWN_SERVICE',
    });
  });

  it('have a file with the secret that counts, or none, when a file operation fails', async () => {
    const context = await databases.context({ now: '2025-03-01' });
    const folder = await mkdtemp(join(databases.folder, 'secrets-'));
    const request = { name: NAME, secretFile: join(folder, 'secret') };
    for (const work of [createService, rotateService]) {
      for (let at = 1, came = true; came; at += 1) {
        const operations = new Operations({ at, moment: 'before' });
        const outcome = await operations.files(() =>
          work(context, request).then(
            () => 'DONE',
            ({ code }: UserError) => code,
          ),
        );
        came = operations.wasHit;
        const name = `${at}, ${operations.names[at - 1]}`;
        expect(['DONE', 'FILE_NOT_WRITABLE', 'SECRET_NOT_PLACED'], name).toContain(outcome);
        const isThere = (await listServices(context)).length > 0;
        expect(isThere, name).toBe(outcome !== 'FILE_NOT_WRITABLE' || work === rotateService);
        if (outcome === 'FILE_NOT_WRITABLE') await work(context, request);
        const again = { name: NAME, secretFile: join(folder, 'other') };
        if (outcome === 'SECRET_NOT_PLACED') await rotateService(context, again);
        await verifyService(context, outcome === 'SECRET_NOT_PLACED' ? again : request);
        expect(
          (await readdir(folder)).filter((file) => file.startsWith('.')),
          name,
        ).toEqual([]);
        for (const file of await readdir(folder)) await rm(join(folder, file));
        if (work === createService) await deleteService(context, NAME);
      }
      if (work === createService) await createService(context, { name: NAME, secretFile: null });
    }
  });
});
