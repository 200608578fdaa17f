import { type Kysely, sql } from 'kysely';

/**
 * Who may read what of the VPN on PostgreSQL: the owner of the tables everything, the login role of a host the pools
 * and networks of its hostname. SQLite has no roles, so there is nothing to say.
 */
export async function up(db: Kysely<unknown>, backend: 'sqlite' | 'postgresql'): Promise<void> {
  if (backend === 'sqlite') return;
  await sql`
    create table vpn_hosts (
      hostname text primary key constraint vpn_hosts_hostname check (hostname = lower(hostname)),
      role name not null constraint vpn_hosts_role_key unique,
      granted_at bigint not null
    )`.execute(db);

  const visibleToHost = {
    vpn_hosts: 'role = current_user',
    vpn_pools: 'hostname = (select hostname from vpn_hosts where role = current_user)',
    // The rows that the policy of vpn_pools shows: whoever sees a pool sees its networks.
    vpn_networks: 'pool_id = any (array(select id from vpn_pools))',
  };
  for (const [name, rows] of Object.entries(visibleToHost)) {
    const table = sql.table(name);
    // Asked of the role that runs the statement, so a view cannot lend its owner's eyes; once for each statement.
    await sql`
      create policy owner on ${table} using (
        (select pg_has_role(relowner, 'usage') from pg_class where oid = ${sql.lit(name)}::regclass)
      )`.execute(db);
    await sql`create policy host on ${table} for select using (${sql.raw(rows)})`.execute(db);
    await sql`alter table ${table} enable row level security`.execute(db);
    await sql`alter table ${table} force row level security`.execute(db);
  }
}

export async function down(db: Kysely<unknown>, backend: 'sqlite' | 'postgresql'): Promise<void> {
  if (backend === 'sqlite') return;
  // Without the policies the roles would see the rows of all hosts.
  await sql`
    do $$
    declare host record;
    begin
      for host in select role from vpn_hosts join pg_roles on rolname = role loop
        execute format('revoke all on all tables in schema %I from %I', current_schema(), host.role);
        execute format('revoke all on schema %I from %I', current_schema(), host.role);
        execute format('revoke all on database %I from %I', current_database(), host.role);
        begin
          execute format('drop role %I', host.role);
        exception when dependent_objects_still_exist then
          raise notice 'the role % has rights in another database and stays', host.role;
        end;
      end loop;
    end $$`.execute(db);
  for (const name of ['vpn_networks', 'vpn_pools', 'vpn_hosts']) {
    const table = sql.table(name);
    await sql`drop policy host on ${table}`.execute(db);
    await sql`drop policy owner on ${table}`.execute(db);
    await sql`alter table ${table} no force row level security`.execute(db);
    await sql`alter table ${table} disable row level security`.execute(db);
  }
  await sql`drop table vpn_hosts`.execute(db);
}
