import { type Kysely, sql } from 'kysely';

/** Which entry of the directory a group is, as users have it since 0011. */
export async function up(db: Kysely<unknown>, backend: 'sqlite' | 'postgresql'): Promise<void> {
  const integer = sql.raw(backend === 'postgresql' ? 'bigint' : 'integer');
  await sql`alter table groups add column directory_id text`.execute(db);
  await sql`
    alter table groups add column directory_dn text
      constraint groups_directory_link check ((directory_id is null) = (directory_dn is null))`.execute(db);
  await sql`
    alter table groups add column directory_gone_at ${integer}
      constraint groups_directory_gone check (directory_gone_at is null or directory_id is not null)`.execute(
    db,
  );
  await sql`create unique index groups_directory_id_key on groups (directory_id)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index groups_directory_id_key`.execute(db);
  await sql`alter table groups drop column directory_gone_at`.execute(db);
  await sql`alter table groups drop column directory_dn`.execute(db);
  await sql`alter table groups drop column directory_id`.execute(db);
}
