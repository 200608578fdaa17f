import type { Username } from '../core/user.ts';
import { findOwner, findReach } from '../io/db/access.ts';
import { inPages } from '../io/db/pages.ts';
import { findNetworks } from '../io/db/vpn-networks.ts';
import { findPools } from '../io/db/vpn-pools.ts';
import { type ExportOptions, type ExportPlan, exportFile } from '../io/export-file.ts';
import type { Context } from './context.ts';

const COLUMNS = ['username', 'public_key', 'size', 'reference'] as const;

/**
 * Writes networks as `vpn network import` reads them: by size, pool and place in the pool, which is the order in which
 * an import into fresh pools lends them again.
 * @param username only those of this user
 * @returns how many
 * @throws UNKNOWN_USER, FORBIDDEN, and what `exportFile` throws
 */
export async function exportNetworks(
  context: Context,
  { username, ...options }: ExportOptions & { username?: Username | undefined },
): Promise<number> {
  const database = await context.db();
  const userId = await database.read((tx) => findOwner(tx, context.asUser, username, 'networks'));
  const plan: ExportPlan<(typeof COLUMNS)[number]> = {
    things: 'networks',
    columns: COLUMNS,
    async *pages(batch) {
      const pools = await batch((tx) => findPools(tx));
      for (const pool of pools.toSorted((one, other) => one.subnetworkSize - other.subnetworkSize)) {
        const pages = inPages(
          batch,
          async (tx, page) => {
            const within = await findReach(tx, context.asUser);
            return findNetworks(tx, { poolId: pool.id, userId, within, page });
          },
          ({ slot }) => Number(slot),
        );
        for await (const networks of pages) {
          yield networks.map(({ username: lentTo, publicKey, reference }) => ({
            username: lentTo,
            public_key: publicKey,
            size: pool.subnetworkSize,
            reference,
          }));
        }
      }
    },
  };
  return exportFile(database, options, plan, context.progress);
}
