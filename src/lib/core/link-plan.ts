import { refuse, type UserError } from './errors.ts';
import {
  asChange,
  brakeOn,
  type Change,
  type FilePlan,
  type FoundFile,
  planFile,
  planLeftover,
  type ServedPool,
  type StoredNetwork,
  successorOf,
} from './host-plan.ts';
import type { Hostname } from './hostname.ts';
import type { InterfaceName } from './interface-name.ts';
import { formatPrefix } from './prefix.ts';
import { parseHeader } from './wireguard-config.ts';
import { diffPeers, type FoundPeers, NO_PEERS, type Peer, type PeerChange } from './wireguard-peer.ts';

/** A link as `ip` reports it. */
export interface LiveLink {
  readonly alias: string | null;
  readonly up: boolean;
}

/** A WireGuard interface as `wg` reports it. */
export interface LiveDevice {
  readonly privateKey: string | null;
  /** 0: none. */
  readonly listenPort: number;
  readonly peers: FoundPeers;
  /** The peers that have a preshared key. */
  readonly withPresharedKey: readonly string[];
}

/** A route that carries our protocol number. */
export interface LiveRoute {
  readonly prefix: string;
  readonly interface: string;
}

/** What of a host we look at. */
export interface HostState {
  readonly links: ReadonlyMap<string, LiveLink>;
  readonly devices: ReadonlyMap<string, LiveDevice>;
  readonly routes: readonly LiveRoute[];
}

/** The steps that bring an interface to what the database says, in the order in which they are taken. */
export interface LinkSteps {
  readonly create: boolean;
  /** The alias that is to be set. */
  readonly mark: string | null;
  /** Take key, port and peers from the file as a whole. */
  readonly configure: boolean;
  readonly addPeers: readonly Peer[];
  readonly removePeers: readonly string[];
  readonly clearPresharedKeys: readonly string[];
  readonly raise: boolean;
  readonly addRoute: string | null;
  readonly removeRoutes: readonly string[];
}

/** What a run does to one interface and its file. */
export interface InterfacePlan extends FilePlan {
  readonly link:
    | { readonly action: 'change' | 'raise'; readonly steps: LinkSteps }
    | { readonly action: 'remove' }
    | { readonly action: 'leave' };
}

/** Whether a plan leaves all links and routes as they are; keys, ports and peers it may change. */
export function keepsLinks({ link }: InterfacePlan): boolean {
  if (link.action !== 'change') return link.action === 'leave';
  const { create, mark, raise, addRoute, removeRoutes } = link.steps;
  return !create && mark === null && !raise && addRoute === null && removeRoutes.length === 0;
}

/** More keys are found in a dump at less cost when it is read whole. */
const FEW = 20;

/**
 * The keys of the peers that plans change, where they are few and nothing else of any interface changes; else null.
 * A look at these peers, at keys and at ports says then what the changes had for an effect.
 */
export function fewChangedPeers(plans: readonly InterfacePlan[]): ReadonlySet<string> | null {
  const keys = new Set<string>();
  for (const plan of plans) {
    if (!keepsLinks(plan)) return null;
    if (plan.link.action !== 'change') continue;
    if (plan.link.steps.configure) return null;
    for (const change of plan.changes) if (!isOfFile(change)) keys.add(change.subject);
    if (keys.size > FEW) return null;
  }
  return keys;
}

/**
 * The interfaces that get another port in this run, and have one now that another interface gets. They have to let it
 * go first: two that swap their ports would each wait for the other.
 */
export function portsInTheWay(
  plans: readonly InterfacePlan[],
  pools: readonly Pick<ServedPool, 'interface' | 'listenPort'>[],
  { devices }: Pick<HostState, 'devices'>,
): InterfaceName[] {
  const configured = new Set(
    plans.flatMap(({ interface: name, link }) =>
      link.action === 'change' && link.steps.configure ? [name] : [],
    ),
  );
  const changing = pools.filter((pool) => configured.has(pool.interface));
  const takers = new Map<number, string>(changing.map((pool) => [pool.listenPort, pool.interface]));
  return changing.flatMap(({ interface: name }) => {
    const taker = takers.get(devices.get(name)?.listenPort ?? 0);
    return taker === undefined || taker === name ? [] : [name];
  });
}

/** The alias that marks the link of a pool as ours. */
function linkMark(poolId: number): string {
  return `uncloud:pool=${poolId}`;
}

const MARK = /^uncloud:pool=\d+$/;

/**
 * Decides what to do with an interface and its file. Where one of them is not ours or the brake holds, both stay.
 * @param file the file as it is; null when there is none
 */
