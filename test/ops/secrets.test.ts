import { chmod, chown, copyFile, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { openerFor, poolKeyPlace } from '../../src/lib/io/secrets.ts';
import { examine } from '../../src/lib/ops/doctor.ts';
import { rotateSecrets } from '../../src/lib/ops/secrets.ts';
import { deletePool } from '../../src/lib/ops/vpn-pools.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { POOL } from '../support/served-pool.ts';
import { addPool } from '../support/vpn.ts';

const ROTATE = { dryRun: false };

describeDatabases('the rotation of the key file', (databases) => {
  let file: string;
  let context: TestContext;

  beforeEach(async () => {
    const folder = await mkdtemp(join(databases.folder, 'keys-'));
    file = join(folder, 'secrets.key');
    context = await databases.context({ config: { secrets: { key_file: file } } });
  });

  const addPools = async () => {
    const privateKeyFile = `${file}.pool`;
    await writeFile(privateKeyFile, POOL.privateKey, { mode: 0o600 });
    await addPool(context, '2a0a:e5c1:200::/40', { privateKeyFile });
    await addPool(context, '2a0a:e5c1:300::/40');
  };
  const read = (name: string) => readFile(name, 'utf8').catch(() => null);
  const sealed = async () => {
    const { kysely } = await context.db();
    return kysely.selectFrom('vpn_pools').select(['id', 'private_key']).orderBy('id').execute();
  };
  /** Key file and database fit: what is stored opens, and what is new is sealed. */
  const expectWorking = async () => {
    const rows = await sealed();
    const database = await context.db();
    await database.read(async (tx) => {
      const opener = await openerFor(tx, file);
      expect(opener.open(rows[0]?.private_key ?? '', poolKeyPlace(1))).toBe(POOL.privateKey);
    });
    await deletePool(context, (await addPool(context, '2a0a:e5c1:400::/40')).id);
    expect((await examine(context)).filter(({ level }) => level === 'error')).toEqual([]);
  };

  it('seals every secret anew, and keeps the old key', async () => {
    await addPools();
    const [key, before] = [await read(file), await sealed()];
    const outcome = {
      keyFile: file,
      oldKeyFile: `${file}.old`,
      secrets: 2,
      hostnames: ['vpn-1.example.net'],
      resumed: false,
    };
    expect(await rotateSecrets(context, { dryRun: true })).toEqual(outcome);
    expect([await read(file), await read(`${file}.new`), await sealed()]).toEqual([key, null, before]);
    expect(await rotateSecrets(context, ROTATE)).toEqual(outcome);
    expect([await read(`${file}.old`), await read(`${file}.new`)]).toEqual([key, null]);
    expect(await read(file)).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(await read(file)).not.toBe(key);
    for (const name of [file, `${file}.old`]) expect((await stat(name)).mode & 0o777).toBe(0o600);
    const after = await sealed();
    expect(after.map(({ id }) => id)).toEqual([1, 2]);
    for (const [at, { private_key }] of after.entries())
      expect(private_key).not.toBe(before[at]?.private_key);
    await rm(`${file}.old`);
    await expectWorking();
  });

  it.runIf(process.getuid?.() === 0).each([
    { uid: 1, gid: 2, mode: 0o600 },
    { uid: 0, gid: 2, mode: 0o640 },
  ])('by root leaves the key file to whom it belongs: %j', async ({ uid, gid, mode }) => {
    await addPools();
    await chown(file, uid, gid);
    await chmod(file, mode);
    await rotateSecrets(context, ROTATE);
    for (const name of [file, `${file}.old`]) {
      expect(await stat(name)).toMatchObject({ uid, gid, mode: 0o100000 | mode });
    }
  });

  it('works again when the old key is put away, and not before', async () => {
    await addPools();
    await rotateSecrets(context, ROTATE);
    const [key, old] = [await read(file), await read(`${file}.old`)];
    await expect(rotateSecrets(context, ROTATE)).rejects.toMatchObject({ code: 'OLD_KEY_KEPT' });
    expect([await read(file), await read(`${file}.old`), await read(`${file}.new`)]).toEqual([
      key,
      old,
      null,
    ]);
    await rename(`${file}.old`, `${file}.2025`);
    await rotateSecrets(context, ROTATE);
    expect(await read(`${file}.old`)).toBe(key);
    await expectWorking();
  });

  it('that was killed before it sealed anything is made with the key it had made', async () => {
    await addPools();
    const key = await read(file);
    const coming = `${Buffer.alloc(32, 7).toString('base64')}\n`;
    await writeFile(`${file}.new`, coming, { mode: 0o600 });
    await expectWorking();
    expect(await rotateSecrets(context, ROTATE)).toMatchObject({ resumed: false });
    expect([await read(file), await read(`${file}.old`), await read(`${file}.new`)]).toEqual([
      coming,
      key,
      null,
    ]);
    await expectWorking();
  });

  it.each([
    ['before it kept the old key', false],
    ['before it put the new key in its place', true],
  ])('that was killed %s is finished by the next one', async (_, isKept) => {
    await addPools();
    const old = await read(file);
    await rotateSecrets(context, ROTATE);
    const key = await read(file);
    const before = await sealed();
    await rename(file, `${file}.new`);
    await (isKept ? copyFile : rename)(`${file}.old`, file);
    await expectWorking();
    const warnings = async () => (await examine(context)).filter(({ level }) => level === 'warning');
    expect(await warnings()).toMatchObject([
      { id: 'secrets', fix: 'Finish it with: uncloud secrets rotate' },
    ]);
    expect(await rotateSecrets(context, { dryRun: true })).toMatchObject({ resumed: true });
    expect(await read(file)).toBe(old);
    expect(await rotateSecrets(context, ROTATE)).toMatchObject({ resumed: true, secrets: 2 });
    expect([await read(file), await read(`${file}.old`), await read(`${file}.new`)]).toEqual([
      key,
      old,
      null,
    ]);
    expect([await sealed(), await warnings()]).toEqual([before, []]);
    await expectWorking();
  });

  it('is not finished over another old key', async () => {
    await addPools();
    await rotateSecrets(context, ROTATE);
    await rename(file, `${file}.new`);
    await rename(`${file}.old`, file);
    const other = `${Buffer.alloc(32, 3).toString('base64')}\n`;
    await writeFile(`${file}.old`, other, { mode: 0o600 });
    const before = [await read(file), await read(`${file}.new`), other];
    await expect(rotateSecrets(context, ROTATE)).rejects.toMatchObject({ code: 'OLD_KEY_KEPT' });
    expect([await read(file), await read(`${file}.new`), await read(`${file}.old`)]).toEqual(before);
    await expectWorking();
  });

  it('leaves a database that was restored from a backup its old key', async () => {
    await addPools();
    const { kysely } = await context.db();
    const pools = await sealed();
    const keys = await kysely.selectFrom('secret_keys').selectAll().execute();
    await rotateSecrets(context, ROTATE);
    for (const { id, private_key } of pools) {
      await kysely.updateTable('vpn_pools').set({ private_key }).where('id', '=', id).execute();
    }
    await kysely
      .updateTable('secret_keys')
      .set({ fingerprint: keys[0]?.fingerprint ?? '' })
      .execute();
    await expectWorking();
    await expect(rotateSecrets(context, ROTATE)).rejects.toMatchObject({ code: 'OLD_KEY_KEPT' });
    await expectWorking();
  });

  it('changes nothing when a secret does not open, and names it', async () => {
    await addPools();
    const [first] = await sealed();
    const { kysely } = await context.db();
    const private_key = first?.private_key ?? '';
    await kysely.updateTable('vpn_pools').set({ private_key }).where('id', '=', 2).execute();
    const [key, before] = [await read(file), await sealed()];
    for (const dryRun of [true, false]) {
      await expect(rotateSecrets(context, { dryRun })).rejects.toMatchObject({
        code: 'SECRET_DAMAGED',
        message: expect.stringMatching(/^pool 2: /) as unknown,
      });
    }
    expect([await read(file), await read(`${file}.old`), await sealed()]).toEqual([key, null, before]);
    await expectWorking();
  });

  it('needs a key that is in use', async () => {
    await expect(rotateSecrets(context, ROTATE)).rejects.toMatchObject({ code: 'NOTHING_SEALED' });
    await addPools();
    await rm(file);
    await expect(rotateSecrets(context, ROTATE)).rejects.toMatchObject({ code: 'SECRET_KEY_MISSING' });
    await writeFile(file, `${Buffer.alloc(32, 1).toString('base64')}\n`, { mode: 0o600 });
    await expect(rotateSecrets(context, ROTATE)).rejects.toMatchObject({ code: 'SECRET_KEY_WRONG' });
    expect([await read(`${file}.new`), await read(`${file}.old`)]).toEqual([null, null]);
    // Nor is a new key taken that the database does not know.
    const [wrong, other] = [await read(file), `${Buffer.alloc(32, 2).toString('base64')}\n`];
    await writeFile(`${file}.new`, other, { mode: 0o600 });
    await expect(rotateSecrets(context, ROTATE)).rejects.toMatchObject({ code: 'SECRET_KEY_WRONG' });
    expect([await read(file), await read(`${file}.new`), await read(`${file}.old`)]).toEqual([
      wrong,
      other,
      null,
    ]);
  });
});
