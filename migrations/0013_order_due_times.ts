import { type Kysely, sql } from 'kysely';

/**
 * What every run writes for every order that it bills gets a narrow table of its own, which is cheap to update: no
 * index holds the instant, and on PostgreSQL half of each page is left free, so that the new version of a row lies
 * beside the old one (a heap-only tuple). `orders` itself is written only when an order changes or closes.
 */
export async function up(db: Kysely<unknown>, backend: 'sqlite' | 'postgresql'): Promise<void> {
  const postgres = backend === 'postgresql';
  const integer = sql.raw(postgres ? 'bigint' : 'integer');
  const storage = sql.raw(postgres ? 'with (fillfactor = 50)' : 'strict');

  // next_due_at is the earliest instant at which a run may find something to do. A row comes with its order.
  await sql`
    create table order_due_times (
      order_id ${integer} primary key references orders (id) on delete cascade,
      next_due_at ${integer} not null
    ) ${storage}`.execute(db);
  await sql`
    insert into order_due_times (order_id, next_due_at)
    select id, coalesce(next_due_at, starts_at) from orders`.execute(db);

  if (postgres) await sql`drop trigger orders_first_due on orders`.execute(db);
  else await dropSqliteTriggers(db);
  await sql`drop index orders_open`.execute(db);
  await sql`alter table orders drop column next_due_at`.execute(db);
  await sql`create index orders_open on orders (user_id) where not closed and not not_for_billing`.execute(
    db,
  );
  if (postgres) await setPostgresFunctions(db);
  else await addSqliteTriggers(db);
}

async function setPostgresFunctions(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function orders_first_due() returns trigger language plpgsql as $$
    begin
      insert into order_due_times (order_id, next_due_at) select id, starts_at from added;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger orders_first_due after insert on orders
    referencing new table as added for each statement execute function orders_first_due()`.execute(db);
  await sql`
    create or replace function orders_reopen() returns trigger language plpgsql as $$
    begin
      new.closed := false;
      update order_due_times set next_due_at = new.starts_at where order_id = new.id;
      return new;
    end $$`.execute(db);
  await sql`
    create or replace function orders_reopen_replaced() returns trigger language plpgsql as $$
    begin
      update orders set closed = false where id = new.replaces_id and closed;
      update order_due_times set next_due_at = orders.starts_at from orders
      where orders.id = new.replaces_id and order_id = orders.id;
      return null;
    end $$`.execute(db);
  await sql`
    create or replace function bill_records_reopen_orders() returns trigger language plpgsql as $$
    begin
      update orders set closed = false where id in (select order_id from changed) and closed;
      update order_due_times as due set next_due_at = orders.starts_at from orders
      where orders.id in (select order_id from changed) and due.order_id = orders.id;
      return null;
    end $$`.execute(db);
}

async function addSqliteTriggers(db: Kysely<unknown>): Promise<void> {
  const reopen = (order: string) => sql`
      update orders set closed = 0 where id = ${sql.raw(order)} and closed;
      update order_due_times set next_due_at = (select starts_at from orders where id = ${sql.raw(order)})
      where order_id = ${sql.raw(order)};`;
  await sql`
    create trigger orders_reopen after update of ends_at, not_for_billing on orders
    when old.ends_at is not new.ends_at or old.not_for_billing <> new.not_for_billing
    begin ${reopen('new.id')}
    end`.execute(db);
  await sql`
    create trigger orders_first_due after insert on orders
    begin
      insert into order_due_times (order_id, next_due_at) values (new.id, new.starts_at);
    end`.execute(db);
  await sql`
    create trigger orders_reopen_replaced after insert on orders when new.replaces_id is not null
    begin ${reopen('new.replaces_id')}
    end`.execute(db);
  await sql`
    create trigger orders_reopen_replaced_by_end after update of ends_at on orders
    when new.replaces_id is not null and old.ends_at is not new.ends_at
    begin ${reopen('new.replaces_id')}
    end`.execute(db);
  await sql`
    create trigger bill_records_reopen_orders after delete on bill_records
    begin ${reopen('old.order_id')}
    end`.execute(db);
}

async function dropSqliteTriggers(db: Kysely<unknown>): Promise<void> {
  for (const trigger of [
    'orders_reopen',
    'orders_first_due',
    'orders_reopen_replaced',
    'orders_reopen_replaced_by_end',
    'bill_records_reopen_orders',
  ]) {
    await sql`drop trigger ${sql.raw(trigger)}`.execute(db);
  }
}

export async function down(db: Kysely<unknown>, backend: 'sqlite' | 'postgresql'): Promise<void> {
  const postgres = backend === 'postgresql';
  if (postgres) {
    await sql`drop trigger orders_first_due on orders`.execute(db);
    await sql`drop function orders_first_due()`.execute(db);
  } else {
    await dropSqliteTriggers(db);
  }
  await sql`drop index orders_open`.execute(db);
  await sql`alter table orders add column next_due_at ${sql.raw(postgres ? 'bigint' : 'integer')}`.execute(
    db,
  );
  await sql`
    update orders set next_due_at = (select next_due_at from order_due_times where order_id = orders.id)`.execute(
    db,
  );
  await sql`drop table order_due_times`.execute(db);
  await sql`create index orders_open on orders (user_id, next_due_at) where not closed and not not_for_billing`.execute(
    db,
  );
  if (postgres) await restorePostgresFunctions(db);
  else await restoreSqliteTriggers(db);
}

async function restorePostgresFunctions(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function orders_reopen() returns trigger language plpgsql as $$
    begin
      new.closed := false;
      new.next_due_at := new.starts_at;
      return new;
    end $$`.execute(db);
  await sql`
    create trigger orders_first_due before insert on orders for each row
    when (new.next_due_at is null) execute function orders_reopen()`.execute(db);
  await sql`
    create or replace function orders_reopen_replaced() returns trigger language plpgsql as $$
    begin
      update orders set closed = false, next_due_at = starts_at where id = new.replaces_id;
      return null;
    end $$`.execute(db);
  await sql`
    create or replace function bill_records_reopen_orders() returns trigger language plpgsql as $$
    begin
      update orders set closed = false, next_due_at = starts_at where id in (select order_id from changed);
      return null;
    end $$`.execute(db);
}

async function restoreSqliteTriggers(db: Kysely<unknown>): Promise<void> {
  const reopen = (order: string) =>
    sql.raw(`update orders set closed = 0, next_due_at = starts_at where id = ${order};`);
  await sql`
    create trigger orders_reopen after update of ends_at, not_for_billing on orders
    when old.ends_at is not new.ends_at or old.not_for_billing <> new.not_for_billing
    begin
      ${reopen('new.id')}
    end`.execute(db);
  await sql`
    create trigger orders_first_due after insert on orders when new.next_due_at is null
    begin
      ${reopen('new.id')}
    end`.execute(db);
  await sql`
    create trigger orders_reopen_replaced after insert on orders when new.replaces_id is not null
    begin
      ${reopen('new.replaces_id')}
    end`.execute(db);
  await sql`
    create trigger orders_reopen_replaced_by_end after update of ends_at on orders
    when new.replaces_id is not null and old.ends_at is not new.ends_at
    begin
      ${reopen('new.replaces_id')}
    end`.execute(db);
  await sql`
    create trigger bill_records_reopen_orders after delete on bill_records
    begin
      ${reopen('old.order_id')}
    end`.execute(db);
}