export function planInterface(
  pool: ServedPool,
  networks: readonly StoredNetwork[],
  file: FoundFile | null,
  state: HostState,
  { prune }: { prune: boolean },
): InterfacePlan {
  const device = state.devices.get(pool.interface);
  const plan = planFile(pool, networks, file, { prune, live: device?.peers ?? NO_PEERS });
  if (plan.held) return planHeld(plan, file, state);
  const foreign = foreignReason(pool, file, state);
  if (foreign !== null) {
    const hasKey = device?.privateKey === pool.privateKey;
    const refusal = refuse.LINK_NOT_OURS({
      interface: pool.interface,
      reason: foreign,
      ...(state.links.has(pool.interface) && hasKey ? { mark: linkMark(pool.id) } : {}),
    });
    return leave({ ...plan, changes: [] }, refusal);
  }
  const { steps, changes, differences } = planLink(pool, plan.peers, state);
  const both = { ...plan, changes: [...plan.changes.filter(isOfFile), ...changes] };
  const brake = prune ? null : brakeOn(pool.interface, device?.peers ?? NO_PEERS, differences);
  if (brake !== null) return leave(both, brake);
  return { ...both, link: changes.length === 0 ? { action: 'leave' } : { action: 'change', steps } };
}

/** Decides what to do with the file of a pool that is gone, as `planLeftover` does, and with its link. */
export function planLeftoverInterface(
  hostname: Hostname,
  interfaceName: string,
  text: string,
  state: HostState,
  { prune, served = [] }: { prune: boolean; served?: readonly FilePlan[] },
): InterfacePlan | null {
  const plan = planLeftover(hostname, interfaceName, text, { prune, served });
  if (plan === null) return null;
  if (plan.held) return planHeld(plan, { text, exposed: false }, state);
  const isMarked = state.links.get(interfaceName)?.alias === linkMark(plan.poolId);
  if (isMarked) return withoutLink(plan, state, { prune, served });
  return { ...plan, changes: plan.changes.filter(isOfFile), link: { action: 'leave' } };
}

/**
 * The plans for links of pools that have another interface now, where the file is lost by which
 * `planLeftoverInterface` would have found them. The mark alone does not say whose a link is, because another database
 * numbers its pools alike; with the pool's key it does.
 * @param known the interfaces that are planned for already
 */
export function planLostLinks(
  pools: readonly ServedPool[],
  state: HostState,
  { known, ...options }: { known: ReadonlySet<string>; prune: boolean; served: readonly FilePlan[] },
): InterfacePlan[] {
  return [...state.links].flatMap(([name, { alias }]) => {
    const key = state.devices.get(name)?.privateKey;
    const pool = pools.find(({ id, privateKey }) => alias === linkMark(id) && key === privateKey);
    if (pool === undefined || known.has(name)) return [];
    const nothing = { changes: [], file: { action: 'leave' }, peers: [], held: false, refused: [] } as const;
    return [withoutLink({ interface: name, poolId: pool.id, ...nothing }, state, options)];
  });
}

/** Adds to a plan that the link goes, unless the brake holds it. */
function withoutLink(
  plan: FilePlan,
  state: HostState,
  { prune, served }: { prune: boolean; served: readonly FilePlan[] },
): InterfacePlan {
  const { interface: name, poolId } = plan;
  const found = state.devices.get(name)?.peers ?? NO_PEERS;
  const link: Change = { kind: 'link', subject: name, action: 'remove' };
  const changes = [...plan.changes.filter(isOfFile), link, ...diffPeers(found, []).map(asChange)];
  const kept = successorOf(poolId, served)?.peers ?? [];
  const brake = prune ? null : brakeOn(name, found, diffPeers(found, kept));
  const both = { ...plan, changes };
  return brake === null ? { ...both, link: { action: 'remove' } } : leave(both, brake);
}

/**
 * The difference between a link that is ours, or missing, and what it should be.
 * @param peers those that it should have
 */
export function planLink(
  pool: ServedPool,
  peers: readonly Peer[],
  { links, devices, routes }: HostState,
): { steps: LinkSteps; changes: Change[]; differences: PeerChange[] } {
  const name = pool.interface;
  const link = links.get(name);
  const device = devices.get(name);
  const prefix = formatPrefix(pool.prefix);
  const mark = linkMark(pool.id);
  const create = link === undefined;
  const hasOtherKey = device?.privateKey !== pool.privateKey;
  const hasOtherPort = device?.listenPort !== pool.listenPort;
  const configure = create || hasOtherKey || hasOtherPort;
  const differences = diffPeers(device?.peers ?? NO_PEERS, peers);
  const shared = keysOfBoth(device?.withPresharedKey ?? [], peers);
  const ours = routes.filter((route) => route.interface === name).map((route) => route.prefix);
  const staleRoutes = ours.filter((route) => route !== prefix);
  const steps: LinkSteps = {
    create,
    mark: link?.alias === mark ? null : mark,
    configure,
    addPeers: configure ? [] : differences.flatMap(({ action, peer }) => (action === 'remove' ? [] : [peer])),
    removePeers: configure
      ? []
      : differences.flatMap(({ action, peer }) => (action === 'remove' ? [peer.publicKey] : [])),
    clearPresharedKeys: shared,
    raise: link?.up !== true,
    addRoute: ours.includes(prefix) ? null : prefix,
    removeRoutes: staleRoutes,
  };
  const changes: Change[] = [];
  if (create) changes.push({ kind: 'link', subject: name, action: 'create' });
  if (!create && steps.mark !== null) {
    changes.push({ kind: 'alias', subject: mark, action: link.alias === null ? 'add' : 'update' });
  }
  if (!create && hasOtherKey)
    changes.push({ kind: 'private_key', subject: pool.publicKey, action: 'update' });
  if (!create && hasOtherPort) {
    changes.push({ kind: 'listen_port', subject: String(pool.listenPort), action: 'update' });
  }
  changes.push(...differences.map(asChange));
  for (const key of shared) changes.push({ kind: 'preshared_key', subject: key, action: 'remove' });
  if (!create && steps.raise) changes.push({ kind: 'link', subject: name, action: 'raise' });
  if (steps.addRoute !== null) changes.push({ kind: 'route', subject: prefix, action: 'add' });
  for (const route of staleRoutes) changes.push({ kind: 'route', subject: route, action: 'remove' });
  return { steps, changes, differences };
}

