import { type Kysely, sql } from 'kysely';

/** A bill run looks for replacements user by user: of most users there are none, however many orders they had. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index orders_replacing on orders (user_id) where replaces_id is not null`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index orders_replacing`.execute(db);
}
