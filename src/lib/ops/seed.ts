import { refuse } from '../core/errors.ts';
import { SEED_MAIL, SEED_POOL } from '../core/seed.ts';
import { findProvider } from '../io/db/provider.ts';
import { findBorrowers, findStranger, hasVatRates } from '../io/db/seed.ts';
import { findPools } from '../io/db/vpn-pools.ts';
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
    const username = await findStranger(tx, SEED_MAIL);
    if (username !== null) throw refuse.NOT_TEST_DATA({ database: database.address, username });
    const seller = await findProvider(tx);
    const pools = await findPools(tx, { hostname: SEED_POOL.hostname });
    return {
      hasSeller: (seller?.country ?? null) !== null,
      hasRates: await hasVatRates(tx),
      hasPool: pools.length > 0,
      borrowers: await findBorrowers(tx, SEED_POOL.hostname),
    };
  });
}
