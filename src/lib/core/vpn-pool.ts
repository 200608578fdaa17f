import { refuse } from './errors.ts';
import type { Hostname } from './hostname.ts';
import { type InterfaceName, type ListenPort, nextInterfaceName, nextListenPort } from './interface-name.ts';
import { formatPrefix, overlaps, type Prefix, prefixOf, slotCount } from './prefix.ts';
import type { PublicKey } from './wireguard-key.ts';

/** The length of a network when nobody asks for another. */
export const DEFAULT_NETWORK_SIZE = 48;

/**
 * Reads the length of a network, 0 to 128.
 * @throws INVALID_SIZE
 */
export function parseNetworkSize(text: string): number {
  if (!/^(0|[1-9]\d{0,2})$/.test(text) || Number(text) > 128) throw refuse.INVALID_SIZE({ text });
  return Number(text);
}

/** Addresses that are no client's (RFC 4291 §2.4), as a sentence calls them. */
const RESERVED = [
  { name: '::/8 (loopback, IPv4-mapped)', prefix: prefixOf(0n, 8) },
  { name: 'fe80::/10 (link-local)', prefix: prefixOf(0xfe80n << 112n, 10) },
  { name: 'ff00::/8 (multicast)', prefix: prefixOf(0xffn << 120n, 8) },
];

/**
 * How many networks a new pool would hold. A pool becomes a route of its host, so one that covers special
 * addresses, `::/0` above all, would cut the host off.
 * @throws POOL_NOT_UNICAST; SIZE_OUTSIDE_POOL
 */
export function checkPool(prefix: Prefix, subnetworkSize: number): bigint {
  for (const reserved of RESERVED) {
    if (overlaps(reserved.prefix, prefix)) {
      throw refuse.POOL_NOT_UNICAST({ prefix: formatPrefix(prefix), reserved: reserved.name });
    }
  }
  return slotCount(prefix, subnetworkSize);
}

/** Where a pool is served. */
export interface PoolPlace {
  readonly prefix: Prefix;
  readonly hostname: Hostname;
  readonly interface: InterfaceName;
  readonly listenPort: ListenPort;
}

/**
 * Decides where a new pool is served; an interface name or a port that is null becomes the next free one of the host.
 * @param pools all pools there are
 * @throws POOL_OVERLAPS, INTERFACE_TAKEN, PORT_TAKEN, NO_FREE_PORT
 */
export function placePool(
  pools: readonly (PoolPlace & { readonly id: number })[],
  {
    prefix,
    hostname,
    ...asked
  }: Pick<PoolPlace, 'prefix' | 'hostname'> & {
    readonly interface: InterfaceName | null;
    readonly listenPort: ListenPort | null;
  },
): PoolPlace {
  const inTheWay = pools.find((pool) => overlaps(pool.prefix, prefix));
  if (inTheWay !== undefined) {
    const network = formatPrefix(inTheWay.prefix);
    throw refuse.POOL_OVERLAPS({ prefix: formatPrefix(prefix), poolId: inTheWay.id, network });
  }
  const neighbours = pools.filter((pool) => pool.hostname === hostname);
  checkPlace(neighbours, hostname, asked);
  return {
    prefix,
    hostname,
    interface: asked.interface ?? nextInterfaceName(neighbours.map((pool) => pool.interface)),
    listenPort: asked.listenPort ?? nextListenPort(neighbours.map((pool) => pool.listenPort)),
  };
}

/** What is asked for of a pool; null leaves open what it is. */
interface WantedPool {
  readonly subnetworkSize: number;
  readonly hostname: Hostname;
  readonly interface: InterfaceName | null;
  readonly listenPort: ListenPort | null;
  readonly publicKey: PublicKey | null;
}

/**
 * Makes sure that the pool with a prefix is what is asked for under it.
 * @throws POOL_EXISTS naming the differences
 */
