import { parseHostname } from '../../src/lib/core/hostname.ts';
import { parsePrefix } from '../../src/lib/core/parse-prefix.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import type { PublicKey } from '../../src/lib/core/wireguard-key.ts';
import type { LentNetwork } from '../../src/lib/io/db/vpn-networks.ts';
import type { StoredPool } from '../../src/lib/io/db/vpn-pools.ts';
import type { Context } from '../../src/lib/ops/context.ts';
import { createNetwork, type NetworkRequest } from '../../src/lib/ops/vpn-networks.ts';
import { createPool, type PoolRequest } from '../../src/lib/ops/vpn-pools.ts';

export const HOST = parseHostname('vpn-1.example.net');
export const ANNA = parseUsername('anna');

/** Adds a user who may borrow networks. */
export async function addUser(context: Context, username: string = ANNA): Promise<void> {
  const { kysely } = await context.db();
  await kysely.insertInto('users').values({ username, created_at: context.now }).execute();
}

/** Adds a pool of /48s on the host of the tests, with a key of its own. */
export async function addPool(
  context: Context,
  prefix = '2a0a:e5c1:200::/40',
  request: Partial<PoolRequest> = {},
): Promise<StoredPool> {
  const { pool } = await createPool(context, {
    prefix: parsePrefix(prefix),
    subnetworkSize: 48,
    hostname: HOST,
    interface: null,
    listenPort: null,
    privateKeyFile: null,
    ...request,
  });
  return pool;
}

/** Lends anna a network. */
export async function addNetwork(
  context: Context,
  publicKey: PublicKey,
  request: Partial<NetworkRequest> = {},
): Promise<LentNetwork> {
  const { network } = await createNetwork(context, {
    username: ANNA,
    publicKey,
    size: null,
    poolId: null,
    reference: null,
    ...request,
  });
  return network;
}
