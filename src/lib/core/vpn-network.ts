import { refuse } from './errors.ts';
import type { Username } from './user.ts';
import type { PublicKey } from './wireguard-key.ts';

/** A network that a request may be about. */
interface Network {
  readonly id: number;
  readonly username: Username;
  readonly publicKey: PublicKey;
  readonly poolId: number;
}

/** What is asked for under a reference; null leaves open what it is. */
interface Wanted {
  readonly username: Username;
  readonly publicKey: PublicKey;
  readonly size: number | null;
  readonly poolId: number | null;
}

/** In which points a network is not what is asked for, as a sentence calls them. */
export function networkDifferences(
  network: Network,
  { username, publicKey, size, poolId }: Wanted,
  pools: readonly { readonly id: number; readonly subnetworkSize: number }[],
): string[] {
  const pool = pools.find(({ id }) => id === network.poolId);
  return [
    ...(network.username === username ? [] : ['its user']),
    ...(network.publicKey === publicKey ? [] : ['its public key']),
    ...(size === null || size === pool?.subnetworkSize ? [] : ['its size']),
    ...(poolId === null || poolId === network.poolId ? [] : ['its pool']),
  ];
}

/**
 * Makes sure that the network with a reference is what is asked for under it.
 * @throws NETWORK_EXISTS naming the differences
 */
export function checkSameNetwork(
  reference: string,
  network: Network,
  wanted: Wanted,
  pools: readonly { readonly id: number; readonly subnetworkSize: number }[],
): void {
  const differences = networkDifferences(network, wanted, pools);
  if (differences.length > 0) throw refuse.NETWORK_EXISTS({ reference, networkId: network.id, differences });
}
