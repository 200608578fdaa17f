import { isLocal, type PostgresUrl, parseDatabaseUrl, withRole } from '../core/database-url.ts';
import { refuse } from '../core/errors.ts';
import type { Hostname } from '../core/hostname.ts';
import { randomPassword, scramVerifier } from '../io/db/scram.ts';
import {
  createHostRole,
  type DroppedRole,
  dropHostRole,
  excessRights,
  findHostRoles,
  forgetHost,
  type HostRole,
  hostRoleName,
  roleExists,
} from '../io/db/vpn-host-roles.ts';
import { findPools } from '../io/db/vpn-pools.ts';
import { storeWithSecretFile } from '../io/new-secret-file.ts';
import type { Context } from './context.ts';

/** The role of a host with what its administrator needs to use it. */
export interface HostGrant {
  readonly host: HostRole;
  /** The pools that it serves: none, if its name is misspelt or its pools are still to be made. */
  readonly poolIds: readonly number[];
  /** The address of the database for the host, without a password. */
  readonly url: string;
  /** Whether that address leads to the machine it is used on, and so from the host to another server. */
  readonly local: boolean;
}

/**
 * Makes a login role that reads the pools and networks of one host and writes nothing, and puts its password into a
 * new file of mode 0600. A host that has a role is refused rather than given another password.
 * @throws HOST_ROLES_NEED_POSTGRESQL, HOST_HAS_ROLE, HOST_ROLE_TOO_STRONG, FILE_EXISTS, FILE_NOT_WRITABLE,
 *   SECRET_NOT_PLACED; DATABASE_PERMISSION when our own role may not make roles
 */
export async function grantHost(
  context: Context,
  { hostname, passwordFile }: { hostname: Hostname; passwordFile: string },
): Promise<HostGrant> {
  const password = randomPassword();
  const address = postgresUrl(context);
  const database = await context.db();
  const grant = () =>
    database.write('vpn', async (tx) => {
      const [granted] = await findHostRoles(tx, { hostname });
      if (granted !== undefined) throw refuse.HOST_HAS_ROLE({ hostname, role: granted.role });
      const role = await hostRoleName(tx, hostname);
      const made = { hostname, role, grantedAt: context.now };
      await createHostRole(tx, made, scramVerifier(password));
      const rights = await excessRights(tx, role);
      if (rights.length > 0) throw refuse.HOST_ROLE_TOO_STRONG({ hostname, rights });
      return { host: made, poolIds: (await findPools(tx, { hostname })).map(({ id }) => id) };
    });
  const owner = {
    subject: `The role of ${hostname}`,
    next: `uncloud vpn host revoke ${hostname} && uncloud vpn host grant ${hostname} --password-file OTHER`,
  };
  const granted = await storeWithSecretFile({ file: passwordFile, secret: password, owner }, grant);
  return { ...granted, url: withRole(address.url, granted.host.role), local: isLocal(address.host) };
}

/**
 * The hosts that have a role, by name.
 * @throws HOST_ROLES_NEED_POSTGRESQL
 */
export async function listHosts(context: Context): Promise<HostRole[]> {
  postgresUrl(context);
  const database = await context.db();
  return database.read((tx) => findHostRoles(tx));
}

/** What became of the role of a host. */
export interface RevokedHost {
  readonly hostname: Hostname;
  readonly role: string;
  readonly outcome: DroppedRole;
}

/**
 * Drops the role of a host, as far as other databases of the server let it.
 * @throws HOST_ROLES_NEED_POSTGRESQL, HOST_HAS_NO_ROLE
 */
export async function revokeHost(context: Context, hostname: Hostname): Promise<RevokedHost> {
  postgresUrl(context);
  const database = await context.db();
  return database.write('vpn', async (tx) => {
    const [granted] = await findHostRoles(tx, { hostname });
    if (granted === undefined) {
      const hostnames = (await findHostRoles(tx)).map((other) => other.hostname);
      throw refuse.HOST_HAS_NO_ROLE({ hostname, hostnames });
    }
    const { role } = granted;
    await forgetHost(tx, hostname);
    if (!(await roleExists(tx, role))) return { hostname, role, outcome: 'dropped' };
    const isOurs = role === (await hostRoleName(tx, hostname));
    return { hostname, role, outcome: await dropHostRole(tx, role, { isOurs }) };
  });
}

function postgresUrl(context: Context): PostgresUrl {
  const url = parseDatabaseUrl(context.config['database.url']);
  if (url.backend === 'sqlite') throw refuse.HOST_ROLES_NEED_POSTGRESQL({ path: url.path });
  return url;
}
