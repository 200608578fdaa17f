import type { Transaction } from 'kysely';
import { refuse, UserError } from '../core/errors.ts';
import {
  type Change,
  planFile,
  planLeftover,
  type ServedPool,
  type StoredNetwork,
  successorOf,
} from '../core/host-plan.ts';
import type { Hostname } from '../core/hostname.ts';
import { parseInterfaceName, parseListenPort } from '../core/interface-name.ts';
import {
  fewChangedPeers,
  type HostState,
  type InterfacePlan,
  isOfFile,
  keepsLinks,
  planHeld,
  planInterface,
  planLeftoverInterface,
  planLink,
  planLostLinks,
  portsInTheWay,
  stepsToRaise,
} from '../core/link-plan.ts';
import { readPrefix, slotCount } from '../core/prefix.ts';
import { parseHeader } from '../core/wireguard-config.ts';
import { type PublicKey, parsePrivateKey } from '../core/wireguard-key.ts';
import type { Schema } from '../io/db/schema.ts';
import { findServedPeers, getServedRows, type ServedRow } from '../io/db/vpn-host-roles.ts';
import { collectLate } from '../io/heap.ts';
import { isForwarding, readHost, type Target, takeSteps } from '../io/host-links.ts';
import { withHostLock } from '../io/host-lock.ts';
import { type HostTools, hostTools } from '../io/host-tools.ts';
import { deleteLink } from '../io/ip.ts';
import { type Opener, openerFor, poolKeyPlace } from '../io/secrets.ts';
import { freeListenPort, readDevices } from '../io/wireguard.ts';
import {
  configPath,
  listConfigs,
  readConfig,
  removeConfig,
  removeUnfinishedConfigs,
  safeDirectory,
  writeConfig,
} from '../io/wireguard-files.ts';
import type { Context } from './context.ts';

/** Which host is brought to what the database says, and how far. */
export interface HostRequest {
  readonly hostname: Hostname;
  /** Where the files are; undefined: as configured. */
  readonly directory: string | undefined;
  /** Write the files and touch no interface. */
  readonly renderOnly: boolean;
  readonly dryRun: boolean;
  /** Remove peers also where the brake would hold. */
  readonly prune: boolean;
}

/** What a run did with one interface. */
export interface InterfaceOutcome {
  readonly interface: string;
  readonly poolId: number;
  /** What differed. */
  readonly changes: readonly Change[];
  /** Whether the changes are to be carried out: there are some, and nothing forbids it. */
  readonly due: boolean;
  /** Whether all of them were. */
  readonly applied: boolean;
  /** Those that were: all when `applied`, and what was done before something failed. */
  readonly done: readonly Change[];
  /** What was left as it was; any entry makes the run partly done. */
  readonly refused: readonly UserError[];
  /** What keeps clients from being served although everything here is as it should be, as whole sentences. */
  readonly warnings: readonly string[];
}

/**
 * Brings the WireGuard files and interfaces of a host to what the database says. A run that has nothing to change
 * writes nothing. Whatever goes wrong with a row or an interface is refused by name, and the rest goes on.
 * When the database cannot say anything, or knows no pool of this host, a missing interface is raised from its last
 * file, and nothing else happens.
 * @throws CONFIG_DIRECTORY_MISSING, UNSAFE_CONFIG_DIRECTORY, CONFIG_DIRECTORY_CLOSED, NO_POOL_FOR_HOST, HOST_BUSY,
 *   TOOL_MISSING, NOT_PERMITTED, what `openerFor` refuses, and the refusals of a database that is away
 */
export async function reconcileHost(context: Context, request: HostRequest): Promise<InterfaceOutcome[]> {
  const directory = await safeDirectory(request.directory ?? context.config['wireguard.config_directory']);
  const host: Host = {
    directory,
    tools: hostTools(context.run, context.config),
    userspace: userspaceOf(context),
    request,
  };
  if (request.dryRun) {
    const { plans } = await planHost(context, host);
    return plans.map((plan) => outcomeOf(plan, { applied: false, done: [] }));
  }
  return withHostLock(directory, async () => {
    await removeUnfinishedConfigs(directory, request.hostname);
    const planned = await planHost(context, host);
    // A link that goes leaves its port to one that comes.
    const plans = planned.plans.toSorted((one, other) => order(one) - order(other));
    await freePorts(host, planned);
    const outcomes: InterfaceOutcome[] = [];
    for (const plan of plans) outcomes.push(await apply(host, plan));
    if (!plans.some(changesLink)) return outcomes;
    const verified = await verify(host, planned, plans, outcomes);
    if (await isForwarding()) return verified;
    return verified.map((outcome) =>
      outcome.applied ? { ...outcome, warnings: [NOT_FORWARDING] } : outcome,
    );
  });
}

