import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseReference } from '../../src/lib/core/reference.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import type { Context } from '../../src/lib/ops/context.ts';
import { examineData } from '../../src/lib/ops/data-doctor.ts';
import {
  type BulkRequest,
  createNetwork,
  createNetworks,
  deleteNetworks,
  rotateNetworkKey,
  showNetwork,
} from '../../src/lib/ops/vpn-networks.ts';
import { listPools } from '../../src/lib/ops/vpn-pools.ts';
import { describeDatabases } from '../support/databases.ts';
import { listNetworks } from '../support/lists.ts';
import { testKey } from '../support/served-pool.ts';
import { ANNA, addNetwork, addPool, addUser } from '../support/vpn.ts';

const WORKER = fileURLToPath(new URL('../support/vpn-worker.ts', import.meta.url));
/** Set it for a long night. */
const LOAN_HISTORIES = Number(process.env.LOAN_HISTORIES ?? 20);
const EVERY = { username: undefined, poolId: undefined };

async function lend(context: Context, first: number, count: number): Promise<string[]> {
  const networks: string[] = [];
  for (let number = first; number < first + count; number += 1) {
    networks.push((await addNetwork(context, testKey(number))).network);
  }
  return networks;
}

/**
 * Runs processes that each lend networks at the same time, and returns all that came of it. They share their compiled
 * code in a folder: to begin with, it is most of what they do.
 */
async function lendAtOnce(url: string, processes: number, each: number, folder: string): Promise<string[]> {
  const env = { ...process.env, NODE_COMPILE_CACHE: folder };
  const runs = Array.from({ length: processes }, async (_, at) => {
    const args = [WORKER, url, String(at * each), String(each)];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    return JSON.parse(Buffer.concat(chunks).toString()) as string[];
  });
  return (await Promise.all(runs)).flat();
}

