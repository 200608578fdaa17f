import { formatInstant, type Instant } from '../core/instant.ts';
import type { Tunnel } from '../ops/vpn-status.ts';
import { renderTable, right } from './table.ts';

/** A tunnel as `--json` gives it. */
export function tunnelDocument({ latestHandshake, networkId, publicKey, received, sent, ...tunnel }: Tunnel) {
  return {
    network_id: networkId,
    network: tunnel.network,
    public_key: publicKey,
    interface: tunnel.interface,
    state: tunnel.state,
    latest_handshake: latestHandshake === null ? null : formatInstant(latestHandshake),
    endpoint: tunnel.endpoint,
    received_bytes: received,
    sent_bytes: sent,
  };
}

/** Tunnels as a table. */
export function tunnelTable(tunnels: readonly Tunnel[], now: Instant): string {
  return renderTable(
    [
      right('id'),
      { title: 'network' },
      { title: 'interface' },
      { title: 'state' },
      right('handshake'),
      right('received'),
      right('sent'),
    ],
    tunnels.map((tunnel) => [
      tunnel.networkId,
      tunnel.network,
      tunnel.interface,
      tunnel.state,
      tunnel.latestHandshake === null ? null : ago(Math.max(0, now - tunnel.latestHandshake)),
      bytes(tunnel.received),
      bytes(tunnel.sent),
    ]),
  );
}

function ago(seconds: number): string {
  const units = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
  ] as const;
  const [unit, size] = units.find(([, inUnit]) => seconds >= inUnit) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length, Math.floor(Math.log2(count) / 10));
  return `${(count / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
}
