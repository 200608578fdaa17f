import { sql, type Transaction } from 'kysely';
import { expect, it } from 'vitest';
import { readPages } from '../../src/lib/io/db/pages.ts';
import type { Schema } from '../../src/lib/io/db/schema.ts';
import { describeDatabases } from '../support/databases.ts';

/** The numbers from 1 to `count`, as rows. */
function numbersTo(tx: Transaction<Schema>, count: number) {
  return tx
    .withRecursive('numbers(n)', (db) =>
      db
        .selectNoFrom(sql<number>`1`.as('n'))
        .unionAll(db.selectFrom('numbers').select(sql<number>`n + 1`.as('n')).where('n', '<', count)),
    )
    .selectFrom('numbers')
    .select('n')
    .where('n', '<=', count);
}

describeDatabases('what a query finds', (databases) => {
  it('is handed on in pages, none of them empty', async () => {
    const database = await (await databases.context()).db();
    const pages = async (count: number) => {
      const found: number[][] = [];
      const take = async (page: readonly number[]) => found.push([...page]) > 0;
      await database.read((tx) => readPages(numbersTo(tx, count), ({ n }) => n, take));
      return found.map((page) => [page.length, page[0], page.at(-1)]);
    };
    expect(await pages(0)).toEqual([]);
    expect(await pages(1)).toEqual([[1, 1, 1]]);
    expect(await pages(1_000)).toEqual([[1_000, 1, 1_000]]);
    expect(await pages(2_001)).toEqual([
      [1_000, 1, 1_000],
      [1_000, 1_001, 2_000],
      [1, 2_001, 2_001],
    ]);
  });

  it('is read no further than it is wanted, and the transaction goes on', async () => {
    const database = await (await databases.context()).db();
    const [pages, rest] = await database.read(async (tx) => {
      let taken = 0;
      for (const _ of ['first', 'second']) {
        await readPages(
          numbersTo(tx, 1_000_000_000),
          ({ n }) => n,
          async () => {
            taken += 1;
            return false;
          },
        );
      }
      return [taken, await numbersTo(tx, 2).execute()];
    });
    expect(pages).toBe(2);
    expect(rest).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('ends with the refusal of the database where that fails midway', async () => {
    const database = await (await databases.context()).db();
    const taken: number[] = [];
    const work = database.read((tx) => {
      const broken =
        database.backend === 'sqlite' ? sql<number>`abs(-9223372036854775807 - 1)` : sql<number>`1 / (n - n)`;
      const query = numbersTo(tx, 2_000).select((eb) =>
        eb.case().when('n', '<', 1_500).then(eb.ref('n')).else(broken).end().as('value'),
      );
      return readPages(
        query,
        ({ value }) => value,
        async (page) => taken.push(page.length) > 0,
      );
    });
    await expect(work).rejects.toThrow(/overflow|division by zero/);
    expect(taken).toEqual([1_000]);
  });
});
