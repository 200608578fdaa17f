import { parseHostname } from '../core/hostname.ts';
import { formatInstant } from '../core/instant.ts';
import type { HostRole } from '../io/db/vpn-host-roles.ts';
import type { RevokedHost } from '../ops/vpn-host-roles.ts';
import { parsedArg } from './flags.ts';
import { renderTable } from './table.ts';

/** The host that a role is for. */
export const hostnameArg = parsedArg('Name of the VPN host, as its pools name it', parseHostname);

/** A host with a role as `--json` gives it. */
export function hostDocument(host: HostRole) {
  return { hostname: host.hostname, role: host.role, granted_at: formatInstant(host.grantedAt) };
}

/** Hosts with a role as a table. */
export function hostTable(hosts: readonly HostRole[]): string {
  return renderTable(
    [{ title: 'hostname' }, { title: 'role' }, { title: 'granted' }],
    hosts.map((host) => [host.hostname, host.role, formatInstant(host.grantedAt)]),
  );
}

/** What to do about the role of a host that no pool names: its pools may come later, and its name may be a slip. */
export function saidOfUnnamed({ hostname }: HostRole): string {
  return (
    `no pool names ${hostname} yet, so its role sees none. The hosts of pools are listed with: uncloud vpn pool list; ` +
    `a slip is taken back with: uncloud vpn host revoke ${hostname}`
  );
}

/** What became of the role of a host, in words. */
export function saidOf({ hostname, role, outcome }: RevokedHost): string {
  if (outcome === 'dropped') return `Dropped the role ${role} of ${hostname}.`;
  if (outcome === 'left') {
    return `The role ${role} belongs to another database and stays; ${hostname} sees nothing in this one any more.`;
  }
  return (
    `The role ${role} of ${hostname} may not log in any more. Another database has rights of it, or it owns too many ` +
    `large objects to drop them at once; to drop it, run there: drop owned by ${role}; drop role ${role}`
  );
}
