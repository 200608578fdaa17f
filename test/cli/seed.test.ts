import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Dice } from '../../src/lib/core/dice.ts';
import { seedOrders, seedUsers } from '../../src/lib/core/seed.ts';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases, type TestDatabases } from '../support/databases.ts';

const SIZE = ['--users', '40', '--orders-per-user', '4', '--networks', '60'];

/** Everything a seeded database holds but the trail and the seal, which is another one each time. */
async function contentOf(databases: TestDatabases, url: string, environment: Record<string, string>) {
  const file = join(databases.folder, `${new URL(url).pathname.split('/').pop()}.jsonl`);
  await uncloudJson(['db', 'dump', '--output', file], { url, environment });
  const lines = (await readFile(file, 'utf8')).split('\n').slice(1, -2);
  return lines
    .filter((line) => !/^\{"table":"(audit_entries|secret_keys)"/.test(line))
    .map((line) => line.replace(/"private_key":"[^"]*"/, ''));
}

let first: string[] | undefined;

describeDatabases('db seed', (databases) => {
  it('makes the same rows each time, on either database, which can be billed', async () => {
    const environment = { UNCLOUD_SECRETS_KEY_FILE: join(databases.folder, 'seed.key') };
    const url = await databases.freshUrl();
    const seed = () => uncloudJson(['db', 'seed', ...SIZE], { url, environment });
    expect(await seed()).toMatchObject({
      users: { inserted: 40, unchanged: 0 },
      orders: { inserted: 160, unchanged: 0 },
      networks: { inserted: 60, unchanged: 0 },
    });
    const content = await contentOf(databases, url, environment);
    expect(await seed()).toMatchObject({
      users: { inserted: 0, unchanged: 40 },
      orders: { inserted: 0, unchanged: 160 },
      networks: { inserted: 0, unchanged: 60 },
    });
    first ??= content;
    expect(content).toEqual(first);

    const run = await uncloudJson(['bill', 'generate', '--until', '2025-06-01'], { url, environment });
    expect(run).toMatchObject({ skipped: [] });
    expect(await uncloudJson(['bill', 'verify'], { url, environment })).toMatchObject({ faults: [] });
  });

  it('grows with larger numbers: who has a network keeps it', async () => {
    const environment = { UNCLOUD_SECRETS_KEY_FILE: join(databases.folder, 'grow.key') };
    const url = await databases.freshUrl();
    const seed = (users: number, networks: number) =>
      uncloudJson(
        ['db', 'seed', '--users', `${users}`, '--orders-per-user', '1', '--networks', `${networks}`],
        {
          url,
          environment,
        },
      );
    await seed(3, 5);
    expect(await seed(4, 7)).toMatchObject({
      users: { inserted: 1, unchanged: 3 },
      orders: { inserted: 1, unchanged: 3 },
      networks: { inserted: 2, unchanged: 5 },
    });
    expect(await seed(2, 7)).toMatchObject({ networks: { inserted: 0, unchanged: 7 } });
  });

  it('refuses a database with real people', async () => {
    const url = await databases.freshUrl();
    await uncloud(['bootstrap-user', '--username', 'nico', '--no-ldap'], { url });
    expect(await uncloudJson(['db', 'seed'], { url, code: 1 })).toMatchObject({
      error: { code: 'NOT_TEST_DATA', message: expect.stringContaining('nico') },
    });
  });
});

describe('seeds', () => {
  const size = { users: 200, ordersPerUser: 5, networks: 0, seed: 7 };

  it('give each row by itself: more rows leave the others as they are', () => {
    const more = [...seedUsers({ ...size, users: 300 })];
    expect(more.slice(0, 200)).toEqual([...seedUsers(size)]);
    expect([...seedUsers({ ...size, seed: 8 })]).not.toEqual([...seedUsers(size)]);
  });

  it('have customers in several countries, ended and replaced orders', () => {
    const countries = new Set([...seedUsers(size)].map((line) => JSON.parse(line).country));
    expect([...countries].sort()).toEqual(['AT', 'CH', 'DE', 'EE', 'FR', 'LI', 'PT']);
    const orders = [...seedOrders(size)].map((line) => JSON.parse(line));
    expect(orders).toHaveLength(1000);
    expect(orders.filter(({ replaces }) => replaces !== '').length).toBeGreaterThan(20);
    expect(orders.filter(({ ends_at }) => ends_at !== '').length).toBeGreaterThan(50);
  });

  it('come from dice that are fair enough', () => {
    const dice = new Dice(1, 2, 3);
    const counts = Array<number>(10).fill(0);
    for (let throws = 0; throws < 100_000; throws += 1) {
      const at = dice.below(10);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});
