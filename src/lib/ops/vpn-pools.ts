import type { Transaction } from 'kysely';
import { refuse } from '../core/errors.ts';
import type { Hostname } from '../core/hostname.ts';
import type { InterfaceName, ListenPort } from '../core/interface-name.ts';
import { firstAddressHex, formatPrefix, lastAddressHex, type Prefix } from '../core/prefix.ts';
import { checkPool, checkSamePool, movePool, type PlaceChange, placePool } from '../core/vpn-pool.ts';
import type { PrivateKey, PublicKey } from '../core/wireguard-key.ts';
import { checkStaff } from '../io/db/access.ts';
import { only, readOrWrite } from '../io/db/database.ts';
import type { Schema } from '../io/db/schema.ts';
import { findNetworks, findPools, type StoredPool } from '../io/db/vpn.ts';
import { poolKeyPlace, sealerFor } from '../io/secrets.ts';
import { readPrivateKey } from '../io/wireguard-key-files.ts';
import { generatePrivateKey, publicKeyOf } from '../io/wireguard-keys.ts';
import type { Context } from './context.ts';

/** What is for staff only, as a refusal names it. */
const POOLS = 'VPN pools';

/** A pool that is to be created. */
export interface PoolRequest {
  readonly prefix: Prefix;
  /** The length of the networks that it hands out. */
  readonly subnetworkSize: number;
  readonly hostname: Hostname;
  /** null: the next free one of the host. */
  readonly interface: InterfaceName | null;
  readonly listenPort: ListenPort | null;
  /** A file, or `-` for standard input; null: a key is made. */
  readonly privateKeyFile: string | null;
  /** A key that is known already, in place of the file. */
  readonly privateKey?: PrivateKey;
}

/**
 * Creates a pool. Its private key is sealed in the database under the key file of the configuration, which is made
 * with the first pool. A pool that is there already as it is asked for stays; a key that would have been made is not.
 * @throws FORBIDDEN, POOL_NOT_UNICAST, SIZE_OUTSIDE_POOL, POOL_EXISTS, POOL_OVERLAPS, INTERFACE_TAKEN, PORT_TAKEN,
 *   NO_FREE_PORT, POOL_KEY_TAKEN, what `readPrivateKey` and `sealerFor` refuse
 */
export async function createPool(
  context: Context,
  request: PoolRequest,
): Promise<{ pool: StoredPool; created: boolean }> {
  const { prefix, subnetworkSize, privateKeyFile } = request;
  const slots = checkPool(prefix, subnetworkSize);
  const privateKey = request.privateKey ?? (await obtainKey(privateKeyFile));
  const isMade = request.privateKey === undefined && privateKeyFile === null;
  const publicKey = publicKeyOf(privateKey);
  const database = await context.db();
  return database.write('vpn', async (tx) => {
    await checkStaff(tx, context.asUser, POOLS);
    const pools = await findPools(tx);
    const same = pools.find((pool) => formatPrefix(pool.prefix) === formatPrefix(prefix));
    if (same !== undefined) {
      checkSamePool(same, { ...request, publicKey: isMade ? null : publicKey });
      return { pool: same, created: false };
    }
    const { hostname, interface: name, listenPort } = placePool(pools, request);
    await refuseTakenKey(tx, pools, publicKey);
    const sealer = await sealerFor(tx, context.config['secrets.key_file']);
    const inserted = await tx
      .insertInto('vpn_pools')
      .values({
        network: formatPrefix(prefix),
        first_address: firstAddressHex(prefix),
        last_address: lastAddressHex(prefix),
        subnetwork_size: subnetworkSize,
        slot_count: slots.toString(),
        hostname,
        interface: name,
        listen_port: listenPort,
        public_key: publicKey,
        private_key: '',
        created_at: context.now,
      })
      .returning('id')
      .execute();
    // The seal is bound to the row, whose id is known only now.
    const { id } = only(inserted);
    const sealed = sealer.seal(privateKey, poolKeyPlace(id));
    await tx.updateTable('vpn_pools').set({ private_key: sealed }).where('id', '=', id).execute();
    return { pool: only(await findPools(tx, { id })), created: true };
  });
}

/**
 * The pools of a host, or all, in the order of their ids.
 * @throws FORBIDDEN
 */
export async function listPools(context: Context, hostname: Hostname | undefined): Promise<StoredPool[]> {
  const database = await context.db();
  return database.read(async (tx) => {
    await checkStaff(tx, context.asUser, POOLS);
    return findPools(tx, { hostname });
  });
}

/**
 * A pool and the slots that it lends now, in order.
 * @throws FORBIDDEN, UNKNOWN_POOL
 */
