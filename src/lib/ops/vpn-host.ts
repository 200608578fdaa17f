import type { Selectable, Transaction } from 'kysely';
import { refuse, UserError } from '../core/errors.ts';
import {
  type Change,
  type FilePlan,
  planFile,
  planLeftover,
  type ServedPool,
  type StoredNetwork,
} from '../core/host-plan.ts';
import type { Hostname } from '../core/hostname.ts';
import { parseInterfaceName, parseListenPort } from '../core/interface-name.ts';
import { readPrefix, slotCount } from '../core/prefix.ts';
import { type PublicKey, parsePrivateKey } from '../core/wireguard-key.ts';
import type { Schema } from '../io/db/schema.ts';
import { READ_BY_HOSTS } from '../io/db/vpn-host-roles.ts';
import { withHostLock } from '../io/host-lock.ts';
import { type Opener, openerFor, poolKeyPlace } from '../io/secrets.ts';
import { listConfigs, readConfig, removeConfig, safeDirectory, writeConfig } from '../io/wireguard-files.ts';
import type { Context } from './context.ts';

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
  /** Whether they were. */
  readonly applied: boolean;
  /** What was left as it was; any entry makes the run partly done. */
  readonly refused: readonly UserError[];
}

/**
 * Brings the WireGuard files of a host to what the database says. A run that has nothing to change writes nothing.
 * Whatever goes wrong with a row or an interface is refused by name, and the rest goes on.
 * @throws LIVE_NOT_AVAILABLE, CONFIG_DIRECTORY_MISSING, UNSAFE_CONFIG_DIRECTORY, NO_POOL_FOR_HOST, HOST_BUSY, what
 *   `openerFor` refuses, and the refusals of a database that is away: no file is touched then
 */
export async function reconcileHost(context: Context, request: HostRequest): Promise<InterfaceOutcome[]> {
  const { hostname, renderOnly, dryRun } = request;
  if (!renderOnly) throw refuse.LIVE_NOT_AVAILABLE({ hostname });
  const directory = await safeDirectory(request.directory ?? context.config['wireguard.config_directory']);
  if (dryRun) {
    const plans = await planHost(context, directory, request);
    return plans.map((plan) => outcomeOf(plan, { applied: false }));
  }
  return withHostLock(directory, async () => {
    const outcomes: InterfaceOutcome[] = [];
    for (const plan of await planHost(context, directory, request)) {
      outcomes.push(await apply(directory, plan));
    }
    return outcomes;
  });
}

/** The pools of a host as the database holds them; one that cannot be served is refused. */
interface HostSnapshot {
  readonly pools: readonly { readonly pool: ServedPool; readonly networks: readonly StoredNetwork[] }[];
  readonly unusable: readonly FilePlan[];
}

async function planHost(context: Context, directory: string, request: HostRequest): Promise<FilePlan[]> {
  const { hostname } = request;
  const database = await context.db();
  const keyFile = context.config['secrets.key_file'];
  const { pools, unusable } = await database.read((tx) => readSnapshot(tx, hostname, keyFile));
  const plans: FilePlan[] = [...unusable];
  for (const { pool, networks } of pools) {
    plans.push(
      await orRefused(pool, async () =>
        planFile(pool, networks, await readConfig(directory, pool.interface), request),
      ),
    );
  }
  const served = new Set(plans.map((plan) => plan.interface));
  const unusableIds = new Set(unusable.map(({ poolId }) => poolId));
  for (const name of await listConfigs(directory)) {
    if (served.has(name)) continue;
    const leftover = await planUnserved(directory, name, request);
    if (leftover !== null && !unusableIds.has(leftover.poolId)) plans.push(leftover);
  }
  return plans;
}

/** What is no readable file of ours is none of our business. */
async function planUnserved(
  directory: string,
  name: string,
  { hostname, prune }: HostRequest,
): Promise<FilePlan | null> {
  try {
    const file = await readConfig(directory, name);
    return file === null ? null : planLeftover(hostname, name, file.text, { prune });
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

async function readSnapshot(
  tx: Transaction<Schema>,
  hostname: Hostname,
  keyFile: string,
): Promise<HostSnapshot> {
  const rows = await tx
    .selectFrom('vpn_pools')
    .select(READ_BY_HOSTS.vpn_pools)
    .where('hostname', '=', hostname)
    .orderBy('id')
    .execute();
  if (rows.length === 0) {
    const others = await tx
      .selectFrom('vpn_pools')
      .select('hostname')
      .distinct()
      .orderBy('hostname')
      .execute();
    throw refuse.NO_POOL_FOR_HOST({ hostname, hostnames: others.map((other) => other.hostname) });
  }
  const opener = await openerFor(tx, keyFile);
  const networks = await tx
    .selectFrom('vpn_networks')
    .select(READ_BY_HOSTS.vpn_networks)
    .where(
      'pool_id',
      'in',
      rows.map(({ id }) => id),
    )
    .execute();
  const networksOf = Map.groupBy(networks, ({ pool_id }) => pool_id);
  const pools: HostSnapshot['pools'][number][] = [];
  const unusable: FilePlan[] = [];
  for (const row of rows) {
    const pool = servedPool(row, hostname, opener);
    if (pool instanceof UserError) unusable.push(refusedPlan(row.interface, row.id, pool));
    else pools.push({ pool, networks: (networksOf.get(row.id) ?? []).map(asStored) });
  }
  return { pools, unusable };
}

/** A pool whose every part is sound, or the refusal that says which is not. */
function servedPool(
  row: Pick<Selectable<Schema['vpn_pools']>, (typeof READ_BY_HOSTS.vpn_pools)[number]>,
  hostname: Hostname,
  opener: Opener,
): ServedPool | UserError {
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

function asStored(
  row: Pick<Selectable<Schema['vpn_networks']>, (typeof READ_BY_HOSTS.vpn_networks)[number]>,
): StoredNetwork {
  return { id: row.id, slot: BigInt(row.slot), network: row.network, publicKey: row.public_key };
}

async function apply(directory: string, plan: FilePlan): Promise<InterfaceOutcome> {
  const { file, interface: name } = plan;
  try {
    if (file.action === 'write') await writeConfig(directory, name, file.text);
    if (file.action === 'remove') await removeConfig(directory, name);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return outcomeOf({ ...plan, refused: [...plan.refused, error] }, { applied: false });
  }
  return outcomeOf(plan, { applied: file.action !== 'leave' });
}

function outcomeOf({ file, ...plan }: FilePlan, { applied }: { applied: boolean }): InterfaceOutcome {
  return { ...plan, due: file.action !== 'leave', applied };
}

async function orRefused(pool: ServedPool, plan: () => Promise<FilePlan>): Promise<FilePlan> {
  try {
    return await plan();
  } catch (error) {
    if (error instanceof UserError) return refusedPlan(pool.interface, pool.id, error);
    throw error;
  }
}

function refusedPlan(name: string, poolId: number, refusal: UserError): FilePlan {
  return { interface: name, poolId, changes: [], file: { action: 'leave' }, refused: [refusal] };
}
