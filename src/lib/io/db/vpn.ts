import { type InferResult, sql, type Transaction } from 'kysely';
import { refuse } from '../../core/errors.ts';
import type { Hostname } from '../../core/hostname.ts';
import type { Instant } from '../../core/instant.ts';
import type { InterfaceName, ListenPort } from '../../core/interface-name.ts';
import { firstAddressHex, formatPrefix, lastAddressHex, readPrefix, slotPrefix } from '../../core/prefix.ts';
import type { Username } from '../../core/user.ts';
import type { PoolPlace, PoolRoom, SlotChoice } from '../../core/vpn-pool.ts';
import type { PublicKey } from '../../core/wireguard-key.ts';
import type { Reach } from './access.ts';
import { insertRows, isAmong, updateRows } from './bulk.ts';
import { only } from './database.ts';
import { type Page, readPages, type TakePage } from './pages.ts';
import type { Schema } from './schema.ts';

/** A pool in the database, without its private key. */
export interface StoredPool extends PoolRoom, PoolPlace {
  readonly publicKey: PublicKey;
  readonly createdAt: Instant;
}

/** A network that is lent. */
export interface LentNetwork {
  readonly id: number;
  readonly poolId: number;
  readonly slot: bigint;
  /** RFC 5952 text with its length. */
  readonly network: string;
  readonly username: Username;
  readonly publicKey: PublicKey;
  readonly reference: string | null;
  readonly createdAt: Instant;
}

/** The pools with this id or hostname, or all, in the order of their ids. */
export async function findPools(
  tx: Transaction<Schema>,
  { id, hostname }: { id?: number | undefined; hostname?: Hostname | undefined } = {},
): Promise<StoredPool[]> {
  const rows = await tx
    .selectFrom('vpn_pools')
    .select(['id', 'network', 'subnetwork_size', 'next_slot', 'hostname', 'interface', 'listen_port'])
    .select(['public_key', 'created_at'])
    // Every slot below next_slot is lent or released, and the released ones are few: counting them stays cheap.
    .select((eb) =>
      eb
        .selectFrom('vpn_released_slots')
        .select(eb.fn.countAll<number>().as('count'))
        .whereRef('pool_id', '=', 'vpn_pools.id')
        .as('released'),
    )
    .$if(id !== undefined, (query) => query.where('id', '=', id ?? 0))
    .$if(hostname !== undefined, (query) => query.where('hostname', '=', hostname ?? ''))
    .orderBy('id')
    .execute();
  return rows.map((row) => {
    const prefix = readPrefix(row.network);
    if (prefix === null) throw new Error(`pool ${row.id} is stored as ${row.network}`);
    return {
      id: row.id,
      prefix,
      subnetworkSize: row.subnetwork_size,
      nextSlot: BigInt(row.next_slot),
      used: BigInt(row.next_slot) - BigInt(row.released ?? 0),
      hostname: row.hostname as Hostname,
      interface: row.interface as InterfaceName,
      listenPort: row.listen_port as ListenPort,
      publicKey: row.public_key as PublicKey,
      createdAt: row.created_at as Instant,
    };
  });
}

/**
 * The pool with this id.
 * @throws UNKNOWN_POOL
 */
export async function getPool(tx: Transaction<Schema>, id: number): Promise<StoredPool> {
  const [pool] = await findPools(tx, { id });
  if (pool === undefined) throw refuse.UNKNOWN_POOL({ id: String(id) });
  return pool;
}

/** A pool that is to be added. */
export interface PoolInsert extends PoolPlace {
  readonly subnetworkSize: number;
  /** How many networks it holds. */
  readonly slots: bigint;
  readonly publicKey: PublicKey;
  readonly createdAt: Instant;
}

/**
 * Adds a pool that lends nothing yet.
 * @param seal gives the sealed private key: the seal is bound to the row, whose id is known only then
 */
export async function insertPool(
  tx: Transaction<Schema>,
  { prefix, subnetworkSize, slots, hostname, interface: name, listenPort, publicKey, createdAt }: PoolInsert,
  seal: (id: number) => string,
): Promise<StoredPool> {
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
      created_at: createdAt,
    })
    .returning('id')
    .execute();
  const { id } = only(inserted);
  await tx
    .updateTable('vpn_pools')
    .set({ private_key: seal(id) })
    .where('id', '=', id)
    .execute();
  return getPool(tx, id);
}

