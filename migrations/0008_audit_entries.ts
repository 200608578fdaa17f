import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>, backend: 'sqlite' | 'postgresql'): Promise<void> {
  const postgres = backend === 'postgresql';
  const integer = sql.raw(postgres ? 'bigint' : 'integer');
  const strict = sql.raw(postgres ? '' : 'strict');

  // Each entry carries the hash of the one before it, so a removed or edited entry shows. counts is JSON text.
  await sql`
    create table audit_entries (
      id ${integer} primary key,
      at ${integer} not null,
      os_user text not null,
      sudo_user text,
      database_role text not null,
      host text not null,
      command text not null,
      counts text not null,
      result text not null,
      previous_hash text not null,
      hash text not null constraint audit_entries_hash_key unique
    ) ${strict}`.execute(db);

  if (postgres) {
    await sql`
      create function audit_entries_refuse_change() returns trigger language plpgsql as $$
      begin
        raise exception 'the audit trail is append-only' using errcode = 'restrict_violation';
      end $$`.execute(db);
    await sql`
      create trigger audit_entries_append_only before update or delete or truncate on audit_entries
      for each statement execute function audit_entries_refuse_change()`.execute(db);
    return;
  }
  for (const event of ['update', 'delete']) {
    await sql`
      create trigger ${sql.raw(`audit_entries_${event}`)} before ${sql.raw(event)} on audit_entries
      begin
        select raise(abort, 'the audit trail is append-only');
      end`.execute(db);
  }
}

export async function down(db: Kysely<unknown>, backend: 'sqlite' | 'postgresql'): Promise<void> {
  await sql`drop table audit_entries`.execute(db);
  if (backend === 'postgresql') await sql`drop function audit_entries_refuse_change()`.execute(db);
}
