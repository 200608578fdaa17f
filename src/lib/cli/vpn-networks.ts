import { Flags } from '@oclif/core';
import { formatInstant } from '../core/instant.ts';
import { formatPrefix } from '../core/prefix.ts';
import { parsePublicKey } from '../core/wireguard-key.ts';
import type { LentNetwork } from '../io/db/vpn-networks.ts';
import type { StoredPool } from '../io/db/vpn-pools.ts';
import { parsed } from './flags.ts';
import { type Cell, renderTable, right, toDay } from './table.ts';
import { endpointOf } from './vpn-pools.ts';

/** The public key of a client. */
export const publicKey = parsed('KEY', parsePublicKey);

/** The id of a pool. */
export function poolId(summary: string) {
  return Flags.integer({ helpValue: 'ID', min: 1, summary });
}

/** A network as `--json` gives it. */
export function networkDocument(network: LentNetwork) {
  return {
    id: network.id,
    network: network.network,
    username: network.username,
    pool_id: network.poolId,
    public_key: network.publicKey,
    reference: network.reference,
    created_at: formatInstant(network.createdAt),
  };
}

/** Networks as a sentence names them, of which there is at least one. */
export function networksName(networks: readonly LentNetwork[]): string {
  const [first, ...others] = networks;
  if (others.length === 0) return `network ${first?.id}, ${first?.network} of ${first?.username}`;
  const users = new Set(networks.map(({ username }) => username)).size;
  return `${networks.length} networks of ${users === 1 ? first?.username : `${users} users`}`;
}

/** Networks as a table. */
export function networkTable(networks: readonly LentNetwork[]): string {
  return renderTable(
    [
      right('id'),
      { title: 'network' },
      { title: 'user' },
      { ...right('pool'), spare: 2 },
      { title: 'public key', yields: true, spare: 1 },
      { title: 'created', shorten: toDay },
      { title: 'reference', yields: true },
    ],
    networks.map((network) => [
      network.id,
      network.network,
      network.username,
      network.poolId,
      network.publicKey,
      formatInstant(network.createdAt),
      network.reference,
    ]),
  );
}

/** A network as a reader sees it. */
export function networkFields(network: LentNetwork, pool: StoredPool): Record<string, Cell> {
  return {
    Id: network.id,
    Network: network.network,
    User: network.username,
    'Public key': network.publicKey,
    Reference: network.reference,
    Created: formatInstant(network.createdAt),
    Pool: `${pool.id}, ${formatPrefix(pool.prefix)}`,
    Endpoint: endpointOf(pool),
    'Public key of the pool': pool.publicKey,
  };
}