/** The keys of wanted peers among these. */
function keysOfBoth(found: readonly string[], wanted: readonly Peer[]): string[] {
  if (found.length === 0) return [];
  const keys = new Set<string>(wanted.map(({ publicKey }) => publicKey));
  return found.filter((key) => keys.has(key));
}

/** Why the link of this name is not ours to change; null when it is, or when there is none. */
function foreignReason(
  pool: ServedPool,
  file: FoundFile | null,
  { links, devices }: HostState,
): string | null {
  const link = links.get(pool.interface);
  const device = devices.get(pool.interface);
  if (link === undefined) {
    return device === undefined ? null : 'a process of another network namespace serves this name';
  }
  if (device === undefined) return 'it is not a WireGuard interface that can be read';
  if (link.alias !== null) return MARK.test(link.alias) ? null : 'it has an alias that is not ours';
  if (device.privateKey === pool.privateKey) return null;
  const wasBegun = isBlank(device) && file !== null && parseHeader(file.text)?.poolId === pool.id;
  return wasBegun ? null : 'it does not carry our alias';
}

/** A file that has to stay serves its clients also after a boot: its missing link is made as it was. */
export function planHeld(plan: FilePlan, file: FoundFile | null, state: HostState): InterfacePlan {
  const { interface: name, poolId } = plan;
  const header = file === null ? null : parseHeader(file.text);
  const steps = file !== null && header?.poolId === poolId ? stepsToRaise(name, file.text, state) : null;
  if (steps === null) return { ...plan, link: { action: 'leave' } };
  const changes: Change[] = [{ kind: 'link', subject: name, action: steps.create ? 'create' : 'raise' }];
  if (steps.addRoute !== null) changes.push({ kind: 'route', subject: steps.addRoute, action: 'add' });
  return { ...plan, changes, link: { action: 'raise', steps } };
}

/**
 * The steps that make the link of a file of ours as the last run left it, with its route, where nobody can say whether
 * the file is still right: the link is missing, as after a boot, or has no key, is down or lacks its route, as after a
 * run that was killed. Else null.
 */
export function stepsToRaise(
  name: string,
  text: string,
  { links, devices, routes }: HostState,
): LinkSteps | null {
  const header = parseHeader(text);
  if (header === null) return null;
  const { poolId, prefix } = header;
  const [link, device] = [links.get(name), devices.get(name)];
  const [mark, route] = [linkMark(poolId), formatPrefix(prefix)];
  const create = link === undefined;
  const isOurs = link?.alias === mark || (link?.alias === null && isBlank(device));
  if (create ? device !== undefined : device === undefined || !isOurs) return null;
  const hasRoute = routes.some((found) => found.interface === name && found.prefix === route);
  // A file that was cut off has no key to give.
  const lacksKey = isBlank(device) && /^PrivateKey = \S/m.test(text);
  if (link?.up === true && hasRoute && !lacksKey) return null;
  return {
    create,
    mark: link?.alias === mark ? null : mark,
    // A link gets its configuration before it is set up.
    configure: link?.up !== true || lacksKey,
    addPeers: [],
    removePeers: [],
    clearPresharedKeys: [],
    raise: link?.up !== true,
    addRoute: hasRoute ? null : route,
    removeRoutes: [],
  };
}

/** Whether an interface has got nothing yet. */
function isBlank(device: LiveDevice | undefined): boolean {
  return device?.privateKey === null && device.peers.size === 0;
}

function leave(plan: FilePlan, refusal: UserError): InterfacePlan {
  const nothing = { action: 'leave' } as const;
  return { ...plan, held: true, file: nothing, link: nothing, refused: [...plan.refused, refusal] };
}

/**
 * Whether a change is one of the file itself. What is in the file comes and goes on the link, and only there it is a
 * change for anybody: a file that was lost is written anew while every client stays connected.
 */
export function isOfFile({ kind }: Change): boolean {
  return kind === 'file' || kind === 'file_mode';
}
