import type { Transaction } from 'kysely';
import { refuse } from '../core/errors.ts';
import type { Instant } from '../core/instant.ts';
import type { Reference } from '../core/reference.ts';
import type { Username } from '../core/user.ts';
import { checkSameNetwork } from '../core/vpn-network.ts';
import { chooseSlots } from '../core/vpn-pool.ts';
import type { PublicKey } from '../core/wireguard-key.ts';
import { checkReach, findOwner, findReach } from '../io/db/access.ts';
import { only, readOrWrite } from '../io/db/database.ts';
import type { TakePage } from '../io/db/pages.ts';
import { findUserId } from '../io/db/people.ts';
import type { Schema } from '../io/db/schema.ts';
import {
  findNetworks,
  type LentNetwork,
  lendSlots,
  readNetworks,
  releaseNetworks,
  replaceNetworkKey,
} from '../io/db/vpn-networks.ts';
import { findPools, getPool, type StoredPool } from '../io/db/vpn-pools.ts';
import { readPublicKeys } from '../io/wireguard-key-files.ts';
import type { Context } from './context.ts';

/** Whom new networks are for and where they may come from. */
interface Borrower {
  /** null: for the user in whose name the command works. */
  readonly username: Username | null;
  /** null: the size of the named pool, or /48. */
  readonly size: number | null;
  /** null: any pool of the size. */
  readonly poolId: number | null;
}

/** A network that is asked for with the key of its client. */
export interface NetworkRequest extends Borrower {
  readonly publicKey: PublicKey;
  /** The caller's own name for the network: asking twice for the same gives one network. */
  readonly reference: Reference | null;
}

/** Networks that are asked for with a file of keys: one for each. */
export interface BulkRequest extends Borrower {
  /** Public keys, one a line; `-` for standard input. */
  readonly publicKeysFile: string;
  /** How many keys the file must hold; null: as many as it has. */
  readonly count: number | null;
}

/**
 * Lends a network to a user.
 * @throws FORBIDDEN, UNKNOWN_USER, UNKNOWN_POOL, NO_POOL_OF_SIZE, POOL_FULL, KEY_IN_USE, KEY_IS_POOLS, NETWORK_EXISTS
 */
export async function createNetwork(
  context: Context,
  request: NetworkRequest,
): Promise<{ network: LentNetwork; created: boolean }> {
  const { publicKey, reference } = request;
  const username = borrowerOf(context, request);
  const database = await context.db();
  return database.write('vpn', async (tx) => {
    const userId = await findBorrower(tx, context.asUser, username);
    const pools = await findPools(tx);
    const [existing] = reference === null ? [] : await findNetworks(tx, { references: [reference] });
    if (reference !== null && existing !== undefined) {
      checkSameNetwork(reference, existing, { ...request, username }, pools);
      return { network: existing, created: false };
    }
    const networks = await lend(tx, pools, [publicKey], { ...request, userId, reference, now: context.now });
    return { network: only(networks), created: true };
  });
}

/**
 * Lends a network for each public key of a file, in their order: all of them or none.
 * @throws PUBLIC_KEY_COUNT, what `readPublicKeys` refuses, and what `createNetwork` refuses
 */
export async function createNetworks(context: Context, request: BulkRequest): Promise<LentNetwork[]> {
  const { publicKeysFile: file, count } = request;
  const username = borrowerOf(context, request);
  const publicKeys = await readPublicKeys(file);
  if (publicKeys.length !== (count ?? Math.max(1, publicKeys.length))) {
    throw refuse.PUBLIC_KEY_COUNT({ file, keys: publicKeys.length, count });
  }
  const database = await context.db();
  return database.write('vpn', async (tx) => {
    const userId = await findBorrower(tx, context.asUser, username);
    const pools = await findPools(tx);
    return lend(tx, pools, publicKeys, { ...request, userId, reference: null, now: context.now });
  });
}

/**
 * Hands on the networks of a user, of a pool, or all within reach, in the order of pools and addresses.
 * @throws UNKNOWN_USER, FORBIDDEN, UNKNOWN_POOL
 */
export async function listNetworks(
  context: Context,
  { username, poolId }: { username: Username | undefined; poolId: number | undefined },
  take: TakePage<LentNetwork>,
): Promise<void> {
  const database = await context.db();
  await database.read(async (tx) => {
    const { asUser } = context;
    const userId = await findOwner(tx, asUser, username, 'networks');
    if (poolId !== undefined) await getPool(tx, poolId);
    const within = await findReach(tx, asUser);
    await readNetworks(tx, { userId, poolId, within }, take);
  });
}

/**
 * A network and its pool.
 * @throws UNKNOWN_NETWORK, FORBIDDEN
 */
export async function showNetwork(
  context: Context,
  id: number,
): Promise<{ network: LentNetwork; pool: StoredPool }> {
  const database = await context.db();
  return database.read(async (tx) => {
    const network = await findNetwork(tx, context.asUser, id);
    return { network, pool: only(await findPools(tx, { id: network.poolId })) };
  });
}

