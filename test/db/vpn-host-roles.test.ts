import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { examine } from '../../src/lib/ops/doctor.ts';
import { migrate } from '../../src/lib/ops/migrations.ts';
import { reconcileHost } from '../../src/lib/ops/vpn-host.ts';
import { examineHost } from '../../src/lib/ops/vpn-host-doctor.ts';
import { grantHost, listHosts, revokeHost } from '../../src/lib/ops/vpn-host-roles.ts';
import { createNetworks, deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { uncloud } from '../support/cli.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { testKey } from '../support/served-pool.ts';
import { ANNA, addNetwork, addPool, addUser, HOST } from '../support/vpn.ts';

const OTHER = parseHostname('vpn-2.example.net');
/** What only the other host may see: its name, its prefixes, its clients' keys, and whom the networks belong to. */
const FOREIGN = ['vpn-2.example', '2a0a:e5c1:3', testKey(10).slice(0, 12), testKey(11).slice(0, 12), 'anna'];

describeDatabases('the role of a VPN host', (databases) => {
  let context: TestContext;
  let folder: string;
  let superuser: pg.Client;
  const clients: pg.Client[] = [];

  const connect = async (url: string): Promise<pg.Client> => {
    const client = new pg.Client(url);
    clients.push(client);
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const grant = async (hostname = HOST, file = `${hostname}.password`) => {
    const { host, url } = await grantHost(context, { hostname, passwordFile: join(folder, file) });
    const password = (await readFile(join(folder, file), 'utf8')).trim();
    return { host, url: url.replace(`${host.role}@`, `${host.role}:${password}@`), shown: url };
  };
  const render = async (url: string, hostname = HOST) =>
    reconcileHost(await databases.context({ url }), {
      hostname,
      directory: folder,
      renderOnly: true,
      dryRun: false,
      prune: false,
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(databases.folder, 'host-'));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end();
  });

  if (databases.backend === 'sqlite') {
    it('is refused: SQLite has no roles', async () => {
      context = await databases.context();
      const refused = { code: 'HOST_ROLES_NEED_POSTGRESQL' };
      await expect(grant()).rejects.toMatchObject(refused);
      await expect(listHosts(context)).rejects.toMatchObject(refused);
      await expect(revokeHost(context, HOST)).rejects.toMatchObject(refused);
    });
    return;
  }

  // As in production: the owner of the database is no superuser, for whom row-level security would not apply.
  beforeEach(async () => {
    const url = await databases.emptyUrl();
    const name = new URL(url).pathname.slice(1);
    const server = await connect(`${inject('postgresUrl')}/postgres`);
    await server.query(`create role owner_${name} login createrole password 'owner'`);
    await server.query(`alter database ${name} owner to owner_${name}`);
    superuser = await connect(url);
    context = await databases.context({ url: url.replace('postgres:postgres@', `owner_${name}:owner@`) });
    const migrating = await databases.context({ url: context.url });
    await migrating.db({ anySchema: true });
    await migrate(migrating, undefined);

    await addUser(context);
    await addPool(context);
    await addPool(context, '2a0a:e5c1:300::/40', { hostname: OTHER });
    for (const number of [0, 1]) await addNetwork(context, testKey(number), { poolId: 1 });
    for (const number of [10, 11]) await addNetwork(context, testKey(number), { poolId: 2 });
  });

  it('serves its own host, and finds no pool for any other', async () => {
    const { url } = await grant();
    await render(url);
    const text = await readFile(join(folder, 'wg0.conf'), 'utf8');
    expect([...text.matchAll(/^PublicKey = (.*)$/gm)].map(([, key]) => key)).toEqual([
      testKey(0),
      testKey(1),
    ]);
    const onHost = await databases.context({ url, config: { wireguard: { config_directory: folder } } });
    const findings = [...(await examine(onHost)), ...(await examineHost(onHost, HOST))];
    const ofTheDatabase = findings.filter(({ id }) => ['database', 'schema', 'secrets', 'pool'].includes(id));
    expect(ofTheDatabase.map(({ id, level }) => `${id} ${level}`)).toEqual([
      'database ok',
      'schema ok',
      'secrets ok',
      'pool ok',
    ]);
    await expect(render(url, OTHER)).rejects.toMatchObject({
      code: 'NO_POOL_FOR_HOST',
      hint: `Hosts with pools: ${HOST}; see them on the main node with: uncloud vpn pool list`,
    });
  });

  it('sees no row of another host and writes none, in whatever way it tries', async () => {
    const { host, url } = await grant();
    const other = await grant(OTHER);
    const { rows: sealed } = await superuser.query('select private_key from vpn_pools where id = 2');
    const foreign = [...FOREIGN, String(sealed[0].private_key).slice(0, 20), other.host.role];
    const owner = await connect(context.url);
    await owner.query('create view every_network as select pool_id, network, public_key from vpn_networks');
    await owner.query(`grant select on every_network to ${host.role}`);
    const before = await contentOf(superuser);

    const client = await connect(url);
    const said: string[] = [];
    client.on('notice', ({ message }) => said.push(message ?? ''));
    const attempts = attemptsOn((await owner.query('select current_user as name')).rows[0].name, other.host);
    expect(attempts.length).toBeGreaterThan(80);
    const seen: string[] = [];
    for (const attempt of attempts) {
      said.length = 0;
      let shown: string;
      try {
        const results = [await client.query(attempt)].flat();
        shown = JSON.stringify(results.map(({ rows }) => rows));
      } catch (error) {
        const { message, detail = '', hint = '' } = error as pg.DatabaseError;
        shown = [message, detail, hint].join('\n');
      }
      await client.query('rollback; reset all; reset session authorization').catch(() => {});
      const told = `${shown}\n${said.join('\n')}`.replaceAll(attempt, '');
      // What the attempt itself said it was looking for, PostgreSQL may repeat.
      const leaked = foreign.filter((text) => told.includes(text) && !attempt.includes(text));
      if (leaked.length > 0) seen.push(`${attempt}: ${leaked.join(', ')}`);
    }
    expect(seen).toEqual([]);
    expect(await contentOf(superuser)).toEqual(before);
    const own = await client.query('select id from vpn_networks union all select pool_id from every_network');
    expect(own.rows.map(({ id }) => id)).toEqual(['1', '2', '1', '1']);
  });

  it('may read the columns that a run needs, and no table besides', async () => {
    const { host } = await grant();
    const { rows } = await superuser.query(
      `select table_name || '.' || column_name || ' ' || privilege_type as "right"
       from information_schema.column_privileges where grantee = $1 order by 1`,
      [host.role],
    );
    expect(rows.map((row) => row.right)).toEqual([
      'schema_migration_checksums.checksum SELECT',
      'schema_migration_checksums.name SELECT',
      'schema_migrations.name SELECT',
      'secret_keys.fingerprint SELECT',
      'secret_keys.id SELECT',
      'vpn_hosts.hostname SELECT',
      'vpn_hosts.role SELECT',
      'vpn_networks.id SELECT',
      'vpn_networks.network SELECT',
      'vpn_networks.pool_id SELECT',
      'vpn_networks.public_key SELECT',
      'vpn_networks.slot SELECT',
      'vpn_pools.hostname SELECT',
      'vpn_pools.id SELECT',
      'vpn_pools.interface SELECT',
      'vpn_pools.listen_port SELECT',
      'vpn_pools.network SELECT',
      'vpn_pools.private_key SELECT',
      'vpn_pools.public_key SELECT',
      'vpn_pools.subnetwork_size SELECT',
    ]);
    const role = await superuser.query('select * from pg_roles where rolname = $1', [host.role]);
    expect(role.rows).toMatchObject([
      { rolsuper: false, rolinherit: false, rolcreaterole: false, rolcreatedb: false, rolbypassrls: false },
    ]);
    const memberships = 'select 1 from pg_auth_members where member = $1::regrole';
    expect((await superuser.query(memberships, [host.role])).rows).toEqual([]);
  });

  it('has its password in a new file of mode 0600 and nowhere else', async () => {
    const before = process.umask(0);
    const granted = await grant().finally(() => process.umask(before));
    const file = join(folder, `${HOST}.password`);
    const password = (await readFile(file, 'utf8')).trim();
    expect((await stat(file)).mode & 0o7777).toBe(0o600);
    expect(password).toMatch(/^[\w-]{32}$/);
    expect(JSON.stringify([granted.shown, granted.host])).not.toContain(password);
    expect(granted.host.role).toMatch(/^uncloud_host_vpn_1_[0-9a-f]{12}$/);
    const { rows } = await superuser.query('select rolpassword from pg_authid where rolname = $1', [
      granted.host.role,
    ]);
    expect(rows[0].rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/);
    expect(await listHosts(context)).toEqual([granted.host]);
  });

  it('is made once, and not at all where its password cannot be stored', async () => {
    await expect(grant(HOST, 'nowhere/\0')).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
    expect(await listHosts(context)).toEqual([]);
    await grant(HOST, 'a');
    await expect(grant(HOST, 'b')).rejects.toMatchObject({ code: 'HOST_HAS_ROLE' });
    await expect(stat(join(folder, 'b'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(grant(OTHER, 'a')).rejects.toMatchObject({ code: 'FILE_EXISTS' });
    expect((await listHosts(context)).map(({ hostname }) => hostname)).toEqual([HOST]);
  });

  it('is made before its pools are, which is told, as the name may be misspelt', async () => {
    const { poolIds } = await grantHost(context, { hostname: OTHER, passwordFile: join(folder, 'other') });
    expect(poolIds).toEqual([2]);
    const misspelt = 'vpn-1.exmaple.net';
    const { code, stderr } = await uncloud(
      ['vpn', 'host', 'grant', misspelt, '--password-file', join(folder, 'misspelt'), '-q'],
      { url: context.url },
    );
    expect(code).toBe(0);
    expect(stderr).toContain(
      `Warning: no pool names ${misspelt} yet, so its role sees none. The hosts of pools are listed with: uncloud vpn pool list; a slip is taken back with: uncloud vpn host revoke ${misspelt}\n`,
    );
    expect((await listHosts(context)).map(({ hostname }) => hostname)).toEqual([misspelt, OTHER]);
  });

  it('is made by the Unix socket of this machine, which its host does not have', async () => {
    const { port, pathname } = new URL(context.url);
    const url = `postgres://${pathname}?host=/tmp&port=${port}`;
    const { username, password } = new URL(context.url);
    const { code, stdout, stderr } = await uncloud(
      ['vpn', 'host', 'grant', HOST, '--password-file', join(folder, 'secret')],
      { url, environment: { PGUSER: username, PGPASSWORD: password } },
    );
    const [host] = await listHosts(context);
    expect(code).toBe(0);
    expect(stdout).toContain(`postgres://${host?.role}@${pathname}?host=/tmp&port=${port}\n`);
    expect(stderr).toMatch(/^Warning: this URL leads to this machine: on the host, name the database server/);
  });

  it('is not made where everybody may do more than it should', async () => {
    await superuser.query(
      'grant create on schema public to public; grant select (username) on users to public',
    );
    await expect(grant()).rejects.toMatchObject({
      code: 'HOST_ROLE_TOO_STRONG',
      data: { rights: ['create objects in the schema public', 'use the table users'] },
    });
    expect(await listHosts(context)).toEqual([]);
  });

  it('goes with its sessions when it is revoked, and can be made again', async () => {
    const { host, url } = await grant();
    const client = await connect(url);
    await client.query('begin; create temp table kept as select * from (select id from vpn_pools) as own');
    expect(await revokeHost(context, HOST)).toEqual({ hostname: HOST, role: host.role, outcome: 'dropped' });
    await expect(client.query('select id from vpn_pools')).rejects.toThrow();
    await expect(connect(url)).rejects.toMatchObject({ code: '28P01' });
    expect((await superuser.query('select 1 from pg_roles where rolname = $1', [host.role])).rows).toEqual(
      [],
    );
    await expect(revokeHost(context, HOST)).rejects.toMatchObject({ code: 'HOST_HAS_NO_ROLE' });
    expect((await grant(HOST, 'again')).host.role).toBe(host.role);
  });

  it('is taken over or forgotten when the list or the server has lost it', async () => {
    const { host } = await grant();
    await superuser.query('delete from vpn_hosts');
    const again = await grant(HOST, 'b');
    expect(again.host.role).toBe(host.role);
    await render(again.url);
    await superuser.query(`drop owned by ${host.role}; drop role ${host.role}`);
    await expect(grant(HOST, 'c')).rejects.toMatchObject({ code: 'HOST_HAS_ROLE' });
    expect(await revokeHost(context, HOST)).toMatchObject({ outcome: 'dropped' });
    expect(await listHosts(context)).toEqual([]);
  });

  /** Copies the database, as a restored backup is one, with the rights of the role. Its sessions are ended. */
  const copied = async (): Promise<{ suffix: string; drop: () => Promise<unknown> }> => {
    const original = new URL(context.url).pathname.slice(1);
    const server = await connect(`${inject('postgresUrl')}/postgres`);
    await server.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [
      original,
    ]);
    await server.query(`create database ${original}_copy template ${original} owner owner_${original}`);
    return { suffix: '_copy', drop: () => server.query(`drop database ${original}_copy with (force)`) };
  };

  it('is spared when it is revoked in a copy of its database', async () => {
    const { url } = await grant();
    const { suffix, drop } = await copied();
    try {
      const live = await connect(url);
      const copy = await databases.context({ url: `${context.url}${suffix}` });
      expect(await revokeHost(copy, HOST)).toMatchObject({ outcome: 'left' });
      expect((await live.query('select id from vpn_pools')).rows).toHaveLength(1);
      const onCopy = await connect(`${url}${suffix}`);
      await expect(onCopy.query('select id from vpn_pools')).rejects.toMatchObject({ code: '42501' });
    } finally {
      await drop();
    }
  });

  it('is locked while a copy of its database has rights of it, until it is granted again', async () => {
    const { host, url } = await grant();
    const { drop } = await copied();
    try {
      const fresh = await databases.context({ url: context.url });
      expect(await revokeHost(fresh, HOST)).toMatchObject({ outcome: 'locked' });
      await expect(connect(url)).rejects.toMatchObject({ code: '28P01' });
      context = fresh;
      const again = await grant(HOST, 'again');
      expect(again.host.role).toBe(host.role);
      await render(again.url);
    } finally {
      await drop();
    }
  });

  it('can neither lock nor fill the server that was set up as the manual says', async () => {
    const [block = ''] = /do \$\$[\s\S]*?end \$\$;/.exec(await readFile('docs/database.md', 'utf8')) ?? [];
    expect(block).toContain(' to uncloud');
    await superuser.query(block.replace(' to uncloud', ` to ${new URL(context.url).username}`));
    const { url } = await grant();
    const client = await connect(url);
    for (const call of [
      'pg_advisory_lock(1)',
      'pg_try_advisory_lock_shared(1, 2)',
      'pg_advisory_xact_lock(1)',
      'lo_create(0)',
      `lo_from_bytea(0, 'x')`,
    ])
      await expect(client.query(`select ${call}`), call).rejects.toMatchObject({ code: '42501' });
    await render(url);
    await addNetwork(context, testKey(2), { poolId: 1 });
  });

  it('is shut out also when it made more than can be dropped at once', async () => {
    const { host, url } = await grant();
    const client = await connect(url);
    await client.query('select count(lo_create(0)) from generate_series(1, 1001)');
    expect(await revokeHost(context, HOST)).toEqual({ hostname: HOST, role: host.role, outcome: 'locked' });
    await expect(client.query('select 1')).rejects.toThrow();
    await expect(connect(url)).rejects.toMatchObject({ code: '28P01' });
    expect(await listHosts(context)).toEqual([]);
    const members = 'select 1 from pg_auth_members where roleid = $1::regrole and set_option';
    expect((await superuser.query(members, [host.role])).rows).toEqual([]);
  });

  it('leaves the owner everything: bulk writes, deletions, and the way back', async () => {
    const { host } = await grant();
    const keys = Array.from({ length: 300 }, (_, number) => testKey(100 + number));
    const file = join(folder, 'keys.txt');
    await writeFile(file, keys.join('\n'));
    const borrower = { username: ANNA, size: 48, poolId: null };
    expect(await createNetworks(context, { ...borrower, publicKeysFile: file, count: null })).toHaveLength(
      300,
    );
    await deleteNetworks(context, [3]);
    const owner = await connect(context.url);
    const counted = await owner.query('select count(*)::int from vpn_networks');
    expect(counted.rows).toEqual([{ count: 303 }]);

    const back = await databases.context({ url: context.url });
    await back.db({ anySchema: true });
    await migrate(back, '0008');
    expect((await superuser.query('select 1 from pg_roles where rolname = $1', [host.role])).rows).toEqual(
      [],
    );
    await migrate(back, undefined);
    expect((await owner.query('select count(*)::int from vpn_networks')).rows).toEqual([{ count: 303 }]);
  });
});

/** Every row of every table, as text. */
async function contentOf(client: pg.Client): Promise<Record<string, unknown>> {
  const tables = await client.query(
    `select oid::regclass::text as name, relkind = 'S' as counts from pg_class
     where relnamespace = 'public'::regnamespace and relkind in ('r', 'S', 'v') order by 1`,
  );
  const content: Record<string, unknown> = {};
  for (const { name, counts } of tables.rows) {
    const row = counts ? 'last_value' : 't::text';
    content[name] = (await client.query(`select ${row} from ${name} as t order by 1`)).rows;
  }
  return content;
}

/** Statements that each try to see or change what belongs to others. */
function attemptsOn(owner: string, other: { role: string }): string[] {
  const tables = ['users', 'billing_addresses', 'providers', 'products', 'product_prices', 'orders', 'bills'];
  const more = ['bill_records', 'bill_vats', 'bill_counters', 'vat_rates', 'audit_entries'];
  const ours = ['vpn_pools', 'vpn_networks', 'vpn_released_slots', 'vpn_hosts', 'secret_keys'];
  const everything = [...tables, ...more, ...ours, 'schema_migrations', 'every_network'];
  const leak = `create function pg_temp.leak(text) returns boolean language plpgsql cost 0.0000001 as
    $$ begin raise notice '%', $1; return true; end $$;`;
  return [
    ...everything.flatMap((table) => [
      `select * from ${table}`,
      `delete from ${table}`,
      `truncate ${table} cascade`,
      `insert into ${table} default values`,
      `lock table ${table} in access exclusive mode`,
      `copy ${table} from program 'echo 1'`,
    ]),
    // Looking past the policy.
    'select id, hostname, private_key from vpn_pools',
    'select id, hostname from vpn_pools where id = 2',
    'select id, network, public_key from vpn_networks where pool_id = 2',
    'select n.network from vpn_networks n right join vpn_pools p on true where p.id <> 1',
    'select public_key from every_network',
    'select * from every_network where pool_id = 2',
    'set row_security = off; select id, hostname from vpn_pools',
    'select hostname, role from vpn_hosts',
    'table vpn_hosts',
    'select user_id from vpn_networks',
    'select reference from vpn_networks',
    'select vpn_networks from vpn_networks',
    'select count(*) from users',
    'select id, network from vpn_networks for update',
    'select id, network from vpn_networks for share',
    // Functions that the planner might run before the policy.
    `${leak} select id from vpn_pools where pg_temp.leak(hostname)`,
    `${leak} select id from vpn_networks where pg_temp.leak(public_key)`,
    `${leak} select pool_id from every_network where pg_temp.leak(public_key)`,
    `${leak} select n.id from vpn_networks n, vpn_pools p where pg_temp.leak(p.hostname) or pg_temp.leak(n.public_key)`,
    `${leak} explain analyze select id from vpn_pools where pg_temp.leak(hostname)`,
    'create function pg_temp.leak(text) returns boolean language sql leakproof as $$ select true $$',
    `select id from vpn_pools where cast(hostname as integer) = 1 and id = 2`,
    `select id from vpn_pools where 1 / (id - 2) = 1`,
    `select id from vpn_networks where (public_key::xml is document)`,
    `create operator pg_temp.=== (leftarg = text, rightarg = text, function = texteq, restrict = eqsel);
     select id from vpn_pools where hostname operator(pg_temp.===) 'x'`,
    // Statements inside of functions, plans, cursors and copies.
    `select query_to_xml('select id, hostname from vpn_pools', true, true, '')`,
    `select table_to_xml('vpn_networks', true, true, '')`,
    `select schema_to_xml('public', true, true, '')`,
    `select database_to_xml(true, true, '')`,
    `select * from ts_stat('select to_tsvector(hostname) from vpn_pools')`,
    'copy vpn_pools (id, hostname) to stdout',
    `copy (select public_key from vpn_networks) to program 'cat > /tmp/x'`,
    `copy (select public_key from vpn_networks) to '/tmp/uncloud-stolen'`,
    `prepare p as select id, hostname from vpn_pools; set role ${owner}; execute p`,
    `declare c cursor with hold for select id, hostname from vpn_pools; fetch all from c`,
    `do $$ declare r record; begin for r in select id, hostname from vpn_pools loop raise notice '%', r; end loop; end $$`,
    `create function pg_temp.f() returns setof text language sql security definer as
       $$ select hostname from vpn_pools $$; select pg_temp.f()`,
    `create temp view mine with (security_barrier = false) as select id, hostname from vpn_pools; select * from mine`,
    `create temp table stolen as select id, hostname, private_key from vpn_pools; table stolen`,
    'create temp table users (id int); create temp table vpn_hosts (hostname text, role name); select id from vpn_pools',
    `create temp table vpn_hosts (hostname text, role name); insert into vpn_hosts select 'vpn-2.example.net', current_user;
     set search_path = pg_temp, public; select id, hostname from public.vpn_pools`,
    // Becoming somebody else.
    `set role ${owner}`,
    `set role ${other.role}`,
    'set role postgres',
    'set role pg_read_all_data',
    `set session authorization ${owner}`,
    `set session authorization ${other.role}; select id, hostname from vpn_pools`,
    `grant ${owner} to current_user`,
    `grant pg_read_all_data to current_user`,
    'alter role current_user superuser',
    'alter role current_user bypassrls',
    `alter role ${other.role} password 'x'`,
    `alter role ${owner} password 'x'`,
    'create role accomplice login',
    // Changing the rules.
    'alter table vpn_pools disable row level security',
    'alter table vpn_pools no force row level security',
    'alter table vpn_networks owner to current_user',
    'create policy all_rows on vpn_pools using (true)',
    'drop policy host on vpn_pools',
    'alter policy host on vpn_pools using (true)',
    'grant select on users to current_user',
    'drop table vpn_networks cascade',
    'create table public.t (id int)',
    'create view public.v as select * from vpn_pools',
    'create schema mine',
    'create extension pg_trgm',
    'create trigger t before insert on vpn_pools for each row execute function vpn_networks_check_pool()',
    'create rule r as on select to vpn_pools do instead select 1',
    'create index on vpn_pools (hostname)',
    'create publication p for table vpn_pools',
    // Writing what it may see.
    `update vpn_pools set hostname = 'vpn-1.example.net'`,
    `update vpn_networks set pool_id = 1 where pool_id = 2`,
    `update vpn_hosts set hostname = 'vpn-2.example.net'`,
    `insert into vpn_hosts values ('vpn-2.example.net', current_user, 0)`,
    `insert into vpn_networks (pool_id, slot, network, first_address, last_address, user_id, public_key, created_at)
       values (1, 7, '2a0a:e5c1:207::/48', repeat('0', 32), repeat('0', 32), 1, '${testKey(99)}', 0)`,
    `insert into vpn_hosts values ('vpn-2.example.net', 'x', 0) on conflict (hostname) do update set role = current_user`,
    `merge into vpn_pools using (select 2 as id) as s on vpn_pools.id = s.id when matched then delete`,
    `with gone as (delete from vpn_networks returning *) select * from gone`,
    `select nextval('vpn_networks_id_seq'), setval('vpn_pools_id_seq', 1)`,
    // The catalogues, as pg_dump and statistics read them.
    `select * from pg_statistic`,
    `select * from pg_stats where schemaname = 'public'`,
    `select * from pg_stats_ext`,
    `select rolname, rolpassword from pg_authid`,
    `select usename, passwd from pg_shadow`,
    `select usename, query from pg_stat_activity where usename is distinct from current_user`,
    `select last_value from vpn_networks_id_seq`,
    `select * from pg_sequences where schemaname = 'public'`,
    `select pg_get_expr(polqual, polrelid) from pg_policy`,
    `explain (analyze, verbose, buffers) select id, hostname from vpn_pools where hostname > 'a'`,
    // Files and processes of the server.
    `select pg_read_file('/etc/passwd')`,
    `select pg_ls_dir('.')`,
    `select lo_import('/etc/passwd')`,
    `select pg_terminate_backend(pid) from pg_stat_activity where usename is distinct from current_user`,
    `create extension dblink`,
    'alter system set log_statement = all',
  ];
}