function order({ link }: InterfacePlan): number {
  return link.action === 'remove' ? 0 : 1;
}

const NOT_FORWARDING =
  'The kernel does not pass IPv6 packets on. Let it: sysctl -w net.ipv6.conf.all.forwarding=1';

/** The host that a run works on. */
interface Host {
  readonly directory: string;
  readonly tools: HostTools;
  readonly userspace: string | null;
  readonly request: HostRequest;
}

function userspaceOf({ config, origins }: Context): string | null {
  const key = 'wireguard.userspace_implementation';
  return origins[key] === 'default' ? null : config[key];
}

/** The pools of a host as the database holds them; one that cannot be served is refused. */
interface HostSnapshot {
  readonly pools: readonly { readonly pool: ServedPool; readonly networks: readonly StoredNetwork[] }[];
  readonly unusable: readonly InterfacePlan[];
}

interface HostPlan {
  readonly plans: readonly InterfacePlan[];
  readonly pools: readonly ServedPool[];
  /** The host as it was found; null when no interface is touched. */
  readonly state: HostState | null;
}

/** How long one answer of the database may take; the tunnels live on meanwhile. */
const STATEMENT_SECONDS = 30;

async function planHost(context: Context, host: Host): Promise<HostPlan> {
  const { directory, request } = host;
  const { hostname, renderOnly } = request;
  // `wg` and `ip` print while the database answers; what they lack is told first.
  const [live, stored] = await Promise.allSettled([
    renderOnly ? null : readHost(host.tools),
    readDatabase(context, hostname),
  ]);
  if (live.status === 'rejected') throw live.reason;
  const state = live.value;
  if (stored.status === 'rejected') throw await raiseMissing(host, state, stored.reason);
  const snapshot = stored.value;
  const plans: InterfacePlan[] = [];
  for (const plan of snapshot.unusable)
    plans.push(state === null ? plan : await planUnusable(host, plan, state));
  for (const { pool, networks } of snapshot.pools) {
    plans.push(
      await orRefused(pool, async () => {
        const file = await readConfig(directory, pool.interface);
        return state === null
          ? { ...planFile(pool, networks, file, request), link: LEAVE }
          : planInterface(pool, networks, file, state, request);
      }),
    );
  }
  const served = [...plans];
  const pools = snapshot.pools.map(({ pool }) => pool);
  for (const leftover of await planLeftovers(host, state, { pools, served })) {
    const successor = successorOf(leftover.poolId, served);
    // Where the pool cannot be served under its new name, it goes on under the one before, and the other way round.
    if (successor?.held === true) continue;
    plans.push(leftover);
    if (successor !== undefined && leftover.held) plans[served.indexOf(successor)] = left(successor);
  }
  return { plans, pools, state };
}

/** An interface that has to wait. */
function left(plan: InterfacePlan): InterfacePlan {
  return { ...plan, changes: [], held: true, file: LEAVE, link: LEAVE };
}

async function readDatabase(context: Context, hostname: Hostname): Promise<HostSnapshot> {
  const database = await context.db({ statementSeconds: STATEMENT_SECONDS });
  return database.read((tx) => readSnapshot(tx, hostname, context.config['secrets.key_file']));
}

/** A pool that the database cannot describe is served from its last file, found by its first line. */
async function planUnusable(
  { directory, request }: Host,
  plan: InterfacePlan,
  state: HostState,
): Promise<InterfacePlan> {
  for (const name of await listConfigs(directory)) {
    const file = await readConfig(directory, name).catch(() => null);
    const header = file === null ? null : parseHeader(file.text);
    if (header?.poolId === plan.poolId && header.hostname === request.hostname) {
      return planHeld({ ...plan, interface: name }, file, state);
    }
  }
  return plan;
}