/** Writes where a pool is served from now on. */
export async function replacePoolPlace(
  tx: Transaction<Schema>,
  id: number,
  { hostname, interface: name, listenPort }: Omit<PoolPlace, 'prefix'>,
): Promise<void> {
  const row = { hostname, interface: name, listen_port: listenPort };
  await tx.updateTable('vpn_pools').set(row).where('id', '=', id).execute();
}

/** Gives a pool another key pair, whose private key is sealed already. */
export async function replacePoolKey(
  tx: Transaction<Schema>,
  id: number,
  { publicKey, sealed }: { publicKey: PublicKey; sealed: string },
): Promise<void> {
  const change = { public_key: publicKey, private_key: sealed };
  await tx.updateTable('vpn_pools').set(change).where('id', '=', id).execute();
}

/** The private key of a pool as it is stored: sealed. */
export interface SealedKey {
  readonly poolId: number;
  readonly sealed: string;
}

/** The private keys of all pools, in the order of their ids. */
export async function findSealedKeys(tx: Transaction<Schema>): Promise<SealedKey[]> {
  return tx.selectFrom('vpn_pools').select(['id as poolId', 'private_key as sealed']).orderBy('id').execute();
}

/** Writes the same private keys under another seal. */
export async function saveSealedKeys(tx: Transaction<Schema>, keys: readonly SealedKey[]): Promise<void> {
  const rows = keys.map(({ poolId, sealed }) => [sealed, poolId]);
  await updateRows(tx, 'vpn_pools', { private_key: 'text', id: 'bigint' }, rows);
}

/** Deletes a pool that lends no network, with its private key. */
export async function removePool(tx: Transaction<Schema>, id: number): Promise<void> {
  await tx.deleteFrom('vpn_pools').where('id', '=', id).execute();
}

/** The slots that a pool lends, in order. */
export async function findUsedSlots(tx: Transaction<Schema>, poolId: number): Promise<bigint[]> {
  const rows = await tx
    .selectFrom('vpn_networks')
    .select('slot')
    .where('pool_id', '=', poolId)
    .orderBy('slot')
    .execute();
  return rows.map(({ slot }) => BigInt(slot));
}

/** What networks are looked for by; all of what is given has to fit. */
export interface NetworkFilter {
  readonly ids?: readonly number[] | undefined;
  readonly poolId?: number | undefined;
  readonly userId?: number | undefined;
  readonly within?: Reach;
  readonly references?: readonly string[] | undefined;
  readonly publicKeys?: readonly PublicKey[] | undefined;
  /** Of a pool only slots above this one, and at most `limit` networks. */
  readonly page?: Page;
}

/** The networks that fit, in the order of their pools and slots. */
export async function findNetworks(tx: Transaction<Schema>, filter: NetworkFilter): Promise<LentNetwork[]> {
  return (await networkQuery(tx, filter).execute()).map(networkOf);
}

/** Hands on in pages what `findNetworks` finds. */
export function readNetworks(
  tx: Transaction<Schema>,
  filter: NetworkFilter,
  take: TakePage<LentNetwork>,
): Promise<void> {
  return readPages(networkQuery(tx, filter), networkOf, take);
}

function networkQuery(
  tx: Transaction<Schema>,
  { ids, poolId, userId, within, references, publicKeys, page }: NetworkFilter,
) {
  return tx
    .selectFrom('vpn_networks')
    .innerJoin('users', 'users.id', 'vpn_networks.user_id')
    .select(['vpn_networks.id', 'pool_id', 'slot', 'network', 'username', 'public_key', 'reference'])
    .select('vpn_networks.created_at')
    .$if(ids !== undefined, (query) => query.where(isAmong(tx, 'vpn_networks.id', ids ?? [])))
    .$if(poolId !== undefined, (query) => query.where('pool_id', '=', poolId ?? 0))
    .$if(userId !== undefined, (query) => query.where('user_id', '=', userId ?? 0))
    .$if(within !== undefined, (query) => query.where('user_id', 'in', within ?? []))
    .$if(references !== undefined, (query) => query.where(isAmong(tx, 'reference', references ?? [])))
    .$if(publicKeys !== undefined, (query) => query.where(isAmong(tx, 'public_key', publicKeys ?? [])))
    .$if(page !== undefined, (query) => query.where('slot', '>', page?.after ?? 0).limit(page?.limit ?? 0))
    .orderBy('pool_id')
    .orderBy('slot');
}