export function checkSamePool(
  pool: PoolPlace & Pick<PoolRoom, 'id' | 'subnetworkSize'> & { readonly publicKey: PublicKey },
  wanted: WantedPool,
): void {
  const { subnetworkSize, hostname, interface: name, listenPort, publicKey } = wanted;
  const differences = [
    ...(subnetworkSize === pool.subnetworkSize ? [] : ['the length of its networks']),
    ...(hostname === pool.hostname ? [] : ['its hostname']),
    ...(name === null || name === pool.interface ? [] : ['its interface']),
    ...(listenPort === null || listenPort === pool.listenPort ? [] : ['its port']),
    ...(publicKey === null || publicKey === pool.publicKey ? [] : ['its private key']),
  ];
  if (differences.length === 0) return;
  throw refuse.POOL_EXISTS({ prefix: formatPrefix(pool.prefix), poolId: pool.id, differences });
}

/** What is to be changed about where a pool is served; an absent field stays as it is. */
export interface PlaceChange {
  readonly hostname?: Hostname | undefined;
  readonly interface?: InterfaceName | undefined;
  readonly listenPort?: ListenPort | undefined;
}

/** The fields of a place that can change, in the order in which they are named. */
const PLACE_FIELDS = ['hostname', 'interface', 'listenPort'] as const;

/**
 * Decides where a pool is served after a change, and which fields that changes.
 * @param pools all pools there are
 * @throws INTERFACE_TAKEN, PORT_TAKEN, NO_FREE_PORT
 */
export function movePool<Pool extends PoolPlace & { readonly id: number }>(
  pool: Pool,
  pools: readonly Pool[],
  change: PlaceChange,
): { place: Pick<PoolPlace, (typeof PLACE_FIELDS)[number]>; changed: (typeof PLACE_FIELDS)[number][] } {
  const place = {
    hostname: change.hostname ?? pool.hostname,
    interface: change.interface ?? pool.interface,
    listenPort: change.listenPort ?? pool.listenPort,
  };
  const neighbours = pools.filter(({ id, hostname }) => id !== pool.id && hostname === place.hostname);
  checkPlace(neighbours, place.hostname, place);
  return { place, changed: PLACE_FIELDS.filter((field) => place[field] !== pool[field]) };
}

/**
 * @param neighbours the other pools of the host
 * @throws INTERFACE_TAKEN, PORT_TAKEN, NO_FREE_PORT
 */
function checkPlace(
  neighbours: readonly (PoolPlace & { readonly id: number })[],
  hostname: Hostname,
  asked: { readonly interface: InterfaceName | null; readonly listenPort: ListenPort | null },
): void {
  const sameName = neighbours.find((pool) => pool.interface === asked.interface);
  if (sameName !== undefined) {
    const { interface: name, id: poolId } = sameName;
    const free = nextInterfaceName(neighbours.map((pool) => pool.interface));
    throw refuse.INTERFACE_TAKEN({ interface: name, hostname, poolId, free });
  }
  const samePort = neighbours.find((pool) => pool.listenPort === asked.listenPort);
  if (samePort !== undefined) {
    const { listenPort: port, id: poolId } = samePort;
    const free = nextListenPort(neighbours.map((pool) => pool.listenPort));
    throw refuse.PORT_TAKEN({ port, hostname, poolId, free });
  }
}

/** A pool and how far it is lent. Slots below `nextSlot` were lent at least once. */
export interface PoolRoom {
  readonly id: number;
  readonly prefix: Prefix;
  readonly subnetworkSize: number;
  readonly nextSlot: bigint;
  /** Networks that it lends now; `nextSlot` − `used` slots have been released. */
  readonly used: bigint;
}

/** What is asked for: `count` networks of a size, from one pool or from any. */
export interface NetworkRequest {
  readonly count: number;
  /** null: the size of the named pool, or /48. */
  readonly size: number | null;
  readonly poolId: number | null;
}

