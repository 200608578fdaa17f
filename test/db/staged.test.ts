import { expect, it } from 'vitest';
import { FileKeys } from '../../src/lib/io/db/staged.ts';
import { describeDatabases } from '../support/databases.ts';

describeDatabases('the keys of a file', (databases) => {
  // The arrays of an empty index take 98,304 bytes.
  it.each([0, 100_000, 2 ** 24])('are told apart with %d bytes of memory', async (mostBytes) => {
    const database = await (await databases.context()).db();
    const rows = Array.from({ length: 9000 }, (_, at) => ({ key: `key-${at % 7000}`, line: at + 2 }));
    const { repeated, lines } = await database.write('people', async (tx) => {
      const keys = new FileKeys(tx, 'keys', mostBytes);
      const found = [];
      for (let start = 0; start < rows.length; start += 500) {
        found.push(...(await keys.add(rows.slice(start, start + 500))));
      }
      return { repeated: found, lines: await keys.find(['key-0', 'key-6999', 'key-7000']) };
    });
    expect(repeated).toEqual(Array.from({ length: 2000 }, (_, at) => [at + 7002, at + 2]));
    expect([...lines]).toEqual([
      ['key-0', 2],
      ['key-6999', 7001],
    ]);
  });
});
