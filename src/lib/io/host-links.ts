import { readFile } from 'node:fs/promises';
import { refuse } from '../core/errors.ts';
import type { HostState, LinkSteps } from '../core/link-plan.ts';
import type { HostTools } from './host-tools.ts';
import {
  addLink,
  deleteRoute,
  isRouteTaken,
  markLink,
  raiseLink,
  readLinksAndRoutes,
  replaceRoute,
} from './ip.ts';
import { changePeers, readDevices, startUserspace, syncConfig } from './wireguard.ts';

/**
 * What the host has now: its links, its WireGuard interfaces and our routes.
 * @throws TOOL_MISSING, NOT_PERMITTED, COMMAND_FAILED
 */
export async function readHost(tools: HostTools): Promise<HostState> {
  const [devices, others] = await Promise.all([readDevices(tools.wg), readLinksAndRoutes(tools)]);
  return { devices, ...others };
}

/** The interface that is changed. */
export interface Target {
  readonly interface: string;
  /** Its WireGuard file, as the steps want it. */
  readonly file: string;
  /** What serves WireGuard where the kernel does not; null: as for wg-quick. */
  readonly userspace: string | null;
}

/**
 * Brings an interface to what is wanted. A route needs a link that is up.
 * @throws LISTEN_PORT_IN_USE, ROUTE_NOT_OURS, USERSPACE_FAILED, and the refusals of `Tool`
 */
export async function takeSteps(tools: HostTools, target: Target, steps: LinkSteps): Promise<void> {
  const { ip, wg } = tools;
  const name = target.interface;
  if (steps.create && !(await addLink(ip, name))) await startUserspace(tools.run, target.userspace, name);
  if (steps.mark !== null) await markLink(ip, name, steps.mark);
  if (steps.configure) await syncConfig(wg, name, target.file);
  await changePeers(wg, name, steps);
  if (steps.raise) await raiseLink(ip, name);
  if (steps.addRoute !== null) {
    if (await isRouteTaken(tools, steps.addRoute, name)) {
      throw refuse.ROUTE_NOT_OURS({ interface: name, prefix: steps.addRoute });
    }
    await replaceRoute(tools, steps.addRoute, name);
  }
  for (const prefix of steps.removeRoutes) await deleteRoute(tools, prefix, name);
}

/** Whether the kernel passes IPv6 packets on between interfaces; without it no client reaches anything. */
export async function isForwarding(): Promise<boolean> {
  // Without IPv6 the file is missing.
  return readFile('/proc/sys/net/ipv6/conf/all/forwarding', 'utf8').then(
    (text) => text.trim() !== '0',
    () => false,
  );
}