export async function showPool(
  context: Context,
  id: number,
): Promise<{ pool: StoredPool; usedSlots: bigint[] }> {
  const database = await context.db();
  return database.read(async (tx) => {
    await checkStaff(tx, context.asUser, POOLS);
    const pool = await findPool(tx, id);
    const slots = tx.selectFrom('vpn_networks').select('slot').where('pool_id', '=', id).orderBy('slot');
    return { pool, usedSlots: (await slots.execute()).map(({ slot }) => BigInt(slot)) };
  });
}

/** A pool that is served elsewhere, or as before when nothing was to change. */
export interface MovedPool {
  readonly pool: StoredPool;
  readonly before: StoredPool;
  readonly changed: readonly (keyof PlaceChange)[];
  /** How many pools its host before still serves. */
  readonly leftBehind: number;
}

/**
 * Changes where a pool is served: its host, interface and port. Its prefix, its key pair and its networks stay.
 * @param dryRun decides, and changes nothing
 * @throws FORBIDDEN, UNKNOWN_POOL, INTERFACE_TAKEN, PORT_TAKEN, NO_FREE_PORT
 */
export async function updatePool(
  context: Context,
  id: number,
  change: PlaceChange,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<MovedPool> {
  return readOrWrite(await context.db(), { topic: 'vpn', dryRun }, async (tx) => {
    await checkStaff(tx, context.asUser, POOLS);
    const before = await findPool(tx, id);
    const pools = await findPools(tx);
    const { place, changed } = movePool(before, pools, change);
    const { hostname, interface: name, listenPort } = place;
    if (!dryRun && changed.length > 0) {
      const row = { hostname, interface: name, listen_port: listenPort };
      await tx.updateTable('vpn_pools').set(row).where('id', '=', id).execute();
    }
    const leftBehind = pools.filter((pool) => pool.id !== id && pool.hostname === before.hostname).length;
    return { pool: { ...before, ...place }, before, changed, leftBehind };
  });
}

/**
 * Deletes a pool that lends no network, with its private key.
 * @throws FORBIDDEN, UNKNOWN_POOL, POOL_IN_USE
 */
export async function deletePool(context: Context, id: number): Promise<StoredPool> {
  const database = await context.db();
  return database.write('vpn', async (tx) => {
    await checkStaff(tx, context.asUser, POOLS);
    const pool = await findPool(tx, id);
    if (pool.used > 0n) throw refuse.POOL_IN_USE({ id, networks: Number(pool.used) });
    await tx.deleteFrom('vpn_pools').where('id', '=', id).execute();
    return pool;
  });
}

/**
 * Gives a pool another key pair. Until a client is given the new public key, nothing it sends arrives once the host
 * has its new file.
 * @param privateKeyFile a file, or `-` for standard input; null: a key is made
 * @returns also whether it had another key before
 * @throws FORBIDDEN, UNKNOWN_POOL, POOL_KEY_TAKEN, what `readPrivateKey` and `sealerFor` refuse
 */
export async function rotatePoolKey(
  context: Context,
  id: number,
  privateKeyFile: string | null,
): Promise<{ pool: StoredPool; changed: boolean }> {
  const privateKey = await obtainKey(privateKeyFile);
  const publicKey = publicKeyOf(privateKey);
  const database = await context.db();
  return database.write('vpn', async (tx) => {
    await checkStaff(tx, context.asUser, POOLS);
    const pool = await findPool(tx, id);
    if (pool.publicKey === publicKey) return { pool, changed: false };
    await refuseTakenKey(tx, await findPools(tx), publicKey);
    const sealer = await sealerFor(tx, context.config['secrets.key_file']);
    const sealed = sealer.seal(privateKey, poolKeyPlace(id));
    const change = { public_key: publicKey, private_key: sealed };
    await tx.updateTable('vpn_pools').set(change).where('id', '=', id).execute();
    return { pool: { ...pool, publicKey }, changed: true };
  });
}

/** The private key in a file or, for null, a new one. */
async function obtainKey(file: string | null): Promise<PrivateKey> {
  return file === null ? generatePrivateKey() : readPrivateKey(file);
}

async function findPool(tx: Transaction<Schema>, id: number): Promise<StoredPool> {
  const [pool] = await findPools(tx, { id });
  if (pool === undefined) throw refuse.UNKNOWN_POOL({ id: String(id) });
  return pool;
}

async function refuseTakenKey(
  tx: Transaction<Schema>,
  pools: readonly StoredPool[],
  publicKey: PublicKey,
): Promise<void> {
  const pool = pools.find((other) => other.publicKey === publicKey);
  if (pool !== undefined) throw refuse.POOL_KEY_TAKEN({ holder: `pool ${pool.id}` });
  const [network] = await findNetworks(tx, { publicKeys: [publicKey] });
  if (network !== undefined) throw refuse.POOL_KEY_TAKEN({ holder: `the client of network ${network.id}` });
}
