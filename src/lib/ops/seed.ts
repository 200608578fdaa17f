import { refuse } from '../core/errors.ts';
import { SEED_MAIL, SEED_POOL } from '../core/seed.ts';
import { findProvider } from '../io/db/provider.ts';
import { findPools } from '../io/db/vpn.ts';
import type { Context } from './context.ts';

/** What a database holds of the test data's surroundings. */
export interface SeedState {
  readonly hasSeller: boolean;
  readonly hasRates: boolean;
  readonly hasPool: boolean;
  /** Who is lent the network of a public key in the pool of seeds. */
  readonly borrowers: ReadonlyMap<string, string>;
}

/**
 * Looks at a database that is to be filled with test data.
 * @throws NOT_TEST_DATA when it has users that no seed made
 */
export async function inspectSeeded(context: Context): Promise<SeedState> {
  const database = await context.db();
  return database.read(async (tx) => {
    const stranger = await tx
      .selectFrom('users')
      .select('username')
      .where('email', 'not like', `%${SEED_MAIL}`)
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    if (stranger !== undefined) {
      throw refuse.NOT_TEST_DATA({ database: database.address, username: stranger.username });
    }
    const seller = await findProvider(tx);
    const rate = await tx.selectFrom('vat_rates').select('id').limit(1).executeTakeFirst();
    const pools = await findPools(tx, { hostname: SEED_POOL.hostname });
    const lent = await tx
      .selectFrom('vpn_networks')
      .innerJoin('users', 'users.id', 'vpn_networks.user_id')
      .innerJoin('vpn_pools', 'vpn_pools.id', 'pool_id')
      .where('hostname', '=', SEED_POOL.hostname)
      .select(['vpn_networks.public_key', 'username'])
      .execute();
    return {
      hasSeller: (seller?.country ?? null) !== null,
      hasRates: rate !== undefined,
      hasPool: pools.length > 0,
      borrowers: new Map(lent.map(({ public_key, username }) => [public_key, username])),
    };
  });
}
