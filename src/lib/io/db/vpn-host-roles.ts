import { createHash } from 'node:crypto';
import { type Selectable, sql, type Transaction } from 'kysely';
import { refuse } from '../../core/errors.ts';
import type { StoredNetwork } from '../../core/host-plan.ts';
import type { Hostname } from '../../core/hostname.ts';
import type { Instant } from '../../core/instant.ts';
import { only } from './database.ts';
import type { Schema } from './schema.ts';

/** The login role of a VPN host in PostgreSQL. */
export interface HostRole {
  readonly hostname: Hostname;
  readonly role: string;
  readonly grantedAt: Instant;
}

/**
 * All that a VPN host reads, and so all that its role may read; row-level security leaves the rows of its own hostname.
 * A migration that adds to this list grants it to every role in `vpn_hosts`.
 */
export const READ_BY_HOSTS = {
  vpn_hosts: ['hostname', 'role'],
  vpn_pools: [
    'id',
    'network',
    'subnetwork_size',
    'hostname',
    'interface',
    'listen_port',
    'public_key',
    'private_key',
  ],
  vpn_networks: ['id', 'pool_id', 'slot', 'network', 'public_key'],
  secret_keys: ['id', 'fingerprint'],
  schema_migrations: ['name'],
  schema_migration_checksums: ['name', 'checksum'],
} as const satisfies { [Table in keyof Schema]?: readonly (keyof Schema[Table])[] };

/** What a VPN host reads of a pool. */
export type ServedRow = Pick<Selectable<Schema['vpn_pools']>, (typeof READ_BY_HOSTS.vpn_pools)[number]>;

/** The pools of a host, in the order of their ids, as its role may read them. Nothing in them is checked. */
export async function findServedRows(tx: Transaction<Schema>, hostname: Hostname): Promise<ServedRow[]> {
  return tx
    .selectFrom('vpn_pools')
    .select(READ_BY_HOSTS.vpn_pools)
    .where('hostname', '=', hostname)
    .orderBy('id')
    .execute();
}

/**
 * The pools of a host as `findServedRows` finds them, one at least.
 * @throws NO_POOL_FOR_HOST
 */
export async function getServedRows(tx: Transaction<Schema>, hostname: Hostname): Promise<ServedRow[]> {
  const rows = await findServedRows(tx, hostname);
  if (rows.length > 0) return rows;
  throw refuse.NO_POOL_FOR_HOST({ hostname, hostnames: [...new Set(await findPoolHostnames(tx))] });
}

/** The networks of a pool in slot order. Nothing in them is checked. */
export async function findServedPeers(tx: Transaction<Schema>, poolId: number): Promise<StoredNetwork[]> {
  return tx
    .selectFrom('vpn_networks')
    .select(['id', 'slot', 'network', 'public_key as publicKey'])
    .where('pool_id', '=', poolId)
    .orderBy('slot')
    .execute();
}

/** The hostname of each pool, in order; a host's role sees its own. */
export async function findPoolHostnames(tx: Transaction<Schema>): Promise<string[]> {
  const rows = await tx.selectFrom('vpn_pools').select('hostname').orderBy('hostname').execute();
  return rows.map(({ hostname }) => hostname);
}

/** What a VPN host reads of a network, with the interface that serves it. */
export interface ServedNetwork {
  readonly id: number;
  readonly network: string;
  readonly publicKey: string;
  readonly interface: string;
}

/** The networks of a host, in the order of pools and addresses, as its role may read them. */
export async function findServedNetworks(
  tx: Transaction<Schema>,
  hostname: Hostname,
): Promise<ServedNetwork[]> {
  return tx
    .selectFrom('vpn_networks')
    .innerJoin('vpn_pools', 'vpn_pools.id', 'vpn_networks.pool_id')
    .select(['vpn_networks.id', 'vpn_networks.network', 'vpn_networks.public_key as publicKey', 'interface'])
    .where('hostname', '=', hostname)
    .orderBy('pool_id')
    .orderBy('slot')
    .execute();
}

/** A VPN host has one run at a time; more connections than these only a thief of its password needs. */
const CONNECTIONS = 10;
/** How long a session of a revoked host may take to end. */
const TERMINATE_MILLISECONDS = 5000;
/** How many large objects are dropped with a role. */
const MOST_LARGE_OBJECTS = 1000;

/** The hosts with a role, by name. */
export async function findHostRoles(
  tx: Transaction<Schema>,
  { hostname }: { hostname?: Hostname } = {},
): Promise<HostRole[]> {
  const rows = await tx
    .selectFrom('vpn_hosts')
    .selectAll()
    .$if(hostname !== undefined, (query) => query.where('hostname', '=', hostname ?? ''))
    .orderBy('hostname')
    .execute();
  return rows.map((row) => ({
    hostname: row.hostname as Hostname,
    role: row.role,
    grantedAt: row.granted_at as Instant,
  }));
}

/**
 * The name that a host's role gets: readable, the same every time, another one in every database of the server, whose
 * roles are shared; letters, digits and underscores, at most 55 of PostgreSQL's 63 bytes.
 */
export async function hostRoleName(tx: Transaction<Schema>, hostname: Hostname): Promise<string> {
  const { rows } = await sql<{ database: string }>`select current_database() as database`.execute(tx);
  const label = (hostname.split('.')[0] ?? '').replaceAll('-', '_').slice(0, 30);
  const hash = createHash('sha256')
    .update(`${only(rows).database}\0${hostname}`)
    .digest('hex');
  return `uncloud_host_${label}_${hash.slice(0, 12)}`;
}

