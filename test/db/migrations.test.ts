import { expect, it } from 'vitest';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';

describeDatabases('migrate', (databases) => {
  it('creates the schema once, however many run at the same time', async () => {
    const url = await databases.emptyUrl();
    const outcomes = await Promise.all(Array.from({ length: 16 }, () => uncloud(['migrate'], { url })));
    expect(outcomes.map(({ code, stderr }) => ({ code, stderr })).filter(({ code }) => code !== 0)).toEqual(
      [],
    );
    expect(outcomes.filter(({ stdout }) => stdout.includes('applied 0001_users'))).toHaveLength(1);
    const again = await uncloudJson(['migrate', '--list', '--exit-code'], { url });
    expect(again).toMatchObject({ backend: databases.backend, pending: [] });
  });

  it('goes back to nothing and forward again to the same schema', async () => {
    const url = await databases.freshUrl();
    expect((await uncloud(['migrate', '--to', 'zero'], { url })).code).toBe(2);
    await uncloudJson(['migrate', '--to', 'zero', '--yes'], { url });
    const script = await uncloud(['migrate', '--sql'], { url });
    expect(script.stdout).toContain('create table users');
    await uncloudJson(['migrate'], { url });
    expect(await uncloudJson(['migrate', '--list', '--exit-code'], { url })).toMatchObject({ pending: [] });
  });

  it('takes the beginning of a name, unless it is that of several', async () => {
    const url = await databases.freshUrl();
    const refused = async (to: string) =>
      (await uncloudJson(['migrate', '--to', to], { url, code: 1 })).error;
    expect(await refused('000')).toMatchObject({
      code: 'AMBIGUOUS_MIGRATION',
      matches: expect.arrayContaining(['0001_users', '0009_vpn_hosts']),
      hint: 'Name one of them, for example with: uncloud migrate --to 0001_users',
    });
    expect(await refused('9')).toMatchObject({ code: 'UNKNOWN_MIGRATION' });
    expect(await uncloudJson(['migrate', '--to', '0001', '--dry-run'], { url })).toMatchObject({
      pending: [],
    });
  });

  it('refuses a migration that was applied in another form', async () => {
    const url = await databases.freshUrl();
    const context = await databases.context({ url });
    const { kysely } = await context.db();
    await kysely
      .updateTable('schema_migration_checksums')
      .set({ checksum: 'x' })
      .where('name', '=', '0004_orders')
      .execute();
    const { error } = await uncloudJson(['migrate'], { url, code: 1 });
    expect(error).toMatchObject({ code: 'MIGRATION_CHANGED', exit: 1 });
  });

  it('refuses a database of a newer version, and one without a schema', async () => {
    const url = await databases.freshUrl();
    const context = await databases.context({ url });
    const { kysely } = await context.db();
    await kysely.insertInto('schema_migrations').values({ name: '9999_future', timestamp: '' }).execute();
    expect((await uncloudJson(['migrate'], { url, code: 1 })).error).toMatchObject({ code: 'SCHEMA_NEWER' });
  });
});
