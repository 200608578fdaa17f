import type { Hostname } from '../core/hostname.ts';
import { type PeerTraffic, type TunnelState, tunnelState } from '../core/tunnel.ts';
import { findServedNetworks, getServedRows } from '../io/db/vpn-host-roles.ts';
import { hostTools } from '../io/host-tools.ts';
import { readTraffic } from '../io/wireguard.ts';
import type { Context } from './context.ts';

/** The tunnel of a network or of a peer of nobody, as the interface of its host knows it. */
export interface Tunnel extends PeerTraffic {
  /** null: the database does not know this peer. */
  readonly networkId: number | null;
  readonly network: string;
  readonly publicKey: string;
  readonly interface: string;
  readonly state: TunnelState;
}

const NOTHING: PeerTraffic = { allowedIps: '', latestHandshake: null, endpoint: null, received: 0, sent: 0 };

/**
 * The tunnels of the networks of this host, in the order of pools and addresses, then the peers that only its
 * interfaces know, which the brake may keep. Nothing is changed, and nothing is read that the role of a host may not
 * read.
 * @throws NO_POOL_FOR_HOST, TOOL_MISSING, NOT_PERMITTED, COMMAND_FAILED
 */
export async function readTunnels(context: Context, hostname: Hostname): Promise<Tunnel[]> {
  const database = await context.db();
  const { interfaces, networks } = await database.read(async (tx) => {
    const pools = await getServedRows(tx, hostname);
    return {
      interfaces: pools.map((pool) => pool.interface),
      networks: await findServedNetworks(tx, hostname),
    };
  });
  const traffic = await readTraffic(hostTools(context.run, context.config).wg);
  const known = networks.map(({ id, network, publicKey, interface: name }): Tunnel => {
    const found = traffic.get(name)?.get(publicKey);
    traffic.get(name)?.delete(publicKey);
    const state = tunnelState(found, context.now);
    return { ...(found ?? NOTHING), networkId: id, network, publicKey, interface: name, state };
  });
  const strangers = interfaces.flatMap((name) =>
    Array.from(traffic.get(name) ?? [], ([publicKey, found]): Tunnel => {
      const state = tunnelState(found, context.now);
      return { ...found, networkId: null, network: found.allowedIps, publicKey, interface: name, state };
    }),
  );
  return [...known, ...strangers];
}
