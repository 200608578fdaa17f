import { existsSync } from 'node:fs';
import { UserError } from '../core/errors.ts';
import type { HostState } from '../core/link-plan.ts';
import type { HostTools, Tool } from './host-tools.ts';

/** What routes are read and changed with. */
type Routing = Pick<HostTools, 'ip' | 'routeProtocol'>;

/** The links of the machine by their names, and the routes that carry our protocol number. */
export async function readLinksAndRoutes({
  ip,
  routeProtocol,
}: Routing): Promise<Pick<HostState, 'links' | 'routes'>> {
  const input = `route show proto ${routeProtocol}\nlink show\n`;
  const printed = await ip(['-json', '-6', '-batch', '-'], { privileged: false, input });
  const [links = '', routes = ''] = printed.trim().split('\n').reverse();
  return {
    links: new Map(
      parse<{ ifname: string; ifalias?: string; flags?: string[] }>(links).map(
        ({ ifname, ifalias, flags }) => [
          ifname,
          { alias: ifalias ?? null, up: flags?.includes('UP') ?? false },
        ],
      ),
    ),
    routes: parse<{ dst: string; dev?: string }>(routes).map(({ dst, dev }) => ({
      prefix: dst,
      interface: dev ?? '',
    })),
  };
}

/** The metric that the kernel gives a route when none is asked for (IP6_RT_PRIO_USER). */
const DEFAULT_METRIC = 1024;

/**
 * Whether somebody else's route to exactly this prefix stands where `replaceRoute` would put ours. One that leads to
 * the same link says what ours would say, as that of another protocol number does which was ours until now.
 */
export async function isRouteTaken(
  { ip, routeProtocol }: Routing,
  prefix: string,
  name: string,
): Promise<boolean> {
  const args = ['-json', '-N', '-6', 'route', 'show', 'exact', prefix];
  const rows = parse<{ protocol?: string; metric?: number; dev?: string }>(
    await ip(args, { privileged: false }),
  );
  return rows.some(
    ({ protocol, metric, dev }) =>
      protocol !== String(routeProtocol) && metric === DEFAULT_METRIC && dev !== name,
  );
}

/** Makes a WireGuard link; false when the kernel has no WireGuard. */
export async function addLink(ip: Tool, name: string): Promise<boolean> {
  try {
    await ip(['link', 'add', 'dev', name, 'type', 'wireguard']);
    return true;
  } catch (error) {
    const isUnknown =
      error instanceof UserError && /Unknown device type|Operation not supported/.test(error.message);
    if (isUnknown && !existsSync('/sys/module/wireguard')) return false;
    throw error;
  }
}

/** Removes a link; a userspace implementation that serves it ends. */
export async function deleteLink(ip: Tool, name: string): Promise<void> {
  await ip(['link', 'delete', 'dev', name]);
}

/** Gives a link an alias. */
export async function markLink(ip: Tool, name: string, mark: string): Promise<void> {
  await ip(['link', 'set', 'dev', name, 'alias', mark]);
}

/** Sets a link up. */
export async function raiseLink(ip: Tool, name: string): Promise<void> {
  await ip(['link', 'set', 'dev', name, 'up']);
}

/** Sends a prefix to a link. One route for a whole pool: a route for each network costs forty times as much. */
export async function replaceRoute(
  { ip, routeProtocol }: Routing,
  prefix: string,
  name: string,
): Promise<void> {
  await ip(['-6', 'route', 'replace', prefix, 'dev', name, 'proto', String(routeProtocol)]);
}

/** Removes a route that `replaceRoute` made, unless the same prefix was sent to another link since: then it is gone. */
export async function deleteRoute(
  { ip, routeProtocol }: Routing,
  prefix: string,
  name: string,
): Promise<void> {
  try {
    await ip(['-6', 'route', 'delete', prefix, 'dev', name, 'proto', String(routeProtocol)]);
  } catch (error) {
    const isGone = error instanceof UserError && error.message.includes('No such process');
    if (!isGone) throw error;
  }
}

/** `ip` prints nothing at all, in place of an empty list, when nothing fits. */
function parse<Row>(json: string): Row[] {
  return json.trim() === '' ? [] : (JSON.parse(json) as Row[]);
}
