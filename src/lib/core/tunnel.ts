import type { Instant } from './instant.ts';

/**
 * Seconds after its handshake from which on a session passes no packet: REJECT_AFTER_TIME of J. A. Donenfeld,
 * “WireGuard: Next Generation Kernel Network Tunnel”, §6.1. A client with anything to send makes a new one after 120.
 */
const REJECT_AFTER_SECONDS = 180;

/** What the interface of a host knows about a peer. */
export interface PeerTraffic {
  /** As `wg` writes them, with `,` between. */
  readonly allowedIps: string;
  /** null: never since the interface was made. */
  readonly latestHandshake: Instant | null;
  /** Where its last packet came from, as `wg` writes it. */
  readonly endpoint: string | null;
  /** Bytes since the interface was made. */
  readonly received: number;
  readonly sent: number;
}

/**
 * Whether a client is there: `live` with a session, `stale` with one that is over, `never` without any; `absent` when
 * the interface does not know its key, so that `uncloud vpn` has yet to run.
 */
export type TunnelState = 'live' | 'stale' | 'never' | 'absent';

/** The state of the tunnel of a peer; undefined is a peer that the interface does not have. */
export function tunnelState(traffic: PeerTraffic | undefined, now: Instant): TunnelState {
  if (traffic === undefined) return 'absent';
  if (traffic.latestHandshake === null) return 'never';
  return now - traffic.latestHandshake > REJECT_AFTER_SECONDS ? 'stale' : 'live';
}