function networkOf(row: InferResult<ReturnType<typeof networkQuery>>[number]): LentNetwork {
  return {
    id: row.id,
    poolId: row.pool_id,
    slot: BigInt(row.slot),
    network: row.network,
    username: row.username as Username,
    publicKey: row.public_key as PublicKey,
    reference: row.reference,
    createdAt: row.created_at as Instant,
  };
}

/** To whom a slot is lent. */
export interface Loan {
  readonly userId: number;
  readonly publicKey: PublicKey;
  readonly reference: string | null;
}

const NETWORK_COLUMNS = {
  pool_id: 'bigint',
  slot: 'bigint',
  network: 'cidr',
  first_address: 'text',
  last_address: 'text',
  user_id: 'bigint',
  public_key: 'text',
  reference: 'text',
  created_at: 'bigint',
} as const;

const RELEASED_COLUMNS = { pool_id: 'bigint', slot: 'bigint', released_at: 'bigint' } as const;

/** Lends the chosen slots in their order; there are as many as loans. */
export async function lendSlots(
  tx: Transaction<Schema>,
  choices: readonly SlotChoice[],
  loans: readonly Loan[],
  now: Instant,
): Promise<void> {
  const rows: unknown[][] = [];
  for (const choice of choices) {
    const { pool } = choice;
    for (const slot of await takeSlots(tx, choice)) {
      const network = slotPrefix(pool.prefix, pool.subnetworkSize, slot);
      const addresses = [formatPrefix(network), firstAddressHex(network), lastAddressHex(network)];
      const loan = loans[rows.length];
      rows.push([pool.id, Number(slot), ...addresses, loan?.userId, loan?.publicKey, loan?.reference, now]);
    }
  }
  await insertRows(tx, 'vpn_networks', NETWORK_COLUMNS, rows);
}

/** Gives a network another public key. */
export async function replaceNetworkKey(
  tx: Transaction<Schema>,
  id: number,
  publicKey: PublicKey,
): Promise<void> {
  await tx.updateTable('vpn_networks').set({ public_key: publicKey }).where('id', '=', id).execute();
}

/** Takes networks back: their slots are lent again in the order of their release. */
export async function releaseNetworks(
  tx: Transaction<Schema>,
  networks: readonly LentNetwork[],
  now: Instant,
): Promise<void> {
  const ids = networks.map(({ id }) => id);
  await tx
    .deleteFrom('vpn_networks')
    .where(isAmong(tx, 'id', ids))
    .execute();
  const rows = networks.map(({ poolId, slot }) => [poolId, Number(slot), now]);
  await insertRows(tx, 'vpn_released_slots', RELEASED_COLUMNS, rows);
}

/** Takes the chosen slots out of a pool: the next ones never lent, then the ones released longest ago. */
async function takeSlots(tx: Transaction<Schema>, { pool, fresh, released }: SlotChoice): Promise<bigint[]> {
  const slots = Array.from({ length: fresh }, (_, at) => pool.nextSlot + BigInt(at));
  if (fresh > 0) {
    const next = Number(pool.nextSlot) + fresh;
    await tx.updateTable('vpn_pools').set({ next_slot: next }).where('id', '=', pool.id).execute();
  }
  if (released === 0) return slots;
  const oldest = await tx
    .selectFrom('vpn_released_slots')
    .select(['slot', 'released_at'])
    .where('pool_id', '=', pool.id)
    .orderBy('released_at')
    .orderBy('slot')
    .limit(released)
    .execute();
  const last = oldest.at(-1);
  await tx
    .deleteFrom('vpn_released_slots')
    .where('pool_id', '=', pool.id)
    .where(sql<boolean>`(released_at, slot) <= (${last?.released_at}, ${last?.slot})`)
    .execute();
  return [...slots, ...oldest.map(({ slot }) => BigInt(slot))];
}
