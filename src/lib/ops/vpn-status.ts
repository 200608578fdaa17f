import { refuse } from '../core/errors.ts';
import type { Hostname } from '../core/hostname.ts';
import { type PeerTraffic, type TunnelState, tunnelState } from '../core/tunnel.ts';
import { hostTools } from '../io/host-tools.ts';
import { readTraffic } from '../io/wireguard.ts';
import type { Context } from './context.ts';

/** The tunnel of a network, as the interface of its host knows it. */
export interface Tunnel extends PeerTraffic {
  readonly networkId: number;
  readonly network: string;
  readonly publicKey: string;
  readonly interface: string;
  readonly state: TunnelState;
}

const NOTHING: PeerTraffic = { latestHandshake: null, endpoint: null, received: 0, sent: 0 };

/**
 * The tunnels of the networks of this host, in the order of pools and addresses. Nothing is changed, and nothing is
 * read that the role of a host may not read.
 * @throws NO_POOL_FOR_HOST, TOOL_MISSING, NOT_PERMITTED, COMMAND_FAILED
 */
export async function readTunnels(context: Context, hostname: Hostname): Promise<Tunnel[]> {
  const database = await context.db();
  const networks = await database.read(async (tx) => {
    const pools = await tx
      .selectFrom('vpn_pools')
      .select('hostname')
      .distinct()
      .orderBy('hostname')
      .execute();
    const hostnames = pools.map((pool) => pool.hostname);
    if (!hostnames.includes(hostname)) throw refuse.NO_POOL_FOR_HOST({ hostname, hostnames });
    return tx
      .selectFrom('vpn_networks')
      .innerJoin('vpn_pools', 'vpn_pools.id', 'vpn_networks.pool_id')
      .select(['vpn_networks.id', 'vpn_networks.network', 'vpn_networks.public_key', 'interface'])
      .where('hostname', '=', hostname)
      .orderBy('pool_id')
      .orderBy('slot')
      .execute();
  });
  const traffic = await readTraffic(hostTools(context.run, context.config).wg);
  return networks.map(({ id, network, public_key: publicKey, interface: name }) => {
    const found = traffic.get(name)?.get(publicKey);
    const state = tunnelState(found, context.now);
    return { ...(found ?? NOTHING), networkId: id, network, publicKey, interface: name, state };
  });
}
