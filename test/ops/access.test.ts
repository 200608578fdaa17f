import { expect, it } from 'vitest';
import { parseGroupName } from '../../src/lib/core/group.ts';
import { parseInterfaceName } from '../../src/lib/core/interface-name.ts';
import { parseUsername, type Username } from '../../src/lib/core/user.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { addMember, createGroup, updateGroup } from '../../src/lib/ops/groups.ts';
import { listOrders } from '../../src/lib/ops/orders.ts';
import { clientConfig } from '../../src/lib/ops/vpn-client-config.ts';
import { importNetworks } from '../../src/lib/ops/vpn-network-import.ts';
import { deleteNetworks, rotateNetworkKey, showNetwork } from '../../src/lib/ops/vpn-networks.ts';
import { deletePool, listPools, rotatePoolKey, showPool, updatePool } from '../../src/lib/ops/vpn-pools.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { listBills, listNetworks } from '../support/lists.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork, addPool } from '../support/vpn.ts';

const FORBIDDEN = { code: 'FORBIDDEN' };
const GROUP = parseGroupName('g');
const user = (number: number) => parseUsername(`u${number}`);

/**
 * Six customers, each with a network of the same number, orders and a bill. u1 owns a group, u2 administers it, u3
 * is a member of it, u4 administers one that is not active, of which u5 is a member; u6 belongs to the staff.
 */
describeDatabases('what is done in the name of a user', (databases) => {
  async function world(): Promise<TestContext> {
    const context = await openWithCustomers(await databases.context({ now: '2025-02-01' }), 6);
    await addPool(context);
    for (let number = 1; number <= 6; number += 1) {
      await addNetwork(context, testKey(number), { username: user(number) });
    }
    await generateBills(context, { draft: false, dryRun: false });
    await createGroup(context, { name: GROUP, owner: user(1) });
    await addMember(context, GROUP, { username: user(2), isAdmin: true });
    await addMember(context, GROUP, { username: user(3), isAdmin: false });
    const closed = parseGroupName('closed');
    await createGroup(context, { name: closed, owner: user(5) });
    await addMember(context, closed, { username: user(4), isAdmin: true });
    await addMember(context, closed, { username: user(5), isAdmin: false });
    await updateGroup(context, closed, { isActive: false });
    const { kysely } = await context.db();
    await kysely.updateTable('users').set({ is_staff: true }).where('username', '=', user(6)).execute();
    return context;
  }

  const REACH: readonly [number, readonly number[]][] = [
    [1, [1, 2, 3]],
    [2, [2, 3]],
    [3, [3]],
    [4, [4]],
    [5, [5]],
    [6, [1, 2, 3, 4, 5, 6]],
  ];

  it('lists what is within reach: the own, that of the members one administers, all for staff', async () => {
    const context = await world();
    for (const [number, reach] of REACH) {
      const as = context.as(user(number));
      const expected = reach.map(user);
      const networks = await listNetworks(as, { username: undefined, poolId: undefined });
      expect(networks.map(({ username }) => username)).toEqual(expected);
      const orders = new Set<Username>();
      await listOrders(as, { active: false }, async (page) => {
        for (const { username } of page) orders.add(username);
        return true;
      });
      expect([...orders].sort()).toEqual(expected);
      const bills = new Set((await listBills(as)).map(({ username }) => username));
      expect([...bills].sort()).toEqual(expected);
    }
  });

  it('refuses everything about anybody else', async () => {
    const context = await world();
    for (const [number, reach] of REACH) {
      const as = context.as(user(number));
      for (let other = 1; other <= 6; other += 1) {
        const username = user(other);
        const attempts = [
          () => listNetworks(as, { username, poolId: undefined }),
          () => listOrders(as, { username, active: false }, async () => true),
          () => listBills(as, { username }),
          () => showNetwork(as, other),
          () => clientConfig(as, { networkId: other, privateKeyFile: null, output: null }),
          () => rotateNetworkKey(as, other, testKey(other)),
        ];
        for (const attempt of attempts) {
          if (reach.includes(other)) await attempt();
          else await expect(attempt()).rejects.toMatchObject(FORBIDDEN);
        }
        if (reach.includes(other)) continue;
        await expect(deleteNetworks(as, [...reach, other])).rejects.toMatchObject(FORBIDDEN);
        await expect(addNetwork(as, testKey(100), { username })).rejects.toMatchObject(FORBIDDEN);
      }
    }
    expect(await listNetworks(context, { username: undefined, poolId: undefined })).toHaveLength(6);
  });

  it('does not tell who has no right whether there is a user', async () => {
    const context = await world();
    const username = parseUsername('nobody');
    for (const list of [
      (on: TestContext) => listNetworks(on, { username, poolId: undefined }),
      (on: TestContext) => listOrders(on, { username, active: false }, async () => true),
      (on: TestContext) => listBills(on, { username }),
    ]) {
      await expect(list(context.as(user(3)))).rejects.toMatchObject(FORBIDDEN);
      await expect(list(context.as(user(6)))).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
    }
  });

  it('lends networks within reach, to the user unless it says to whom', async () => {
    const context = await world();
    expect(await addNetwork(context.as('u3'), testKey(101), { username: null })).toMatchObject({
      username: 'u3',
    });
    expect(await addNetwork(context.as('u2'), testKey(102), { username: user(3) })).toMatchObject({
      username: 'u3',
    });
    await deleteNetworks(context.as('u1'), [3]);
  });

  it('refuses rows of an import that are for others, and does not tell who is a user', async () => {
    const context = await world();
    const rows = [3, 4, 99].map(
      (number) => `{"username":"u${number}","public_key":"${testKey(110 + number)}"}\n`,
    );
    const file = { name: 'rows', lines: rows };
    const done = await importNetworks(context.as('u2'), {
      file,
      format: 'jsonl',
      partial: true,
      dryRun: false,
    });
    const refusal = { field: 'username', code: 'FORBIDDEN' };
    expect(done).toMatchObject({
      inserted: 1,
      refused: [
        { ...refusal, line: 2 },
        { ...refusal, line: 3 },
      ],
    });
  });

  it('keeps pools to the staff', async () => {
    const context = await world();
    const attempts = [
      (as: TestContext) => listPools(as, undefined),
      (as: TestContext) => showPool(as, 1),
      (as: TestContext) => rotatePoolKey(as, 1, null),
      (as: TestContext) => updatePool(as, 1, { interface: parseInterfaceName('wg7') }),
      (as: TestContext) => addPool(as, '2001:db8::/40'),
    ];
    for (const attempt of attempts) {
      await expect(attempt(context.as('u1'))).rejects.toMatchObject(FORBIDDEN);
      await attempt(context.as('u6'));
    }
    await expect(deletePool(context.as('u1'), 2)).rejects.toMatchObject(FORBIDDEN);
    await deletePool(context.as('u6'), 2);
  });

  it('refuses a user who is unknown or not active', async () => {
    const context = await world();
    const list = (name: string) => listNetworks(context.as(name), { username: undefined, poolId: undefined });
    await expect(list('nobody')).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
    const { kysely } = await context.db();
    await kysely.updateTable('users').set({ is_active: false }).where('username', '=', user(1)).execute();
    await expect(list('u1')).rejects.toMatchObject({ code: 'USER_INACTIVE' });
  });
});
