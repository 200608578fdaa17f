import { createHash } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { parseDatabaseUrl } from '../../src/lib/core/database-url.ts';
import { instant, parseInstant } from '../../src/lib/core/instant.ts';
import type { AuditFilter } from '../../src/lib/io/db/audit.ts';
import { openDatabase } from '../../src/lib/io/db/open.ts';
import { listAuditEntries } from '../../src/lib/ops/audit.ts';
import { migrate } from '../../src/lib/ops/migrations.ts';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';

describeDatabases('the audit trail', (databases) => {
  const entriesOf = async (context: TestContext) => {
    const { kysely } = await context.db();
    const entries = kysely.selectFrom('audit_entries').selectAll().where('topic', '<>', 'migrations');
    return entries.orderBy('id').execute();
  };

  it('holds one entry for each transaction that changed something, and none for the others', async () => {
    const context = await databases.context({ now: '2025-03-01T12:00:00Z' });
    const database = await context.db();
    await database.write('people', async (tx) => {
      const users = ['ada', 'bob'].map((username) => ({ username, created_at: 0 }));
      await tx.insertInto('users').values(users).execute();
      await tx.insertInto('recurring_periods').values({ name: 'x', seconds: 7 }).returning('id').execute();
      await tx.updateTable('users').set({ email: 'x@example.org' }).where('username', '=', 'ada').execute();
      await tx.deleteFrom('users').where('username', '=', 'bob').execute();
      await sql`update users set full_name = 'Ada' where username = 'ada'`.execute(tx);
    });
    await database.write('people', async (tx) => {
      await tx.selectFrom('users').selectAll().execute();
      await tx.deleteFrom('users').where('username', '=', 'nobody').execute();
    });
    await database
      .write('people', async (tx) => {
        await tx.insertInto('users').values({ username: 'eve', created_at: 0 }).execute();
        throw new RangeError('stop');
      })
      .catch(() => {});
    const [entry, ...more] = await entriesOf(context);
    expect(more).toEqual([]);
    expect(entry).toMatchObject({
      topic: 'people',
      position: 1,
      at: context.now,
      os_user: userInfo().username,
      database_role: databases.backend === 'sqlite' ? null : 'postgres',
      host: hostname(),
      command: 'test',
      counts: '{"recurring_periods":{"inserted":1},"users":{"deleted":1,"inserted":2,"updated":2}}',
      result: 'done',
      previous_hash: '0'.repeat(64),
    });
  });

  it('is a chain within each topic that anybody can recompute, however many write at once', async () => {
    const context = await databases.context();
    // Within one process SQLite's own waiting would stop the event loop, and with it the writer that is waited for.
    const others =
      databases.backend === 'sqlite'
        ? Array.from({ length: 8 }, () => context)
        : await Promise.all(Array.from({ length: 8 }, () => databases.context({ url: context.url })));
    await Promise.all(
      others.flatMap((other, writer) =>
        Array.from({ length: 12 }, async (_, index) => {
          const database = await other.db();
          const topic = (['people', 'bills', 'vpn'] as const)[(writer + index) % 3] ?? 'people';
          const insert = (tx: typeof database.kysely) =>
            tx
              .insertInto('users')
              .values({ username: `u${writer}-${index}`, created_at: 0 })
              .execute();
          if (topic === 'bills') await database.writeInBatches(topic, (batch) => batch(insert));
          else await database.write(topic, insert);
        }),
      ),
    );
    const entries = await entriesOf(context);
    expect(entries).toHaveLength(96);
    for (const chain of Map.groupBy(entries, ({ topic }) => topic).values()) {
      let previous = '0'.repeat(64);
      for (const [index, { id: _, hash, ...entry }] of chain.entries()) {
        expect(entry).toMatchObject({ position: index + 1, previous_hash: previous });
        // As docs/audit.md says: SHA-256 of the entry as JSON, keys in order, without id and hash.
        const document = {
          at: new Date(entry.at * 1000).toISOString().replace('.000Z', 'Z'),
          command: entry.command,
          counts: JSON.parse(entry.counts),
          database_role: entry.database_role,
          host: entry.host,
          os_user: entry.os_user,
          position: entry.position,
          previous_hash: entry.previous_hash,
          result: entry.result,
          sudo_user: entry.sudo_user,
          topic: entry.topic,
        };
        expect(hash).toBe(createHash('sha256').update(JSON.stringify(document)).digest('hex'));
        previous = hash;
      }
    }
  });

  it('is append-only', async () => {
    const { kysely } = await (await databases.context()).db();
    await expect(kysely.deleteFrom('audit_entries').execute()).rejects.toThrow('append-only');
    await expect(kysely.updateTable('audit_entries').set({ command: '' }).execute()).rejects.toThrow(
      'append-only',
    );
  });

  it('records the command line, who ran it and who they were before sudo, without a password', async () => {
    const url = await databases.freshUrl();
    await uncloudJson(['bootstrap-user', '--username', 'ada', '--full-name', "Ada O'Neil", '--no-ldap'], {
      url,
      environment: { SUDO_USER: 'grace' },
    });
    await uncloud(['bootstrap-user', '--username', 'ada', '--no-ldap'], { url });
    const description = 'from https://ada:secret@example.org/';
    await uncloudJson(['product', 'create', 'vm', '--recurring-price', '1', '--description', description], {
      url,
    });
    const entries = await entriesOf(await databases.context({ url }));
    expect(entries.map(({ command, sudo_user }) => ({ command, sudo_user }))).toEqual([
      {
        command: `bootstrap-user --username ada --full-name 'Ada O'\\''Neil' --no-ldap --json`,
        sudo_user: 'grace',
      },
      {
        command: `product create vm --recurring-price 1 --description 'from https://ada@example.org/' --json`,
        sudo_user: null,
      },
    ]);
  });

  it('records migrations where it is there itself', async () => {
    const url = await databases.emptyUrl();
    await uncloudJson(['migrate'], { url });
    await uncloudJson(['migrate'], { url });
    const context = await databases.context({ url });
    const { kysely } = await context.db();
    const migrations = () =>
      kysely.selectFrom('audit_entries').select(['topic', 'command']).orderBy('id').execute();
    expect(await migrations()).toEqual([{ topic: 'migrations', command: 'migrate --json' }]);
    await uncloudJson(['migrate', '--to', '0009', '--yes'], { url });
    await uncloudJson(['migrate'], { url });
    expect(await migrations()).toHaveLength(1);
  });

  it('is listed newest last, by time, account, machine and command', async () => {
    const url = await databases.emptyUrl();
    const at = async (time: string, command: string, username: string) => {
      const author = {
        at: parseInstant(time, instant(0)),
        osUser: 'root',
        sudoUser: username,
        host: 'main',
        command,
      };
      const database = await openDatabase(parseDatabaseUrl(url), author, { create: true, anySchema: true });
      if (command === 'migrate')
        await migrate({ ...(await databases.context({ url })), db: async () => database }, undefined);
      else {
        await database.write('people', (tx) =>
          tx.insertInto('users').values({ username, created_at: 0 }).execute(),
        );
      }
      await database.close();
    };
    await at('2025-01-01', 'migrate', 'ada');
    await at('2025-02-01', 'user import 😀.csv -q', 'ada');
    await at('2025-03-01', 'user importx', 'bob');
    const context = await databases.context({ url });
    const listed = async (filter: Partial<AuditFilter>) =>
      (await listAuditEntries(context, { limit: 100, ...filter })).map(({ command }) => command);
    expect(await listed({})).toEqual(['migrate', 'user import 😀.csv -q', 'user importx']);
    expect(await listed({ limit: 2 })).toEqual(['user import 😀.csv -q', 'user importx']);
    expect(await listed({ from: parseInstant('2025-02-01', context.now) })).toHaveLength(2);
    expect(await listed({ to: parseInstant('2025-02-01', context.now) })).toEqual(['migrate']);
    expect(await listed({ user: 'bob' })).toEqual(['user importx']);
    expect(await listed({ user: 'root' })).toHaveLength(3);
    expect(await listed({ host: 'main', command: 'user import' })).toEqual(['user import 😀.csv -q']);
    expect(await listed({ command: 'user import 😀.csv' })).toHaveLength(1);
    expect(await listed({ host: 'Main' })).toEqual([]);
    const { stdout } = await uncloud(['audit', 'list', '--limit', '1'], { url });
    expect(stdout).toBe(
      'AT                    USER         HOST  CHANGES            COMMAND\n' +
        '2025-03-01T00:00:00Z  bob as root  main  users: 1 inserted  user importx\n',
    );
  });
});
