import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { parsePrefix } from '../../src/lib/core/parse-prefix.ts';
import { firstAddressHex, lastAddressHex } from '../../src/lib/core/prefix.ts';
import { deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork, addPool, addUser } from '../support/vpn.ts';

/** What stands between a mistake in the program, or SQL typed by hand, and two clients with one network. */
describeDatabases('the database itself', (databases) => {
  let context: TestContext;
  beforeEach(async () => {
    context = await databases.context();
    await addUser(context);
    await addPool(context);
    await addNetwork(context, testKey(0));
  });

  const insertPool = async (network: string, replaced: Record<string, unknown> = {}) => {
    const { kysely } = await context.db();
    const prefix = parsePrefix(network);
    const row = {
      network,
      first_address: firstAddressHex(prefix),
      last_address: lastAddressHex(prefix),
      subnetwork_size: 48,
      slot_count: '256',
      hostname: 'vpn-2.example.net',
      interface: 'wg0',
      listen_port: 51820,
      public_key: testKey(1000),
      private_key: 'sealed',
      created_at: 0,
      ...replaced,
    };
    await kysely.insertInto('vpn_pools').values(row).execute();
  };
  const insertNetwork = async (network: string, replaced: Record<string, unknown> = {}) => {
    const { kysely } = await context.db();
    const prefix = parsePrefix(network);
    const row = {
      pool_id: 1,
      slot: 9,
      network,
      first_address: firstAddressHex(prefix),
      last_address: lastAddressHex(prefix),
      user_id: 1,
      public_key: testKey(1001),
      created_at: 0,
      ...replaced,
    };
    await kysely.insertInto('vpn_networks').values(row).execute();
  };
  const refused = { code: 'CONSTRAINT_VIOLATED' };

  it('takes sound rows', async () => {
    await insertPool('2a0a:e5c1:300::/40');
    await insertNetwork('2a0a:e5c1:209::/48');
  });

  it.each([
    ['the same prefix', '2a0a:e5c1:200::/40', {}],
    ['a part of another', '2a0a:e5c1:280::/41', {}],
    ['what covers another', '2a0a:e5c1::/32', {}],
    ['an interface twice on a host', '2a0a:e5c1:300::/40', { hostname: 'vpn-1.example.net', listen_port: 1 }],
    ['a port twice on a host', '2a0a:e5c1:300::/40', { hostname: 'vpn-1.example.net', interface: 'wg1' }],
    ['a hostname in capitals', '2a0a:e5c1:300::/40', { hostname: 'VPN-2.example.net' }],
    ['a key that is not canonical', '2a0a:e5c1:300::/40', { public_key: `${'A'.repeat(42)}B=` }],
  ])('refuses a pool with %s', async (_, network, replaced) => {
    await expect(insertPool(network, replaced)).rejects.toMatchObject(refused);
  });

  it.each([
    ['the prefix of another', '2a0a:e5c1:200::/48', {}],
    ['the slot of another', '2a0a:e5c1:209::/48', { slot: 0 }],
    ['a prefix outside its pool', '2a0a:e5c1:300::/48', {}],
    ['a longer prefix', '2a0a:e5c1:209::/56', {}],
    ['a shorter prefix', '2a0a:e5c1:240::/42', {}],
    ['the key of another', '2a0a:e5c1:209::/48', { public_key: testKey(0) }],
    ['a key that is not canonical', '2a0a:e5c1:209::/48', { public_key: `${'A'.repeat(42)}B=` }],
    ['a key with a line behind it', '2a0a:e5c1:209::/48', { public_key: `${testKey(5)}\n` }],
    ['a key that is cut short', '2a0a:e5c1:209::/48', { public_key: testKey(5).slice(1) }],
    ['an owner who is not there', '2a0a:e5c1:209::/48', { user_id: 9 }],
    ['a pool that is not there', '2a0a:e5c1:209::/48', { pool_id: 9 }],
  ])('refuses a network with %s', async (_, network, replaced) => {
    await expect(insertNetwork(network, replaced)).rejects.toMatchObject(refused);
  });

  it('refuses to move a network out of its pool', async () => {
    const { kysely } = await context.db();
    const { first_address, last_address } = {
      first_address: firstAddressHex(parsePrefix('2a0a:e5c1:300::/48')),
      last_address: lastAddressHex(parsePrefix('2a0a:e5c1:300::/48')),
    };
    const moved = sql`update vpn_networks set network = '2a0a:e5c1:300::/48', first_address = ${first_address},
      last_address = ${last_address}`;
    await expect(moved.execute(kysely)).rejects.toMatchObject(refused);
  });

  it('keeps prefix and size of a pool that lends networks, and the pool itself', async () => {
    const { kysely } = await context.db();
    for (const change of ["network = '2a0a:e5c1:300::/40'", 'subnetwork_size = 56']) {
      const update = sql.raw(`update vpn_pools set ${change}`).execute(kysely);
      await expect(update).rejects.toMatchObject(refused);
    }
    await expect(kysely.deleteFrom('vpn_pools').execute()).rejects.toMatchObject(refused);
    await deleteNetworks(context, [1]);
    await sql`update vpn_pools set subnetwork_size = 56`.execute(kysely);
    await kysely.deleteFrom('vpn_pools').execute();
    expect(await kysely.selectFrom('vpn_released_slots').selectAll().execute()).toEqual([]);
  });
});
