import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import {
  SEED_POOL,
  SEED_SELLER,
  SEED_TIME,
  type SeedSize,
  seedNetworks,
  seedOrders,
  seedPrivateKey,
  seedUsers,
} from '../../lib/core/seed.ts';
import { addDefaults } from '../../lib/ops/defaults.ts';
import { importOrders } from '../../lib/ops/order-import.ts';
import { setProvider } from '../../lib/ops/provider.ts';
import { inspectSeeded } from '../../lib/ops/seed.ts';
import { importUsers } from '../../lib/ops/user-import.ts';
import { importVatRates } from '../../lib/ops/vat-rates.ts';
import { importNetworks } from '../../lib/ops/vpn-network-import.ts';
import { createPool } from '../../lib/ops/vpn-pools.ts';

const count = (summary: string, fallback: number) =>
  Flags.integer({ helpValue: 'N', min: 0, max: 10_000_000, default: fallback, summary });

export default class DbSeed extends BaseCommand {
  static override summary = 'Fill a database with made-up customers, orders and networks, for tests';
  static override description =
    `The same numbers give the same rows, on every machine and at any time, and seeding again changes nothing. Larger
numbers add rows to those that are there. The schema has to be there: uncloud migrate.

Missing surroundings are added first: the defaults, a seller, the shipped VAT rates, and a pool that takes
2001:db8::/32, the prefix for documentation: no other pool may share addresses with it. The rows come through the
import engine, as from files. The private key of the pool is made of the seed: it protects nothing. A database with
users that were not made up is refused.`;
  static override examples = [
    '<%= config.bin %> db seed --users 1000 --orders-per-user 3 --networks 200 --seed 1',
    '<%= config.bin %> db seed --quiet --database sqlite:test.db',
  ];
  static override flags = {
    users: count('Users', 100),
    'orders-per-user': count('Orders of each user', 3),
    networks: count('VPN networks, lent to the users in turn', 50),
    seed: Flags.integer({
      helpValue: 'S',
      min: 0,
      max: 2 ** 32 - 1,
      default: 1,
      summary: 'Another number gives other rows',
    }),
  };

  async run() {
    const { flags } = await this.parse(DbSeed);
    const { users, networks, seed } = flags;
    const size = { users, ordersPerUser: flags['orders-per-user'], networks: users && networks, seed };
    const now = await this.context();
    const context = { ...now, now: SEED_TIME };
    const { hasSeller, hasRates, hasPool, borrowers } = await inspectSeeded(context);
    await addDefaults(context, { dryRun: false });
    if (!hasSeller) await setProvider(context, SEED_SELLER);
    if (!hasRates) await importVatRates(now, undefined, { dryRun: false, allowHistoryChange: false });
    if (!hasPool) await createPool(context, { ...SEED_POOL, privateKey: seedPrivateKey(size) });
    const parts = {
      users: { work: importUsers, rows: seedUsers },
      orders: { work: importOrders, rows: seedOrders },
      networks: { work: importNetworks, rows: (all: SeedSize) => seedNetworks(all, borrowers) },
    };
    const counts: Record<string, { inserted: number; unchanged: number }> = {};
    for (const [name, { work, rows }] of Object.entries(parts)) {
      const file = { name: `seed ${name}`, lines: rows(size) };
      const done = await work(context, { file, format: 'jsonl', partial: false, dryRun: false });
      counts[name] = { inserted: done.inserted, unchanged: done.unchanged };
      this.say(`Seeded ${name}: ${done.inserted} inserted, ${done.unchanged} unchanged.`);
    }
    return counts;
  }
}
