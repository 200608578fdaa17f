import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseGroupName } from '../../src/lib/core/group.ts';
import { parseServiceName } from '../../src/lib/core/service.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { discardBills } from '../../src/lib/ops/drafts.ts';
import { dumpDatabase, loadDatabase } from '../../src/lib/ops/dump.ts';
import { addMember, createGroup } from '../../src/lib/ops/groups.ts';
import { createService } from '../../src/lib/ops/services.ts';
import { deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext, type TestDatabases } from '../support/databases.ts';
import { listBills } from '../support/lists.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork, addPool } from '../support/vpn.ts';

const NOW = '2025-02-01';
let count = 0;

/** Customers with issued bills and a draft, a pool with a network given back, a group and a service account. */
async function world(databases: TestDatabases): Promise<TestContext> {
  const context = await openWithCustomers(await databases.context({ now: NOW }), 6);
  await generateBills(context, { draft: false, dryRun: false });
  await generateBills(context.at('2025-03-05'), { draft: true, dryRun: false });
  await addPool(context);
  for (const number of [1, 2, 3]) {
    await addNetwork(context, testKey(number), { username: parseUsername(`u${number}`) });
  }
  await deleteNetworks(context, [2]);
  const name = parseGroupName('Zürich "AG"\\');
  await createGroup(context, { name, owner: parseUsername('u1') });
  await addMember(context, name, { username: parseUsername('u2'), isAdmin: true });
  await createService(context, { name: parseServiceName('controller'), secretFile: null });
  return context;
}

async function dumped(context: TestContext, databases: TestDatabases): Promise<string> {
  count += 1;
  const file = join(databases.folder, `dump-${count}.jsonl`);
  await dumpDatabase(context, file);
  return file;
}

/** The lines of a dump but for the audit trail, to which loading adds, and the last one, which counts it. */
async function linesOf(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter(Boolean);
  return lines.slice(0, -1).filter((line) => !line.startsWith('{"table":"audit_entries"'));
}

describeDatabases('a dump', (from) => {
  describeDatabases('loaded into', (into) => {
    it('is the same database: the same dump, the same keys, the same bills to come', async () => {
      const source = await world(from);
      const file = await dumped(source, from);
      const target = await into.context({
        now: NOW,
        config: { secrets: { key_file: source.config['secrets.key_file'] } },
      });
      const { rows, sealed } = await loadDatabase(target, file, { dryRun: false });
      expect(sealed).toBeNull();
      expect(rows).toMatchObject({
        users: 6,
        vpn_networks: 2,
        vpn_released_slots: 1,
        groups: 1,
        services: 1,
      });
      expect(await linesOf(await dumped(target, into))).toEqual(await linesOf(file));

      const { kysely } = await target.db();
      const entries = await kysely
        .selectFrom('audit_entries')
        .select(['topic', 'counts'])
        .orderBy('id')
        .execute();
      expect(entries.at(-1)?.topic).toBe('migrations');
      expect(JSON.parse(entries.at(-1)?.counts ?? '')).toMatchObject({ users: { inserted: 6 } });

      for (const context of [source, target]) {
        for (const { id, number } of await listBills(context)) {
          if (number === null) await discardBills(context, [id]);
        }
        await generateBills(context.at('2025-04-01'), { draft: false, dryRun: false });
        await addNetwork(context, testKey(4), { username: parseUsername('u4') });
      }
      expect(await linesOf(await dumped(target, into))).toEqual(await linesOf(await dumped(source, from)));
    });
  });

  it('is a private file, and never overwrites one', async () => {
    const context = await from.context();
    const file = await dumped(context, from);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await expect(dumpDatabase(context, file)).rejects.toMatchObject({ code: 'FILE_EXISTS' });
  });

  it('names the key file that is missing', async () => {
    const file = await dumped(await world(from), from);
    const config = { secrets: { key_file: join(from.folder, 'nowhere.key') } };
    const { sealed } = await loadDatabase(await from.context({ config }), file, { dryRun: false });
    expect(sealed).toMatchObject({ code: 'SECRET_KEY_MISSING' });
  });

  it('is refused unless it is whole, and then nothing is loaded', async () => {
    const file = await dumped(await world(from), from);
    const text = await readFile(file, 'utf8');
    const lines = text.split('\n').filter(Boolean);
    const faulty: [string, string, object][] = [
      ['empty', '', { code: 'INVALID_DUMP' }],
      ['no dump', '{}\n', { code: 'INVALID_DUMP', data: { line: 1 } }],
      ['no version', text.replace('"version":1', '"version":{"toString":1}'), { code: 'INVALID_DUMP' }],
      ['no names', text.replace('"0001_users"', '{"toString":1}'), { code: 'INVALID_DUMP' }],
      ['version', text.replace('"version":1', '"version":2'), { code: 'DUMP_VERSION' }],
      ['schema', text.replace('"0001_users",', ''), { code: 'DUMP_SCHEMA' }],
      ['cut off', `${lines.slice(0, 20).join('\n')}\n`, { code: 'INVALID_DUMP', data: { line: 20 } }],
      ['cut in a line', text.slice(0, -100), { code: 'INVALID_DUMP' }],
      ['changed', text.replace('"u1"', '"u7"'), { code: 'INVALID_DUMP', data: { line: lines.length } }],
      ['twice', text + text, { code: 'INVALID_DUMP', data: { line: lines.length } }],
      ['a line less', [...lines.slice(0, 5), ...lines.slice(6)].join('\n'), { code: 'INVALID_DUMP' }],
      [
        'unknown table',
        text.replace('"table":"users"', '"table":"schema_migrations"'),
        { code: 'INVALID_DUMP' },
      ],
      ['unknown column', text.replace('"username":', '"name":'), { code: 'INVALID_DUMP' }],
      ['a column less', text.replace('"username":"u1",', ''), { code: 'INVALID_DUMP' }],
      ['an object', text.replace('"u1"', '{"__proto__":1}'), { code: 'INVALID_DUMP' }],
      ['a fraction', text.replace('"owner_id":1', '"owner_id":1.5'), { code: 'INVALID_DUMP' }],
      ['an owner who is not there', text.replace('"owner_id":1', '"owner_id":99'), expect.anything()],
    ];
    const context = await from.context();
    for (const [name, content, refusal] of faulty) {
      expect(content, name).not.toBe(text);
      await writeFile(`${file}.faulty`, content);
      await expect(loadDatabase(context, `${file}.faulty`, { dryRun: false }), name).rejects.toMatchObject(
        refusal,
      );
    }
    const { kysely } = await context.db();
    expect(await kysely.selectFrom('users').select('id').execute()).toEqual([]);
    expect(await loadDatabase(context, file, { dryRun: true })).toMatchObject({ rows: { users: 6 } });
    await loadDatabase(context, file, { dryRun: false });
    await expect(loadDatabase(context, file, { dryRun: false })).rejects.toMatchObject({
      code: 'DATABASE_NOT_EMPTY',
      data: { tables: expect.arrayContaining(['users', 'bills']) },
    });
  });

  it('leaves what guards the database in force', async () => {
    const context = await from.context({ now: NOW });
    await loadDatabase(context, await dumped(await world(from), from), { dryRun: false });
    const { kysely } = await context.db();
    const change = kysely.updateTable('bills').set({ net: 1 }).where('number', '=', 1).execute();
    await expect(change).rejects.toThrow();
    await expect(kysely.deleteFrom('audit_entries').execute()).rejects.toThrow('append-only');
  });
});
