import { type InferResult, sql, type Transaction } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import { firstAddressHex, formatPrefix, lastAddressHex, slotPrefix } from '../../core/prefix.ts';
import type { Username } from '../../core/user.ts';
import type { SlotChoice } from '../../core/vpn-pool.ts';
import type { PublicKey } from '../../core/wireguard-key.ts';
import type { Reach } from './access.ts';
import { insertRows, isAmong } from './bulk.ts';
import { type Page, readPages, type TakePage } from './pages.ts';
import type { Schema } from './schema.ts';

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