/** The slots to take from one pool: `fresh` from its next slot on, then the `released` oldest released ones. */
export interface SlotChoice {
  readonly pool: PoolRoom;
  readonly fresh: number;
  readonly released: number;
}

/**
 * Decides where new networks come from: the fullest pool that still has room, then the next; in each, slots never
 * lent before, then the ones released longest ago, because a network should not go to a stranger the day after.
 * `pools` are all pools, so that a refusal can name what is free elsewhere.
 * @throws UNKNOWN_POOL, NO_POOL_OF_SIZE, or POOL_FULL when not all of them can be had; nothing is chosen then
 */
export function chooseSlots(pools: readonly PoolRoom[], request: NetworkRequest): SlotChoice[] {
  const { count, poolId } = request;
  const named = poolId === null ? undefined : pools.find((pool) => pool.id === poolId);
  if (poolId !== null && named === undefined) throw refuse.UNKNOWN_POOL({ id: String(poolId) });
  const size = request.size ?? named?.subnetworkSize ?? DEFAULT_NETWORK_SIZE;
  const suitable = (named === undefined ? pools : [named]).filter((pool) => pool.subnetworkSize === size);
  if (suitable.length === 0) {
    const sizes = (named === undefined ? pools : [named]).map((pool) => pool.subnetworkSize);
    throw refuse.NO_POOL_OF_SIZE({ size, poolId, sizes: [...new Set(sizes)].sort((a, b) => a - b) });
  }
  const choices: SlotChoice[] = [];
  let missing = BigInt(count);
  for (const pool of [...suitable].sort(fullestFirst)) {
    const fresh = least(missing, capacityOf(pool) - pool.nextSlot);
    const released = least(missing - fresh, pool.nextSlot - pool.used);
    missing -= fresh + released;
    if (fresh + released > 0n) choices.push({ pool, fresh: Number(fresh), released: Number(released) });
  }
  if (missing > 0n) {
    throw refuse.POOL_FULL({
      size,
      count,
      poolId,
      free: suitable.reduce((sum, pool) => sum + freeIn(pool), 0n),
      elsewhere: pools
        .filter((pool) => !suitable.includes(pool) && freeIn(pool) > 0n)
        .map((pool) => ({ poolId: pool.id, size: pool.subnetworkSize, free: freeIn(pool) })),
    });
  }
  return choices;
}

/** The pools as they are when the chosen slots are lent. */
export function afterChoice(pools: readonly PoolRoom[], choices: readonly SlotChoice[]): PoolRoom[] {
  const chosen = new Map(choices.map((choice) => [choice.pool.id, choice]));
  return pools.map((pool) => {
    const { fresh, released } = chosen.get(pool.id) ?? { fresh: 0, released: 0 };
    return { ...pool, nextSlot: pool.nextSlot + BigInt(fresh), used: pool.used + BigInt(fresh + released) };
  });
}

/** How many networks of a size all pools together have free. */
export function freeOfSize(pools: readonly PoolRoom[], size: number): bigint {
  return pools.reduce((sum, pool) => sum + (pool.subnetworkSize === size ? freeIn(pool) : 0n), 0n);
}

/** How many networks a pool holds, lent or free. */
export function capacityOf({ prefix, subnetworkSize }: Pick<PoolRoom, 'prefix' | 'subnetworkSize'>): bigint {
  return slotCount(prefix, subnetworkSize);
}

function freeIn(pool: PoolRoom): bigint {
  return capacityOf(pool) - pool.used;
}

/** By the used share, without division; of equals, the older pool first. */
function fullestFirst(one: PoolRoom, other: PoolRoom): number {
  const difference = other.used * capacityOf(one) - one.used * capacityOf(other);
  return difference === 0n ? one.id - other.id : difference > 0n ? 1 : -1;
}

function least(one: bigint, other: bigint): bigint {
  return one < other ? one : other;
}
