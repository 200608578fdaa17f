import { type Selectable, sql, type Transaction } from 'kysely';
import { type OrderRow, orderColumns } from './orders.ts';
import type { Page } from './pages.ts';
import type { Schema } from './schema.ts';

/** The row of a pool, with how many of its slots are lent and how many were given back. */
export type PoolRow = Selectable<Schema['vpn_pools']> & {
  readonly lent: number | null;
  readonly released: number | null;
};

/** The rows of all pools, in the order of their ids. Nothing in them is checked. */
export async function findPoolRows(tx: Transaction<Schema>): Promise<PoolRow[]> {
  return tx
    .selectFrom('vpn_pools')
    .selectAll()
    .select((eb) => [
      eb
        .selectFrom('vpn_networks')
        .select(eb.fn.countAll<number>().as('count'))
        .whereRef('pool_id', '=', 'vpn_pools.id')
        .as('lent'),
      eb
        .selectFrom('vpn_released_slots')
        .select(eb.fn.countAll<number>().as('count'))
        .whereRef('pool_id', '=', 'vpn_pools.id')
        .as('released'),
    ])
    .orderBy('id')
    .execute();
}

/** The row of a network. */
export type NetworkRow = Selectable<Schema['vpn_networks']>;

/** The rows of networks, in the order of their ids. Nothing in them is checked. */
export async function findNetworkRows(
  tx: Transaction<Schema>,
  { after, limit }: Page,
): Promise<NetworkRow[]> {
  return tx
    .selectFrom('vpn_networks')
    .selectAll()
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
}

/** The networks whose slots are listed as given back all the same, the first of them by id. */
export async function findReleasedNetworks(
  tx: Transaction<Schema>,
  most: number,
): Promise<{ id: number; network: string }[]> {
  return tx
    .selectFrom('vpn_networks')
    .innerJoin('vpn_released_slots as released', (join) =>
      join
        .onRef('released.pool_id', '=', 'vpn_networks.pool_id')
        .onRef('released.slot', '=', 'vpn_networks.slot'),
    )
    .select(['vpn_networks.id', 'vpn_networks.network'])
    .orderBy('vpn_networks.id')
    .limit(most)
    .execute();
}

/** A prefix and another one that it shares addresses with. */
export interface Overlap {
  readonly id: number;
  readonly network: string;
  readonly other_id: number;
  readonly other: string;
}

/** Prefixes that share addresses with one that begins before them, or with them; the first of them by id. */
export async function findOverlaps(
  tx: Transaction<Schema>,
  table: 'vpn_pools' | 'vpn_networks',
  most: number,
): Promise<Overlap[]> {
  const name = sql.table(table);
  const { rows } = await sql<Overlap>`
    select later.id, later.network, other.id as other_id, other.network as other
    from (
      select id, network, first_address, last_address,
        max(last_address) over (order by first_address, id rows between unbounded preceding and 1 preceding) as reached
      from ${name}) as later
    join ${name} as other on other.id = (
      select min(id) from ${name} as earlier
      where earlier.first_address <= later.first_address and earlier.last_address >= later.first_address
        and earlier.id <> later.id)
    where later.reached >= later.first_address order by later.id limit ${most}`.execute(tx);
  return rows;
}

/** The row of an order, with whose it is. */
export type OwnedOrderRow = OrderRow & { readonly user_id: number };

/** An order that replaces another one. */
export interface SuccessionRows {
  readonly successor: OwnedOrderRow;
  /** Undefined: there is no such order. */
  readonly replaced: OwnedOrderRow | undefined;
}

/** The orders that replace others, in the order of their ids, each with the one that it replaces. */
export async function findSuccessions(
  tx: Transaction<Schema>,
  { after, limit }: Page,
): Promise<SuccessionRows[]> {
  const orders = tx.selectFrom('orders').select([...orderColumns, 'orders.user_id']);
  const successors = await orders
    .where('replaces_id', 'is not', null)
    .where('orders.id', '>', after)
    .orderBy('orders.id')
    .limit(limit)
    .execute();
  const ids = successors.map(({ replaces_id }) => replaces_id ?? 0);
  const replaced = await orders.where('orders.id', 'in', [0, ...ids]).execute();
  const byId = new Map(replaced.map((row) => [row.id, row]));
  return successors.map((successor) => ({ successor, replaced: byId.get(successor.replaces_id ?? 0) }));
}

/** The ids of orders with several successors, of which one that was cancelled before its start does not count. */
export async function findReplacedTwice(tx: Transaction<Schema>, most: number): Promise<number[]> {
  const rows = await tx
    .selectFrom('orders')
    .select('replaces_id')
    .where('replaces_id', 'is not', null)
    .where((eb) => eb.or([eb('ends_at', 'is', null), eb('ends_at', '>', eb.ref('starts_at'))]))
    .groupBy('replaces_id')
    .having((eb) => eb.fn.countAll(), '>', 1)
    .orderBy('replaces_id')
    .limit(most)
    .execute();
  return rows.map(({ replaces_id }) => replaces_id ?? 0);
}

/** How many payments there are. */
export async function countPayments(tx: Transaction<Schema>): Promise<number> {
  const [{ count } = { count: 0 }] = await paymentsOfBills(tx)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .execute();
  return count;
}

/** A bill as far as its payments depend on it. */
export interface PaidRow {
  readonly id: number;
  /** Null for a draft. */
  readonly number: number | null;
}

/** The bills whose payments are of the wrong sign, and drafts with payments; the first of them by id. */
export async function findWronglyPaid(
  tx: Transaction<Schema>,
  most: number,
): Promise<(PaidRow & { total: number })[]> {
  return paymentsOfBills(tx)
    .select(['bills.id', 'bills.number', 'bills.total'])
    .groupBy(['bills.id', 'bills.number', 'bills.total'])
    .having((eb) => {
      const paid = eb.fn.sum('payments.amount');
      return eb.or([
        eb('bills.number', 'is', null),
        eb.and([eb('bills.total', '<', 0), eb(paid, '>', 0)]),
        eb.and([eb('bills.total', '>=', 0), eb(paid, '<', 0)]),
      ]);
    })
    .orderBy('bills.id')
    .limit(most)
    .execute();
}

/** The references that several payments of one bill have, the first of them by the id of the bill. */
export async function findRepeatedPayments(
  tx: Transaction<Schema>,
  most: number,
): Promise<(PaidRow & { reference: string; times: number })[]> {
  return paymentsOfBills(tx)
    .select(['bills.id', 'bills.number', 'payments.reference'])
    .select((eb) => eb.fn.countAll<number>().as('times'))
    .groupBy(['bills.id', 'bills.number', 'payments.reference'])
    .having((eb) => eb.fn.countAll(), '>', 1)
    .orderBy('bills.id')
    .limit(most)
    .execute();
}

function paymentsOfBills(tx: Transaction<Schema>) {
  return tx.selectFrom('payments').innerJoin('bills', 'bills.id', 'payments.bill_id');
}
