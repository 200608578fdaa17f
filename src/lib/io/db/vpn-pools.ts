import type { Transaction } from 'kysely';
import { refuse } from '../../core/errors.ts';
import type { Hostname } from '../../core/hostname.ts';
import type { Instant } from '../../core/instant.ts';
import type { InterfaceName, ListenPort } from '../../core/interface-name.ts';
import { firstAddressHex, formatPrefix, lastAddressHex, readPrefix } from '../../core/prefix.ts';
import type { PoolPlace, PoolRoom } from '../../core/vpn-pool.ts';
import type { PublicKey } from '../../core/wireguard-key.ts';
import { updateRows } from './bulk.ts';
import { only } from './database.ts';
import type { Schema } from './schema.ts';

/** A pool in the database, without its private key. */
export interface StoredPool extends PoolRoom, PoolPlace {
  readonly publicKey: PublicKey;
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