/**
 * Takes networks back, each named once: all of them or none. Their slots are lent again only after all that were never
 * lent or were released before.
 * @param dryRun finds them, and changes nothing
 * @throws UNKNOWN_NETWORK, FORBIDDEN
 */
export async function deleteNetworks(
  context: Context,
  ids: readonly number[],
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<LentNetwork[]> {
  return readOrWrite(await context.db(), { topic: 'vpn', dryRun }, async (tx) => {
    const networks = await findNetworksWithin(tx, context.asUser, ids);
    if (!dryRun) await releaseNetworks(tx, networks, context.now);
    return networks;
  });
}

/**
 * Gives a network another public key; the old one is forgotten. The network keeps its slot and its owner.
 * @returns also whether it had another key before
 * @throws UNKNOWN_NETWORK, FORBIDDEN, KEY_IN_USE, KEY_IS_POOLS
 */
export async function rotateNetworkKey(
  context: Context,
  id: number,
  publicKey: PublicKey,
): Promise<{ network: LentNetwork; changed: boolean }> {
  const database = await context.db();
  return database.write('vpn', async (tx) => {
    const network = await findNetwork(tx, context.asUser, id);
    if (network.publicKey === publicKey) return { network, changed: false };
    await refuseTakenKeys(tx, await findPools(tx), [publicKey]);
    await replaceNetworkKey(tx, id, publicKey);
    return { network: { ...network, publicKey }, changed: true };
  });
}

interface Loans {
  readonly size: number | null;
  readonly poolId: number | null;
  readonly userId: number;
  readonly reference: Reference | null;
  readonly now: Instant;
}

/** Lends a slot for each key, which are all different, and returns the networks in the order of the keys. */
async function lend(
  tx: Transaction<Schema>,
  pools: readonly StoredPool[],
  publicKeys: readonly PublicKey[],
  { size, poolId, userId, reference, now }: Loans,
): Promise<LentNetwork[]> {
  await refuseTakenKeys(tx, pools, publicKeys);
  const choices = chooseSlots(pools, { count: publicKeys.length, size, poolId });
  const loans = publicKeys.map((publicKey) => ({ userId, publicKey, reference }));
  await lendSlots(tx, choices, loans, now);
  const lent = new Map(
    (await findNetworks(tx, { publicKeys })).map((network) => [network.publicKey, network]),
  );
  return publicKeys.flatMap((key) => lent.get(key) ?? []);
}

async function refuseTakenKeys(
  tx: Transaction<Schema>,
  pools: readonly StoredPool[],
  publicKeys: readonly PublicKey[],
): Promise<void> {
  const asked = new Set(publicKeys);
  const pool = pools.find((any) => asked.has(any.publicKey));
  if (pool !== undefined) throw refuse.KEY_IS_POOLS({ publicKey: pool.publicKey, poolId: pool.id });
  const [network] = await findNetworks(tx, { publicKeys });
  if (network !== undefined) {
    throw refuse.KEY_IN_USE({ publicKey: network.publicKey, networkId: network.id });
  }
}

function borrowerOf({ asUser }: Context, { username }: Borrower): Username {
  const borrower = username ?? asUser;
  if (borrower === null) throw new Error("a network is asked for in nobody's name and for nobody");
  return borrower;
}

/** The id of a user whom networks are or will be lent to. */
async function findBorrower(
  tx: Transaction<Schema>,
  asUser: Username | null,
  username: Username,
): Promise<number> {
  await checkReach(tx, asUser, username, `networks of ${username}`);
  return findUserId(tx, username);
}

async function findNetwork(
  tx: Transaction<Schema>,
  asUser: Username | null,
  id: number,
): Promise<LentNetwork> {
  return only(await findNetworksWithin(tx, asUser, [id]));
}

/**
 * The networks with these ids, in the order of pools and addresses.
 * @throws UNKNOWN_NETWORK, FORBIDDEN
 */
async function findNetworksWithin(
  tx: Transaction<Schema>,
  asUser: Username | null,
  ids: readonly number[],
): Promise<LentNetwork[]> {
  const networks = await findNetworks(tx, { ids });
  const found = new Set(networks.map(({ id }) => id));
  const unknown = ids.find((id) => !found.has(id));
  if (unknown !== undefined) throw refuse.UNKNOWN_NETWORK({ id: String(unknown) });
  const within = await findReach(tx, asUser);
  if (asUser === null || within === undefined) return networks;
  const reached = new Set((await findNetworks(tx, { ids, within })).map(({ id }) => id));
  const foreign = ids.find((id) => !reached.has(id));
  if (foreign !== undefined) throw refuse.FORBIDDEN({ username: asUser, what: `network ${foreign}` });
  return networks;
}
