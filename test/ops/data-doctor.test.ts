import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { examineRows } from '../../src/lib/cli/doctor.ts';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import { parseReference } from '../../src/lib/core/reference.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import { findTables } from '../../src/lib/io/db/catalog.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { examineSchema } from '../../src/lib/ops/data-doctor.ts';
import { migrate } from '../../src/lib/ops/migrations.ts';
import { recordPayment } from '../../src/lib/ops/payments.ts';
import { reconcileHost } from '../../src/lib/ops/vpn-host.ts';
import { openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { testKey } from '../support/served-pool.ts';
import { tamper } from '../support/tamper.ts';
import { addNetwork, addPool, HOST } from '../support/vpn.ts';

/** How the data is broken, and the beginning of the finding that has to come of it. */
interface Breakage {
  readonly statement: string;
  /** What has to go first on PostgreSQL, which checks constraints whoever writes. */
  readonly postgres?: string;
  /** What has to go first on SQLite, which keeps keys unique whoever writes. */
  readonly sqlite?: string;
  readonly finding: string;
}

const LAST = 'f'.repeat(32);
const BREAKAGES: readonly Breakage[] = [
  {
    statement: `update vpn_pools set network = '2a0a:e5c1:2ff::/48', first_address = '2a0ae5c102ff00000000000000000000',
      last_address = '2a0ae5c102ffffffffffffffffffffff' where id = 2`,
    postgres: 'alter table vpn_pools drop constraint vpn_pools_overlap',
    finding: 'error pools: pool 2: 2a0a:e5c1:2ff::/48 overlaps 2a0a:e5c1:200::/40 of pool 1',
  },
  {
    statement: "update vpn_pools set hostname = 'a b.example' where id = 1",
    finding: 'error pools: pool 1: its host is stored as "a b.example", which is no name',
  },
  {
    statement: "update vpn_pools set interface = '../wg0' where id = 1",
    finding: 'error pools: pool 1: its interface is stored as "../wg0", which is no name',
  },
  {
    statement: "update vpn_pools set slot_count = '7' where id = 1",
    finding: 'error pools: pool 1: 7 is not how many networks of size 48 it holds',
  },
  {
    statement: `update vpn_pools set last_address = '${LAST}' where id = 2`,
    finding: 'error pools: pool 2: its addresses are not those of 2001:db8::/48',
  },
  {
    statement: 'update vpn_pools set next_slot = 9 where id = 1',
    finding: 'error pools: pool 1: its next slot is 9, with 2 networks lent and 0 given back',
  },
  {
    statement: 'update vpn_networks set slot = 7 where id = 1',
    finding:
      'error networks: network 1: 2a0a:e5c1:200::/48 is not slot 7 of pool 1, 2a0a:e5c1:200::/40 in /48',
  },
  {
    statement: 'update vpn_networks set pool_id = 2 where id = 2',
    finding: 'error networks: network 2: 2a0a:e5c1:201::/48 is not slot 1 of pool 2, 2001:db8::/48 in /64',
  },
  {
    statement: `update vpn_networks set last_address = '${LAST}' where id = 1`,
    finding: 'error networks: network 2: 2a0a:e5c1:201::/48 overlaps 2a0a:e5c1:200::/48 of network 1',
  },
  {
    statement: "update vpn_networks set public_key = 'garbage' where id = 1",
    postgres: 'alter table vpn_networks drop constraint vpn_networks_public_key_check',
    finding: 'error networks: network 1: its public key is stored as "garbage", which is none',
  },
  {
    statement: 'insert into vpn_released_slots values (1, 0, 0)',
    finding: 'error networks: network 1: 2a0a:e5c1:200::/48 is lent, and listed as given back',
  },
  {
    statement: 'update vpn_networks set user_id = 99 where id = 1',
    finding: 'error orphans: vpn_networks with id 1: its user_id is 99, and no row of users is that',
  },
  {
    statement: 'delete from orders where id = 32',
    finding: 'error orphans: orders with id 33: its replaces_id is 32, and no row of orders is that',
  },
  {
    statement: 'update bills set net = net + 1, total = total + 1 where number = 4',
    finding: 'error bills: BILL_NET, bill 4: Bill 4 has a net of',
  },
  {
    statement: 'update bill_records set period_start = 0 where order_id = 40 and period_index = 0',
    finding: 'error bills: ORDER_CHANGED, bill 5, order 40:',
  },
  {
    statement: 'update bill_counters set last_number = 17',
    finding: 'error bills: NUMBER_GAP: The counter of bills stands at 17',
  },
  {
    statement: 'update orders set ends_at = ends_at + 86400 * 30 where id = 32',
    finding:
      'error replacements: order 32: ends at 2025-02-10T00:00:00Z, and its successor 33 starts at 2025-01-11T00:00:00Z',
  },
  {
    statement: 'update orders set ends_at = ends_at - 86400 where id = 32',
    finding: 'warning replacements: order 32: ends at 2025-01-10T00:00:00Z',
  },
  {
    statement: 'update orders set replaces_id = 32 where id = 30',
    finding: 'error replacements: order 32: is replaced by order 30, which is older',
  },
  {
    statement: 'update orders set replaces_id = 32 where id = 30',
    finding: 'error replacements: order 32: has several successors',
  },
  {
    statement: 'update orders set user_id = 1 where id = 33',
    finding: 'error replacements: order 32: is replaced by order 33 of another user',
  },
  {
    statement: "update orders set currency = 'EUR' where id = 33",
    finding: 'error replacements: order 32: is replaced by order 33 in another currency',
  },
  {
    statement: `update payments set bill_id = (select max(id) from bills where number is null)`,
    finding: 'error payments: bill id:19: is a draft, and has payments',
  },
  {
    statement: "update payments set amount = -500 where reference = 'one'",
    finding: 'error payments: bill 1: is an invoice, and more was given back for it than received',
  },
  {
    statement: `update bills set total = -total, net = -net, vat = -vat, kind = 'credit_note', due_on = null
      where number = 1`,
    finding: 'error payments: bill 1: is a credit note, and more was received for it than given back',
  },
  {
    statement: "update payments set reference = 'one'",
    postgres: 'alter table payments drop constraint payments_key',
    sqlite:
      'create table kept as select * from payments; drop table payments; alter table kept rename to payments',
    finding: 'error payments: bill 1: has 2 payments "one"',
  },
  {
    statement: 'update payments set bill_id = 99',
    finding: 'error orphans: payments with id 1: its bill_id is 99, and no row of bills is that',
  },
  {
    statement: 'update bills set due_on = null where number = 4',
    finding: 'error bills: BILL_DUE, bill 4: Bill 4 has no day by which it is to be paid.',
  },
  {
    statement: "update bills set due_on = '2025-02-02' where number = 4",
    finding:
      'error bills: BILL_DUE, bill 4: Bill 4 is to be paid by 2025-02-02, and was issued on 2025-02-03.',
  },
  {
    statement: "update bills set due_on = '2025-02-13' where number is null",
    postgres: 'alter table bills drop constraint bills_due_on',
    finding: 'error bills: BILL_DUE: Draft 19 has nothing to be paid, but 2025-02-13',
  },
  {
    statement: "update vpn_pools set private_key = 'v1:AAAA' where id = 1",
    finding: 'error sealed-secrets: pool 1: its private key does not open',
  },
  {
    statement: `update vpn_pools set public_key = '${testKey(9)}' where id = 1`,
    finding: 'error sealed-secrets: pool 1: its private key belongs to another public key',
  },
  {
    statement: "update audit_entries set command = 'x' where topic = 'vpn' and position = 2",
    finding: 'error audit: entry 10, vpn 2: its content is not what its hash was taken of',
  },
  {
    statement: "update audit_entries set counts = 'x' where topic = 'vpn' and position = 2",
    finding: 'error audit: entry 10, vpn 2: its content is not what its hash was taken of',
  },
  {
    statement: "delete from audit_entries where topic = 'vpn' and position = 1",
    finding: 'error audit: entry 10, vpn 2: it does not follow on the entry before it',
  },
  {
    statement: "delete from schema_migration_checksums where name = '0004_orders'",
    finding: 'error checksums: 0004_orders: is applied and has no checksum',
  },
  {
    statement: 'drop index orders_open',
    finding: 'error live-schema: orders.orders_open: this index is missing',
  },
  {
    statement: 'alter table users drop column email',
    finding: 'error live-schema: users',
  },
  {
    statement: 'create index quick on users (full_name)',
    finding: 'warning live-schema: users.quick: this index is not made by the migrations',
  },
  {
    statement: `update vpn_networks set public_key = '${testKey(9)}' where id = 1`,
    finding: `error wireguard-files: wg0.conf: differs from the database: update file wg0.conf, and 2 more`,
  },
];

describeDatabases('doctor --data', (databases) => {
  const serve = async (): Promise<TestContext> => {
    const directory = join(databases.folder, 'wireguard');
    await rm(directory, { recursive: true, force: true });
    await mkdir(directory, { mode: 0o700 });
    const config = { wireguard: { config_directory: directory } };
    const context = await openWithCustomers(await databases.context({ config }), 6);
    await generateBills(context.at('2025-02-03'));
    await generateBills(context.at('2025-03-05'));
    await generateBills(context.at('2025-04-04'), { usernames: [parseUsername('u1')], draft: true });
    for (const [amount, reference] of [
      ['5', 'one'],
      ['3', 'two'],
    ] as const) {
      const paidOn = parseDay('2025-02-10');
      const given = { amount: parsePrice(amount), paidOn, reference: parseReference(reference) };
      await recordPayment(context.at('2025-03-05'), { number: 1 }, given);
    }
    await addPool(context);
    await addPool(context, '2001:db8::/48', { subnetworkSize: 64 });
    for (const number of [1, 2]) {
      await addNetwork(context, testKey(number), { username: parseUsername('u1'), size: 48 });
    }
    const request = { hostname: HOST, directory, renderOnly: true, dryRun: false, prune: false };
    await reconcileHost(context, request);
    return context.at('2025-03-05');
  };
  const findingsOf = async (context: TestContext) =>
    [...(await examineSchema(context)), ...(await examineRows(context, HOST))].map(
      ({ level, id, subject, message }) => `${level} ${id}: ${subject}: ${message}`,
    );

  it('finds nothing wrong with what the program alone wrote', async () => {
    const context = await serve();
    const { address } = await context.db();
    expect(await findingsOf(context)).toEqual([
      `ok live-schema: ${address}: is what the migrations make`,
      'ok checksums: migrations: each applied one has the checksum of the shipped one',
      'ok orphans: tables: no row names one that is not there',
      'ok pools: pools: 2; none overlaps another',
      'ok networks: networks: 2; each lies in its pool and none overlaps another',
      'ok replacements: orders: 2 replaced; each meets its successor',
      'ok payments: payments: 2, each for an issued bill',
      'ok sealed-secrets: pools: 2; the private key of each opens',
      'ok audit: trail: 12 entries in 6 chains, unbroken',
      'ok bills: bills: 19, recomputed from 13 orders',
      'ok wireguard-files: vpn-1.example.net: are what the database renders',
    ]);
    const { kysely } = await context.db();
    expect(await kysely.selectFrom('audit_entries').select('id').execute()).toHaveLength(12);
  });

  it.each(BREAKAGES)('$statement: $finding', async ({ statement, postgres, sqlite, finding }) => {
    const context = await serve();
    await (await context.db()).close();
    const first = databases.backend === 'postgresql' ? postgres : sqlite;
    await tamper(context, `${first ?? ''}; ${statement}`);
    const again = await databases.context({
      url: context.url,
      now: '2025-03-05',
      config: { wireguard: { config_directory: context.config['wireguard.config_directory'] } },
    });
    const found = await findingsOf(again);

    expect(found.filter((line) => line.startsWith(finding))).toHaveLength(1);
  });
});

describeDatabases(
  'doctor --data',
  (databases) => {
    it('knows a schema whose name needs quotes, with extensions in another one', async () => {
      const empty = await databases.emptyUrl();
      const client = new pg.Client(empty);
      await client.connect();
      await client.query('create schema "My-App"; create extension btree_gist');
      await client.end();
      const url = `${empty}?options=-csearch_path%3D%22My-App%22%2Cpublic`;
      const context = await databases.context({ url });
      await migrate(context, undefined);
      expect(await examineSchema(context)).toMatchObject([{ level: 'ok', id: 'live-schema' }]);
      const tables = await (await context.db()).read(findTables);
      expect(tables.map(({ name }) => name)).toContain('vpn_pools');
    });
  },
  ['postgresql'],
);
