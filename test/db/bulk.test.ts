import { sql } from 'kysely';
import pg from 'pg';
import { expect, it, vi } from 'vitest';
import { insertRows } from '../../src/lib/io/db/bulk.ts';
import { CopyQuery } from '../../src/lib/io/db/copy-query.ts';
import { together } from '../../src/lib/io/db/database.ts';
import { IdReserve, reserveIds } from '../../src/lib/io/db/ids.ts';
import { describeDatabases } from '../support/databases.ts';

const COLUMNS = { username: 'text', full_name: 'text', is_staff: 'boolean', created_at: 'bigint' } as const;

describeDatabases('rows in bulk', (databases) => {
  it('arrive as they are, few and many', async () => {
    const context = await databases.context();
    const database = await context.db();
    const names = [
      'tab\there',
      'back\\slash',
      'line\nend\r\n',
      '\\N',
      '\\.',
      '',
      'Zoë 🦆',
      '"quoted", \'too\'',
    ];
    for (const count of [names.length, 600]) {
      const rows = Array.from({ length: count }, (_, index) => [
        `user-${count}-${index}`,
        names[index % names.length],
        index % 2 === 0,
        index === 0 ? 2 ** 53 - 1 : -index,
      ]);
      await database.write('people', (tx) => insertRows(tx, 'users', COLUMNS, rows));
      const stored = await database.kysely
        .selectFrom('users')
        .select(['username', 'full_name', 'is_staff', 'created_at'])
        .where('username', 'like', `user-${count}-%`)
        .orderBy('id')
        .execute();
      expect(stored.map((row) => Object.values(row))).toEqual(rows);
    }
  });

  it('keep BigInts of any size to the last digit', async () => {
    const { write, kysely } = await (await databases.context()).db();
    const integers = [
      0n,
      -1n,
      2n ** 53n - 1n,
      2n ** 53n + 1n,
      1n - 2n ** 53n,
      -1n - 2n ** 53n,
      2n ** 63n - 1n,
    ];
    for (const count of [integers.length, 700]) {
      const rows = Array.from({ length: count }, (_, index) => [
        `user-${count}-${index}`,
        '',
        false,
        integers[index % integers.length],
      ]);
      await write('people', (tx) => insertRows(tx, 'users', COLUMNS, rows));
      const stored = await kysely
        .selectFrom('users')
        .select(sql<string>`cast(created_at as text)`.as('created_at'))
        .where('username', 'like', `user-${count}-%`)
        .orderBy('id')
        .execute();
      expect(stored.map(({ created_at }) => created_at)).toEqual(rows.map((row) => String(row[3])));
    }
  });

  it('are all refused for one that breaks a rule, and the connection goes on', async () => {
    const context = await databases.context();
    const { write, kysely } = await context.db();
    const rows = Array.from({ length: 600 }, (_, index) => [`user${index % 599}`, '', false, 0]);
    const others = rows.map((_, index) => [`other${index}`, '', false, 0]);
    const error = await write('people', (tx) =>
      together([insertRows(tx, 'users', COLUMNS, rows), insertRows(tx, 'users', COLUMNS, others)]),
    ).catch((cause) => cause);
    expect(error).toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
    expect(await kysely.selectFrom('users').selectAll().execute()).toEqual([]);
  });

  it('have ids that are given once, whether or not a row takes them', async () => {
    const { write } = await (await databases.context()).db();
    const [first, second] = await write('people', async (tx) => {
      const ids = [await reserveIds(tx, 'users', 2), await reserveIds(tx, 'users', 2)];
      await insertRows(tx, 'users', { id: 'bigint', ...COLUMNS }, [[ids[0]?.[1], 'nico', '', false, 0]]);
      return ids;
    });
    const third = await write('people', (tx) => reserveIds(tx, 'users', 1));
    expect([first, second, third]).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('have ids of a reserve, which asks for those that it lacks', async () => {
    const { write } = await (await databases.context()).db();
    await write('people', async (tx) => {
      const reserve = new IdReserve(tx, 'users');
      await reserve.fill(3);
      expect(await reserve.take(2)).toEqual([1, 2]);
      expect(await together([reserve.fill(2), reserve.take(3), reserve.take(1)])).toEqual([
        undefined,
        [3, 4, 5],
        [6],
      ]);
      expect(await reserve.take(0)).toEqual([]);
      expect(await reserveIds(tx, 'users', 1)).toEqual([7]);
    });
  });

  it('count in the audit trail, those of temporary tables do not', async () => {
    const context = await databases.context();
    const { write, kysely } = await context.db();
    const rows = Array.from({ length: 600 }, (_, index) => [`user${index}`, '', false, 0]);
    await write('people', async (tx) => {
      await insertRows(tx, 'users', COLUMNS, rows);
      await sql`create temporary table staged_texts (text text)`.execute(tx);
      await insertRows(tx, 'staged_texts', { text: 'text' }, [['one']]);
    });
    const entries = await kysely
      .selectFrom('audit_entries')
      .select('counts')
      .where('topic', '=', 'people')
      .execute();
    expect(entries).toEqual([{ counts: '{"users":{"inserted":600}}' }]);
  });

  if (databases.backend === 'sqlite') return;

  it('go out at once, and the next statements behind them, before the server has answered', async () => {
    const { write } = await (await databases.context()).db();
    const rows = (name: string) => Array.from({ length: 600 }, (_, at) => [`${name}${at}`, '', false, 0]);
    const events: string[] = [];
    const { query } = pg.Client.prototype;
    const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
      this: pg.Client,
      ...args: unknown[]
    ) {
      const [statement] = args;
      if (statement instanceof CopyQuery) {
        events.push('rows sent');
        statement.once('end', () => events.push('rows stored'));
      } else if (/ as (behind|farther)/.test(String(statement))) events.push('statement sent');
      return Reflect.apply(query, this, args);
    });
    try {
      await write('people', (tx) =>
        together([
          insertRows(tx, 'users', COLUMNS, rows('ann')),
          insertRows(tx, 'users', COLUMNS, rows('bob')),
          sql`select 1 as behind`.execute(tx),
          sql`select 1 as farther`.execute(tx),
        ]),
      );
    } finally {
      spy.mockRestore();
    }
    expect(events).toEqual([
      'rows sent',
      'rows sent',
      'statement sent',
      'statement sent',
      'rows stored',
      'rows stored',
    ]);
  });

  it('end with a refusal when the connection breaks in the middle', async () => {
    const context = await databases.context();
    const { write } = await context.db();
    const rows = Array.from({ length: 600 }, (_, index) => [`user${index}`, 'x'.repeat(10_000), false, 0]);
    const work = write('people', async (tx) => {
      const { rows: own } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
      const other = await (await databases.context({ url: context.url })).db();
      const copying = insertRows(tx, 'users', COLUMNS, rows);
      await Promise.all([copying, sql`select pg_terminate_backend(${own[0]?.pid})`.execute(other.kysely)]);
      await sql`select 1`.execute(tx);
    });
    await expect(work).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE', exit: 75 });
  });
});
