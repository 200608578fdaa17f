import type { Transaction } from 'kysely';
import { refuse } from '../core/errors.ts';
import type { Hostname } from '../core/hostname.ts';
import type { InterfaceName, ListenPort } from '../core/interface-name.ts';
import { formatPrefix, type Prefix } from '../core/prefix.ts';
import { checkPool, checkSamePool, movePool, type PlaceChange, placePool } from '../core/vpn-pool.ts';
import type { PrivateKey, PublicKey } from '../core/wireguard-key.ts';
import { checkStaff } from '../io/db/access.ts';
import { readOrWrite } from '../io/db/database.ts';
import type { Schema } from '../io/db/schema.ts';
import { findNetworks, findUsedSlots } from '../io/db/vpn-networks.ts';
import {
  findPools,
  getPool,
  insertPool,
  removePool,
  replacePoolKey,
  replacePoolPlace,
  type StoredPool,
} from '../io/db/vpn-pools.ts';
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
    const place = placePool(pools, request);
    await refuseTakenKey(tx, pools, publicKey);
    const sealer = await sealerFor(tx, context.config['secrets.key_file']);
    const pool = await insertPool(
      tx,
      { ...place, prefix, subnetworkSize, slots, publicKey, createdAt: context.now },
      (id) => sealer.seal(privateKey, poolKeyPlace(id)),
    );
    return { pool, created: true };
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
    const pool = await getPool(tx, id);
    return { pool, usedSlots: await findUsedSlots(tx, id) };
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
    const before = await getPool(tx, id);
    const pools = await findPools(tx);
    const { place, changed } = movePool(before, pools, change);
    if (!dryRun && changed.length > 0) await replacePoolPlace(tx, id, place);
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
    const pool = await getPool(tx, id);
    if (pool.used > 0n) throw refuse.POOL_IN_USE({ id, networks: Number(pool.used) });
    await removePool(tx, id);
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
    const pool = await getPool(tx, id);
    if (pool.publicKey === publicKey) return { pool, changed: false };
    await refuseTakenKey(tx, await findPools(tx), publicKey);
    const sealer = await sealerFor(tx, context.config['secrets.key_file']);
    const sealed = sealer.seal(privateKey, poolKeyPlace(id));
    await replacePoolKey(tx, id, { publicKey, sealed });
    return { pool: { ...pool, publicKey }, changed: true };
  });
}

/** The private key in a file or, for null, a new one. */
async function obtainKey(file: string | null): Promise<PrivateKey> {
  return file === null ? generatePrivateKey() : readPrivateKey(file);
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
