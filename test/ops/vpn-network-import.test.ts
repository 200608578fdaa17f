import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseReference } from '../../src/lib/core/reference.ts';
import type { ImportOptions } from '../../src/lib/io/import-file.ts';
import { importNetworks as importAll } from '../../src/lib/ops/vpn-network-import.ts';
import { deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { listPools } from '../../src/lib/ops/vpn-pools.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listNetworks } from '../support/lists.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork, addPool, addUser } from '../support/vpn.ts';

const HEADER = 'username,public_key,size,reference';
const DEFAULTS = { partial: false, dryRun: false };
const PARTIAL = { ...DEFAULTS, partial: true };
const EVERY = { username: undefined, poolId: undefined };

const importNetworks = (context: TestContext, file: string, options: Omit<ImportOptions, 'file'>) =>
  importAll(context, { file, ...options });

describeDatabases('network import', (databases) => {
  let files = 0;

  const fileOf = async (...lines: string[]) => {
    files += 1;
    const file = join(databases.folder, `networks-${files}.csv`);
    await writeFile(file, `${lines.join('\n')}\n`);
    return file;
  };
  const world = async (...pools: string[]) => {
    const context = await databases.context();
    await addUser(context);
    await addUser(context, 'ben');
    for (const prefix of pools) await addPool(context, prefix);
    return context;
  };
  const networks = async (context: TestContext) =>
    (await listNetworks(context, EVERY)).map(({ network, username, publicKey, reference }) => [
      network,
      username,
      publicKey,
      reference,
    ]);
  /** The lines, columns and codes that an import refuses, and what it counts. */
  const refusedIn = async (import_: Promise<unknown>) => {
    const result = (await import_.catch((error: unknown) => (error as { data: unknown }).data)) as {
      readonly inserted: number;
      readonly refused: readonly { line: number; field: string | null; code: string }[];
    };
    return [result.inserted, ...result.refused.map(({ line, field, code }) => [line, field, code])];
  };

  it('lends in the order of the rows, and the same file again changes nothing', async () => {
    const context = await world('2a0a:e5c1:200::/46');
    await addPool(context, '2001:db8::/40', { subnetworkSize: 56 });
    for (const number of [100, 101, 102]) await addNetwork(context, testKey(number));
    await deleteNetworks(context, [2]);
    await deleteNetworks(context.at('2025-01-02'), [1]);
    const before = await networks(context);
    const file = await fileOf(
      HEADER,
      `anna,${testKey(1)},,`,
      `ben,${testKey(2)},56,ben-home`,
      `anna,${testKey(3)},48,anna-office`,
      `ben,${testKey(4)},56,`,
      `anna,${testKey(5)},,`,
    );
    const counts = { rows: 5, updated: 0, refused: [], refusedRows: 0 };
    const plan = { ...counts, inserted: 5, unchanged: 0 };
    expect(await importNetworks(context, file, { ...DEFAULTS, dryRun: true })).toEqual(plan);
    expect(await networks(context)).toEqual(before);
    expect(await importNetworks(context, file, DEFAULTS)).toEqual(plan);
    const after = await networks(context);
    expect(after).toEqual([
      ['2a0a:e5c1:200::/48', 'anna', testKey(5), null],
      ['2a0a:e5c1:201::/48', 'anna', testKey(3), 'anna-office'],
      ['2a0a:e5c1:202::/48', 'anna', testKey(102), null],
      ['2a0a:e5c1:203::/48', 'anna', testKey(1), null],
      ['2001:db8::/56', 'ben', testKey(2), 'ben-home'],
      ['2001:db8:0:100::/56', 'ben', testKey(4), null],
    ]);
    expect(await importNetworks(context.at('2026-01-01'), file, DEFAULTS)).toEqual({
      ...counts,
      inserted: 0,
      unchanged: 5,
    });
    expect(await networks(context)).toEqual(after);
    expect((await listPools(context, undefined)).map(({ used }) => used)).toEqual([4n, 2n]);
  });

  it('names every faulty row; nothing is lent then, or with --partial the good rows', async () => {
    const context = await world('2a0a:e5c1:200::/40');
    const [pool] = await listPools(context, undefined);
    await addNetwork(context, testKey(50));
    await addNetwork(context, testKey(51), { reference: parseReference('fifty-one') });
    await addNetwork(context, testKey(52), { reference: parseReference('fifty-two') });
    const before = await networks(context);
    const file = await fileOf(
      HEADER,
      `anna,${testKey(1)},,one`,
      `nobody,${testKey(2)},,`,
      'anna,short,,',
      `anna,${testKey(1)},,`,
      `ben,${testKey(3)},,one`,
      `ben,${testKey(50)},,`,
      `anna,${testKey(50)},,fifty`,
      `anna,${testKey(4)},,fifty-one`,
      `anna,${testKey(52)},48,fifty-two`,
      `anna,${pool?.publicKey},,`,
      `anna,${testKey(5)},/48,`,
      `anna,${testKey(6)},64,`,
      `,${testKey(7)},,`,
      `ben,${testKey(8)}`,
      `ben,${testKey(9)},48,`,
      `anna,${testKey(51)},56,`,
    );
    const refused = [
      [3, 'username', 'UNKNOWN_USER'],
      [4, 'public_key', 'INVALID_KEY'],
      [5, 'public_key', 'DUPLICATE_ROW'],
      [6, 'reference', 'DUPLICATE_ROW'],
      [7, 'public_key', 'KEY_IN_USE'],
      [8, 'public_key', 'DUPLICATE_ROW'],
      [9, 'reference', 'NETWORK_EXISTS'],
      [11, 'public_key', 'KEY_IS_POOLS'],
      [12, 'size', 'INVALID_SIZE'],
      [13, null, 'NO_POOL_OF_SIZE'],
      [14, 'username', 'EMPTY_CELL'],
      [15, null, 'CELL_COUNT'],
      [17, 'public_key', 'KEY_IN_USE'],
    ];
    expect(await refusedIn(importNetworks(context, file, DEFAULTS))).toEqual([0, ...refused]);
    expect(await networks(context)).toEqual(before);
    expect(await refusedIn(importNetworks(context, file, { partial: true, dryRun: true }))).toEqual([
      2,
      ...refused,
    ]);
    expect(await networks(context)).toEqual(before);
    expect(await refusedIn(importNetworks(context, file, PARTIAL))).toEqual([2, ...refused]);
    expect(await networks(context)).toEqual([
      ...before,
      ['2a0a:e5c1:203::/48', 'anna', testKey(1), 'one'],
      ['2a0a:e5c1:204::/48', 'ben', testKey(9), null],
    ]);
  });

  it('fills the pools and refuses the rows for which there is no room', async () => {
    const context = await world('2a0a:e5c1:200::/47', '2a0a:e5c1:300::/48');
    await addNetwork(context, testKey(100), { poolId: 1 });
    await deleteNetworks(context, [1]);
    const file = await fileOf(
      'public_key,username',
      ...Array.from({ length: 5 }, (_, number) => `${testKey(number)},anna`),
    );
    const refused = [
      [5, null, 'POOL_FULL'],
      [6, null, 'POOL_FULL'],
    ];
    expect(await refusedIn(importNetworks(context, file, DEFAULTS))).toEqual([0, ...refused]);
    expect(await networks(context)).toEqual([]);
    expect(await refusedIn(importNetworks(context, file, PARTIAL))).toEqual([3, ...refused]);
    expect((await networks(context)).map(([network, , key]) => [network, key])).toEqual([
      ['2a0a:e5c1:200::/48', testKey(1)],
      ['2a0a:e5c1:201::/48', testKey(0)],
      ['2a0a:e5c1:300::/48', testKey(2)],
    ]);
    expect(await refusedIn(importNetworks(context, file, PARTIAL))).toEqual([0, ...refused]);
  });

  it('of 10,000 rows takes seconds', async () => {
    const context = await world('2a0a:e5c1:200::/43', '2001:db8::/32');
    const file = await fileOf(
      HEADER,
      ...Array.from({ length: 10_000 }, (_, number) => `anna,${testKey(number)},,n-${number}`),
    );
    const start = performance.now();
    expect(await importNetworks(context, file, DEFAULTS)).toMatchObject({ rows: 10_000, inserted: 10_000 });
    expect(await importNetworks(context, file, DEFAULTS)).toMatchObject({ rows: 10_000, unchanged: 10_000 });
    expect(performance.now() - start).toBeLessThan(15_000);
    expect((await listPools(context, undefined)).map(({ used, nextSlot }) => [used, nextSlot])).toEqual([
      [32n, 32n],
      [9968n, 9968n],
    ]);
  });
});