describeDatabases('networks', (databases) => {
  const world = async (...pools: string[]) => {
    const context = await databases.context();
    await addUser(context);
    for (const prefix of pools) await addPool(context, prefix);
    return context;
  };

  /** The counters that allocation relies on agree with the rows. */
  const expectSound = async (context: Context) => {
    for (const pool of await listPools(context, undefined)) {
      const networks = await listNetworks(context, { ...EVERY, poolId: pool.id });
      expect(pool.used).toBe(BigInt(networks.length));
      for (const { slot } of networks) expect(slot).toBeLessThan(pool.nextSlot);
    }
  };

  it('are the slots of the pool in order', async () => {
    const context = await world('2a0a:e5c1:200::/40');
    expect(await lend(context, 0, 3)).toEqual([
      '2a0a:e5c1:200::/48',
      '2a0a:e5c1:201::/48',
      '2a0a:e5c1:202::/48',
    ]);
    const { network, pool } = await showNetwork(context, 2);
    expect(network).toMatchObject({ username: 'anna', poolId: 1, slot: 1n, publicKey: testKey(1) });
    expect([pool.id, pool.used, pool.nextSlot]).toEqual([1, 3n, 3n]);
  });

  it('that were given back are lent last, the oldest first', async () => {
    const context = await world('2a0a:e5c1:200::/46');
    await lend(context, 0, 3);
    await deleteNetworks(context.at('2025-01-03'), [1]);
    await deleteNetworks(context.at('2025-01-02'), [3]);
    await expectSound(context);
    expect(await lend(context, 10, 3)).toEqual([
      '2a0a:e5c1:203::/48',
      '2a0a:e5c1:202::/48',
      '2a0a:e5c1:200::/48',
    ]);
    await expect(lend(context, 20, 1)).rejects.toMatchObject({ code: 'POOL_FULL', data: { free: '0' } });
    await expectSound(context);
  });

  it('are lent and taken back in any order as a simple book of slots says', async () => {
    const sizes = [1, 4, 8];
    const step = fc.oneof(
      fc.record({ lend: fc.integer({ min: 1, max: 5 }), poolId: fc.option(fc.integer({ min: 1, max: 3 })) }),
      fc.record({ give: fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 4 }) }),
    );
    const played = async (
      steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
    ) => {
      const context = await world('2a0a:e5c1:100::/48', '2a0a:e5c1:200::/46', '2a0a:e5c1:300::/45');
      /** By pool: what can be lent, in this order. */
      const free = sizes.map((size) => Array.from({ length: size }, (_, slot) => slot));
      const usedShare = (pool: number) => 1 - (free[pool]?.length ?? 0) / (sizes[pool] ?? 1);
      const lent: { id: number; pool: number; slot: number }[] = [];
      let keys = 0;
      let second = 0;
      for (const action of steps) {
        second += 1;
        const now = context.at(`2025-01-01T00:00:${String(second).padStart(2, '0')}Z`);
        if ('give' in action) {
          const given = new Set(action.give.flatMap((pick) => lent[pick % Math.max(1, lent.length)] ?? []));
          await deleteNetworks(
            now,
            [...given].map(({ id }) => id),
          );
          const ofPool = Map.groupBy(given, ({ pool }) => pool);
          for (const [pool, networks] of ofPool) {
            free[pool]?.push(...networks.map(({ slot }) => slot).sort((a, b) => a - b));
          }
          lent.splice(0, lent.length, ...lent.filter((network) => !given.has(network)));
          continue;
        }
        const file = join(databases.folder, 'book.keys');
        const publicKeys = Array.from({ length: action.lend }, () => testKey(keys++));
        await writeFile(file, publicKeys.join('\n'));
        const pools = action.poolId === null ? [0, 1, 2] : [action.poolId - 1];
        const expected: (readonly [number, number])[] = [];
        const room = pools.reduce((sum, pool) => sum + (free[pool]?.length ?? 0), 0);
        for (let count = 0; room >= action.lend && count < action.lend; count += 1) {
          const open = pools.filter((pool) => free[pool]?.length !== 0);
          const pool = open.reduce((best, other) => (usedShare(other) > usedShare(best) ? other : best));
          expected.push([pool, free[pool]?.shift() ?? -1]);
        }
        const request = {
          username: ANNA,
          size: 48,
          poolId: action.poolId,
          publicKeysFile: file,
          count: null,
        };
        const made = createNetworks(now, request);
        if (room < action.lend) {
          await expect(made).rejects.toMatchObject({ code: 'POOL_FULL', data: { free: String(room) } });
          continue;
        }
        const networks = (await made).map(({ id, poolId, slot }) => ({
          id,
          pool: poolId - 1,
          slot: Number(slot),
        }));
        expect(networks.map(({ pool, slot }) => [pool, slot])).toEqual(expected);
        lent.push(...networks);
      }
      await expectSound(context);
      expect((await examineData(context)).filter(({ level }) => level !== 'ok')).toEqual([]);
      await (await context.db()).close();
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), played), { numRuns: LOAN_HISTORIES });
  }, 120_000);

  it('come from the fullest pool, then from the next, and a full one names what is free elsewhere', async () => {
    const context = await world('2a0a:e5c1:200::/47', '2a0a:e5c1:300::/46');
    await addPool(context, '2a0a:e5c1:400::/40', { subnetworkSize: 56 });
    await addNetwork(context, testKey(0), { poolId: 2 });
    expect(await lend(context, 1, 5)).toEqual([
      '2a0a:e5c1:301::/48',
      '2a0a:e5c1:302::/48',
      '2a0a:e5c1:303::/48',
      '2a0a:e5c1:200::/48',
      '2a0a:e5c1:201::/48',
    ]);
    await expect(addNetwork(context, testKey(9))).rejects.toMatchObject({
      code: 'POOL_FULL',
      data: { free: '0', elsewhere: [{ pool_id: 3, size: 56, free: '65536' }] },
    });
    expect((await addNetwork(context, testKey(9), { size: 56 })).network).toBe('2a0a:e5c1:400::/56');
    await expectSound(context);
  });

  it('refuse a key in use, the key of a pool, and a user or a pool that is not there', async () => {
    const context = await world('2a0a:e5c1:200::/40');
    const [pool] = await listPools(context, undefined);
    await lend(context, 0, 1);
    await expect(addNetwork(context, testKey(0))).rejects.toMatchObject({
      code: 'KEY_IN_USE',
      data: { network_id: 1 },
    });
    await expect(addNetwork(context, pool?.publicKey ?? testKey(0))).rejects.toMatchObject({
      code: 'KEY_IS_POOLS',
      data: { pool_id: 1 },
    });
    const username = parseUsername('nobody');
    await expect(addNetwork(context, testKey(1), { username })).rejects.toMatchObject({
      code: 'UNKNOWN_USER',
    });
    await expect(addNetwork(context, testKey(1), { poolId: 9 })).rejects.toMatchObject({
      code: 'UNKNOWN_POOL',
    });
    await expect(listNetworks(context, { ...EVERY, username })).rejects.toMatchObject({
      code: 'UNKNOWN_USER',
    });
    await expect(listNetworks(context, { ...EVERY, poolId: 9 })).rejects.toMatchObject({
      code: 'UNKNOWN_POOL',
    });
    await expect(showNetwork(context, 9)).rejects.toMatchObject({ code: 'UNKNOWN_NETWORK' });
    await expect(deleteNetworks(context, [9])).rejects.toMatchObject({ code: 'UNKNOWN_NETWORK' });
    expect(await listNetworks(context, EVERY)).toHaveLength(1);
  });

  it('with a reference are lent once', async () => {
    const context = await world('2a0a:e5c1:200::/40');
    await addPool(context, '2a0a:e5c1:300::/40');
    await addUser(context, 'ben');
    const reference = parseReference('anna-vpn');
    const request = { username: ANNA, publicKey: testKey(0), size: null, poolId: null, reference };
    const first = await createNetwork(context, request);
    expect(first).toMatchObject({ created: true, network: { reference: 'anna-vpn' } });
    const again = await createNetwork(context.at('2026-01-01'), { ...request, size: 48, poolId: 1 });
    expect(again).toEqual({ ...first, created: false });
    const others = { username: parseUsername('ben'), publicKey: testKey(1), size: 56, poolId: 2, reference };
    await expect(createNetwork(context, others)).rejects.toMatchObject({
      code: 'NETWORK_EXISTS',
      data: { network_id: 1, differences: ['its user', 'its public key', 'its size', 'its pool'] },
    });
  });

  it('get another key and stay what they are otherwise', async () => {
    const context = await world('2a0a:e5c1:200::/40');
    await lend(context, 0, 2);
    const { network: before, pool } = await showNetwork(context, 1);
    const rotated = await rotateNetworkKey(context.at('2026-01-01'), 1, testKey(9));
    expect(rotated).toEqual({ network: { ...before, publicKey: testKey(9) }, changed: true });
    expect((await showNetwork(context, 1)).network).toEqual(rotated.network);
    expect(await rotateNetworkKey(context, 1, testKey(9))).toEqual({ ...rotated, changed: false });
    await expect(rotateNetworkKey(context, 1, testKey(1))).rejects.toMatchObject({
      code: 'KEY_IN_USE',
      data: { network_id: 2 },
    });
    await expect(rotateNetworkKey(context, 1, pool.publicKey)).rejects.toMatchObject({
      code: 'KEY_IS_POOLS',
    });
    await expect(rotateNetworkKey(context, 3, testKey(5))).rejects.toMatchObject({ code: 'UNKNOWN_NETWORK' });
    expect((await addNetwork(context, testKey(0))).network).toBe('2a0a:e5c1:202::/48');
    await expectSound(context);
  });

  it('are taken back many at once, all or none', async () => {
    const context = await world('2a0a:e5c1:200::/40', '2a0a:e5c1:300::/40');
    await lend(context, 0, 4);
    const everything = await listNetworks(context, EVERY);
    await expect(deleteNetworks(context, [1, 9, 2])).rejects.toMatchObject({
      code: 'UNKNOWN_NETWORK',
      message: 'There is no network "9".',
    });
    expect(await deleteNetworks(context, [3, 1, 3], { dryRun: true })).toEqual([
      everything[0],
      everything[2],
    ]);
    expect(await listNetworks(context, EVERY)).toEqual(everything);
    expect((await deleteNetworks(context, [3, 1, 3])).map(({ id }) => id)).toEqual([1, 3]);
    expect(await listNetworks(context, EVERY)).toEqual([everything[1], everything[3]]);
    await expectSound(context);
  });

  it('are lent in bulk for the keys of a file, all or none', async () => {
    const context = await world('2a0a:e5c1:200::/40', '2a0a:e5c1:300::/47');
    const file = join(databases.folder, 'keys.txt');
    const write = (numbers: number[]) =>
      writeFile(
        file,
        `# clients\n\n${numbers.map((number) => `${testKey(number)} # ${number}\r\n`).join('')}`,
      );
    const request: BulkRequest = {
      username: ANNA,
      size: null,
      poolId: null,
      publicKeysFile: file,
      count: null,
    };
    await write([5, 3, 4]);
    const networks = await createNetworks(context, { ...request, count: 3 });
    expect(networks.map(({ network, publicKey }) => [network, publicKey])).toEqual([
      ['2a0a:e5c1:200::/48', testKey(5)],
      ['2a0a:e5c1:201::/48', testKey(3)],
      ['2a0a:e5c1:202::/48', testKey(4)],
    ]);
    await write([6, 7, 4]);
    await expect(createNetworks(context, request)).rejects.toMatchObject({
      code: 'KEY_IN_USE',
      data: { network_id: 3 },
    });
    await write([6, 7, 6]);
    await expect(createNetworks(context, request)).rejects.toMatchObject({
      code: 'DUPLICATE_ROW',
      message: expect.stringContaining('line 5: ') as unknown,
      data: { first_line: 3 },
    });
    await write([6]);
    await expect(createNetworks(context, { ...request, count: 2 })).rejects.toMatchObject({
      code: 'PUBLIC_KEY_COUNT',
    });
    await write([]);
    await expect(createNetworks(context, request)).rejects.toMatchObject({ code: 'PUBLIC_KEY_COUNT' });
    await writeFile(file, `${testKey(6)}\n${'#'.repeat(200_000)}\n${testKey(7)}x`);
    await expect(createNetworks(context, request)).rejects.toMatchObject({
      code: 'INVALID_KEY',
      message: `${file}, line 3: The text given is not a WireGuard public key: its length is 45 and not 44.`,
    });
    expect(await listNetworks(context, EVERY)).toHaveLength(3);
    await write(Array.from({ length: 255 }, (_, number) => number + 100));
    const many = await createNetworks(context, request);
    expect(many.map(({ poolId }) => poolId).filter((id) => id === 2)).toHaveLength(2);
    expect(many.map(({ publicKey }) => publicKey)).toEqual(many.map((_, number) => testKey(number + 100)));
    await expectSound(context);
  });

  // SQLite lets one writer in at a time and makes the others ask again and again; PostgreSQL queues them.
  const processes = databases.backend === 'sqlite' ? 16 : 32;

  it(`are never lent twice by ${processes} processes at once`, async () => {
    const context = await world('2a0a:e5c1::/36');
    const count = processes * 25;
    const lent = await lendAtOnce(context.url, processes, 25, databases.folder);
    expect(lent.filter((network) => !network.endsWith('::/48'))).toEqual([]);
    expect(new Set(lent).size).toBe(count);
    expect((await listNetworks(context, EVERY)).map(({ slot }) => slot)).toEqual(
      Array.from({ length: count }, (_, slot) => BigInt(slot)),
    );
    await expectSound(context);
  }, 180_000);

  it('of a pool of 256 go to exactly 256 of 300 requests', async () => {
    const context = await world('2a0a:e5c1:200::/40');
    const outcomes = await lendAtOnce(context.url, 6, 50, databases.folder);
    const networks = outcomes.filter((outcome) => outcome.endsWith('/48'));
    expect(new Set(networks).size).toBe(256);
    expect(outcomes.filter((outcome) => outcome === 'POOL_FULL')).toHaveLength(44);
    await expectSound(context);
  });
});
