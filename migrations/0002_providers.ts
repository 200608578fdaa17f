import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>, backend: 'sqlite' | 'postgresql'): Promise<void> {
  const postgres = backend === 'postgresql';
  const integer = sql.raw(postgres ? 'bigint' : 'integer');
  const oss = sql.raw(
    postgres ? 'boolean not null default false' : 'integer not null default 0 check (oss in (0, 1))',
  );
  const strict = sql.raw(postgres ? '' : 'strict');

  // The seller. One row: every bill has the same one.
  await sql`
    create table providers (
      id ${integer} primary key constraint providers_only_one check (id = 1),
      name text not null default '',
      street text not null default '',
      city text not null default '',
      postal_code text not null default '',
      country text constraint providers_country check (length(country) = 2),
      vat_number text not null default '',
      iban text not null default '',
      oss ${oss}
    ) ${strict}`.execute(db);

  // Countries besides its own in which the seller is registered for VAT.
  await sql`
    create table provider_registrations (
      provider_id ${integer} not null references providers (id) on delete cascade,
      country text not null constraint provider_registrations_country check (length(country) = 2),
      primary key (provider_id, country)
    ) ${strict}`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table provider_registrations`.execute(db);
  await sql`drop table providers`.execute(db);
}