/** Whether the server has a role of this name. */
export async function roleExists(tx: Transaction<Schema>, role: string): Promise<boolean> {
  const { rows } = await sql`select 1 from pg_roles where rolname = ${role}`.execute(tx);
  return rows.length > 0;
}

/** Makes a role that can log in and read what its host needs, and nothing else; one that is left over is used again. */
export async function createHostRole(
  tx: Transaction<Schema>,
  { hostname, role, grantedAt }: HostRole,
  verifier: string,
): Promise<void> {
  const name = sql.id(role);
  const { database, schema } = await placeOf(tx);
  const make = sql.raw((await roleExists(tx, role)) ? 'alter' : 'create');
  const limit = sql.lit(CONNECTIONS);
  await sql`${make} role ${name} login noinherit connection limit ${limit} password ${sql.lit(verifier)}`.execute(
    tx,
  );
  await sql`grant connect on database ${sql.id(database)} to ${name}`.execute(tx);
  await sql`grant usage on schema ${sql.id(schema)} to ${name}`.execute(tx);
  for (const [table, columns] of Object.entries(READ_BY_HOSTS)) {
    const list = sql.join(columns.map((column) => sql.id(column)));
    await sql`grant select (${list}) on ${sql.table(table)} to ${name}`.execute(tx);
  }
  await tx.insertInto('vpn_hosts').values({ hostname, role, granted_at: grantedAt }).execute();
}

/** What a host's role may do beyond its due, because everybody who can log in may: as words, empty when nothing. */
export async function excessRights(tx: Transaction<Schema>, role: string): Promise<string[]> {
  const readable = sql.join(Object.keys(READ_BY_HOSTS).map((table) => sql.lit(table)));
  const { rows } = await sql<{ right: string }>`
    select 'create objects in the schema ' || current_schema() as "right"
    where has_schema_privilege(${role}, current_schema(), 'create')
    union all
    select 'use the table ' || relname from pg_class
    where relnamespace = quote_ident(current_schema())::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') and (
      has_table_privilege(${role}, oid, 'delete, truncate, trigger')
      or has_any_column_privilege(${role}, oid, 'insert, update, references')
      or relname not in (${readable}) and has_any_column_privilege(${role}, oid, 'select'))
    order by 1`.execute(tx);
  return rows.map(({ right }) => right);
}

/**
 * What became of a role: gone, or shut out because other databases of the server have rights of it or it made too much
 * to be dropped at once, or untouched.
 */
export type DroppedRole = 'dropped' | 'locked' | 'left';

/**
 * Ends the sessions of a role and drops it with all that it owns or was granted. While other databases have rights of
 * it, it cannot be dropped: then it may not log in any more, or, when it is the role of another database whose copy
 * this one is, it loses its rights in this one only. One that made a lot of large objects, as everybody may, is shut
 * out too: each that is dropped takes a lock, of which the server has some thousands for all.
 */
export async function dropHostRole(
  tx: Transaction<Schema>,
  role: string,
  { isOurs }: { isOurs: boolean },
): Promise<DroppedRole> {
  const name = sql.id(role);
  const isNeeded = await isUsedElsewhere(tx, role);
  if (isNeeded && !isOurs) {
    const schema = sql.id((await placeOf(tx)).schema);
    await sql`revoke all on all tables in schema ${schema} from ${name}`.execute(tx);
    await sql`revoke all on schema ${schema} from ${name}`.execute(tx);
    return 'left';
  }
  // Ending the sessions of a role and dropping what it owns is for its members.
  await sql`grant ${name} to current_user`.execute(tx);
  await sql`alter role ${name} nologin password null`.execute(tx);
  await sql`
    select pg_terminate_backend(pid, ${TERMINATE_MILLISECONDS}) from pg_stat_activity where usename = ${role}`.execute(
    tx,
  );
  const canBeDropped = !(await ownsTooMuch(tx, role));
  if (canBeDropped) await sql`drop owned by ${name}`.execute(tx);
  if (isNeeded || !canBeDropped) {
    await sql`revoke ${name} from current_user`.execute(tx);
    return 'locked';
  }
  await sql`drop role ${name}`.execute(tx);
  return 'dropped';
}

async function ownsTooMuch(tx: Transaction<Schema>, role: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from pg_largeobject_metadata where lomowner = ${role}::regrole
    offset ${sql.lit(MOST_LARGE_OBJECTS)} limit 1`.execute(tx);
  return rows.length > 0;
}

async function isUsedElsewhere(tx: Transaction<Schema>, role: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from pg_shdepend join pg_database on pg_database.oid = dbid
    where refclassid = 'pg_authid'::regclass and refobjid = ${role}::regrole and datname <> current_database()
    limit 1`.execute(tx);
  return rows.length > 0;
}

/** Takes a host off the list, so that its role, if it is still there, sees no row. */
export async function forgetHost(tx: Transaction<Schema>, hostname: Hostname): Promise<void> {
  await tx.deleteFrom('vpn_hosts').where('hostname', '=', hostname).execute();
}

async function placeOf(tx: Transaction<Schema>): Promise<{ database: string; schema: string }> {
  const { rows } = await sql<{ database: string; schema: string }>`
    select current_database() as database, current_schema() as schema`.execute(tx);
  return only(rows);
}