/** What is on the host of pools that are gone, or that have another interface now. */
async function planLeftovers(
  host: Host,
  state: HostState | null,
  { pools, served }: { pools: readonly ServedPool[]; served: readonly InterfacePlan[] },
): Promise<InterfacePlan[]> {
  const { prune } = host.request;
  const known = new Set(served.map((plan) => plan.interface));
  const leftovers: InterfacePlan[] = [];
  for (const name of await listConfigs(host.directory)) {
    const plan = known.has(name) ? null : await planUnserved(host, name, state, served);
    if (plan === null) continue;
    known.add(name);
    leftovers.push(plan);
  }
  return state === null
    ? leftovers
    : [...leftovers, ...planLostLinks(pools, state, { known, prune, served })];
}

/** What is no readable file of ours is none of our business. */
async function planUnserved(
  { directory, request }: Host,
  name: string,
  state: HostState | null,
  served: readonly InterfacePlan[],
): Promise<InterfacePlan | null> {
  const options = { prune: request.prune, served };
  try {
    const file = await readConfig(directory, name);
    if (file === null) return null;
    if (state !== null) return planLeftoverInterface(request.hostname, name, file.text, state, options);
    const plan = planLeftover(request.hostname, name, file.text, options);
    return plan === null ? null : { ...plan, link: LEAVE };
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/**
 * Raises the missing links of this host's files when the database could not say what they should be.
 * @returns why it could not, and what was raised
 */
async function raiseMissing(host: Host, state: HostState | null, cause: unknown): Promise<unknown> {
  if (state === null || host.request.dryRun || !(cause instanceof UserError)) return cause;
  const raised: string[] = [];
  const failed: string[] = [];
  for (const name of await listConfigs(host.directory)) {
    const file = await readConfig(host.directory, name).catch(() => null);
    if (file === null || parseHeader(file.text)?.hostname !== host.request.hostname) continue;
    const steps = stepsToRaise(name, file.text, state);
    if (steps === null) continue;
    try {
      await takeSteps(host.tools, targetOf(host, name), steps);
      raised.push(name);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failed.push(`${name}: ${error.message}`);
    }
  }
  let told = cause;
  if (raised.length > 0) told = told.saying(`Raised ${raised.join(', ')} as last written.`, { raised });
  if (failed.length > 0) told = told.saying(`Not raised: ${failed.join(' ')}`, { failed });
  return told;
}

async function readSnapshot(
  tx: Transaction<Schema>,
  hostname: Hostname,
  keyFile: string,
): Promise<HostSnapshot> {
  const rows = await getServedRows(tx, hostname);
  // Before the many rows, and not sooner: V8 takes compiled code from its cache only under the flags of its compiling.
  collectLate();
  const opener = await openerFor(tx, keyFile);
  const pools: HostSnapshot['pools'][number][] = [];
  const unusable: InterfacePlan[] = [];
  for (const row of rows) {
    const pool = servedPool(row, hostname, opener);
    if (pool instanceof UserError) unusable.push(refusedPlan(row.interface, row.id, pool));
    else pools.push({ pool, networks: await findServedPeers(tx, pool.id) });
  }
  return { pools, unusable };
}

/** A pool whose every part is sound, or the refusal that says which is not. */
function servedPool(row: ServedRow, hostname: Hostname, opener: Opener): ServedPool | UserError {
  try {
    const prefix = readPrefix(row.network);
    if (prefix === null)
      throw refuse.INVALID_PREFIX({ text: row.network, rule: 'it is not written as RFC 5952 says' });
    slotCount(prefix, row.subnetwork_size);
    return {
      id: row.id,
      hostname,
      interface: parseInterfaceName(row.interface),
      prefix,
      subnetworkSize: row.subnetwork_size,
      listenPort: parseListenPort(String(row.listen_port)),
      privateKey: parsePrivateKey(opener.open(row.private_key, poolKeyPlace(row.id))),
      publicKey: row.public_key as PublicKey,
    };
  } catch (error) {
    if (error instanceof UserError) return error.at(`pool ${row.id}`);
    throw error;
  }
}

const LEAVE = { action: 'leave' } as const;

/** Whoever keeps a port although it was to let it go is told by the interface that does not get it. */
async function freePorts({ tools }: Host, { plans, pools, state }: HostPlan): Promise<void> {
  if (state === null) return;
  for (const name of portsInTheWay(plans, pools, state)) {
    try {
      await freeListenPort(tools.wg, name);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
    }
  }
}

async function apply(host: Host, plan: InterfacePlan): Promise<InterfaceOutcome> {
  const { file, link, interface: name } = plan;
  const { directory, tools } = host;
  let done: readonly Change[] = [];
  try {
    if (file.action === 'write') {
      await writeConfig(directory, name, file.text);
      done = plan.changes.filter(isOfFile);
    }
    if ('steps' in link) await takeSteps(tools, targetOf(host, name), link.steps);
    if (link.action === 'remove') await deleteLink(tools.ip, name);
    if (file.action === 'remove') await removeConfig(directory, name);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return outcomeOf({ ...plan, refused: [...plan.refused, error] }, { applied: false, done });
  }
  const applied = isDue(plan);
  return outcomeOf(plan, { applied, done: applied ? plan.changes : [] });
}

/**
 * Reads again what was changed: a command may succeed without effect, above all when the port is taken.
 * @param plans those of `planned` in the order of `outcomes`
 */
async function verify(
  { tools }: Host,
  { pools, state: before }: HostPlan,
  plans: readonly InterfacePlan[],
  outcomes: readonly InterfaceOutcome[],
): Promise<InterfaceOutcome[]> {
  const few = fewChangedPeers(plans);
  let state: HostState;
  try {
    state =
      before !== null && plans.every(keepsLinks)
        ? { ...before, devices: await readDevices(tools.wg, few) }
        : await readHost(tools);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return outcomes.map((outcome) =>
      outcome.applied ? { ...outcome, refused: [...outcome.refused, error] } : outcome,
    );
  }
  return outcomes.map((outcome, at) => {
    const plan = plans[at];
    const pool = pools.find(({ id }) => id === outcome.poolId);
    if (plan === undefined || pool === undefined || plan.link.action !== 'change') return outcome;
    const peers = few === null ? plan.peers : plan.peers.filter(({ publicKey }) => few.has(publicKey));
    const lacking = planLink(pool, peers, state).changes;
    if (lacking.length === 0) return outcome;
    const missing = new Set(lacking.map(inWords));
    const done = plan.changes.filter((change) =>
      isOfFile(change) ? outcome.done.includes(change) : !missing.has(inWords(change)),
    );
    const refusal = shortfall(pool, lacking, state);
    // The port that is taken may be the reason why a command failed; it says more than the command did.
    const others = refusal.code === 'LISTEN_PORT_IN_USE' ? plan.refused : outcome.refused;
    if (!outcome.applied && refusal.code !== 'LISTEN_PORT_IN_USE') return { ...outcome, done };
    return { ...outcome, applied: false, done, refused: [...others, refusal] };
  });
}

/** What an interface still lacks after it was changed, as a refusal. */
function shortfall(pool: ServedPool, lacking: readonly Change[], state: HostState): UserError {
  const name = pool.interface;
  const hasLink = state.devices.has(name);
  if (hasLink && lacking.some(({ kind }) => kind === 'listen_port')) {
    return refuse.LISTEN_PORT_IN_USE({ interface: name, port: pool.listenPort });
  }
  return refuse.NOT_TAKEN_OVER({ interface: name, changes: lacking.map(inWords) });
}

function inWords({ action, kind, subject }: Change): string {
  return `${action} ${kind.replaceAll('_', ' ')} ${subject}`;
}

function targetOf({ directory, userspace }: Host, name: string): Target {
  return { interface: name, file: configPath(directory, name), userspace };
}

function changesLink({ link }: InterfacePlan): boolean {
  return link.action !== 'leave';
}

function isDue(plan: InterfacePlan): boolean {
  return plan.file.action !== 'leave' || changesLink(plan);
}

function outcomeOf(
  plan: InterfacePlan,
  did: { readonly applied: boolean; readonly done: readonly Change[] },
): InterfaceOutcome {
  const { interface: name, poolId, changes, refused } = plan;
  return { interface: name, poolId, changes, refused, due: isDue(plan), ...did, warnings: [] };
}

async function orRefused(pool: ServedPool, plan: () => Promise<InterfacePlan>): Promise<InterfacePlan> {
  try {
    return await plan();
  } catch (error) {
    if (error instanceof UserError) return refusedPlan(pool.interface, pool.id, error);
    throw error;
  }
}

function refusedPlan(name: string, poolId: number, refusal: UserError): InterfacePlan {
  const nothing = { changes: [], peers: [], held: true, file: LEAVE, link: LEAVE };
  return { interface: name, poolId, ...nothing, refused: [refusal] };
}
