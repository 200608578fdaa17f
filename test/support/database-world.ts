import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { expect } from 'vitest';
import { parseCountry } from '../../src/lib/core/country.ts';
import { UserError } from '../../src/lib/core/errors.ts';
import {
  addSeconds,
  formatInstant,
  type Instant,
  instant,
  parseInstant,
} from '../../src/lib/core/instant.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import { parseCurrency, parsePrice } from '../../src/lib/core/money.ts';
import { parseReference } from '../../src/lib/core/reference.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import { generateBills } from '../../src/lib/ops/bill-run.ts';
import { showBill } from '../../src/lib/ops/bills.ts';
import { closeBills, discardBills } from '../../src/lib/ops/drafts.ts';
import { cancelOrder, changeOrder, createOrder, replaceOrder } from '../../src/lib/ops/orders.ts';
import { setProvider } from '../../src/lib/ops/provider.ts';
import { breakDatabase } from './broken-database.ts';
import type { TestContext, TestDatabases } from './databases.ts';
import {
  type GoldenBill,
  type GoldenCustomer,
  type GoldenOrder,
  type GoldenRate,
  type GoldenRun,
  type GoldenSeller,
  type GoldenSuccessor,
  type GoldenWorld,
  goldenBill,
} from './golden.ts';
import { listBills } from './lists.ts';

/** Orders and bills in a database, made and billed by the ops that the commands call. */
export class DatabaseWorld implements GoldenWorld {
  readonly #databases: TestDatabases;
  #context: TestContext;
  readonly #ids = new Map<string, number>();
  /** By customer: the refusal that an order met at the door, before it was stored by other means. */
  readonly #refused = new Map<string, string>();

  /** At the time of the last run. */
  get context(): TestContext {
    return this.#context;
  }

  private constructor(databases: TestDatabases, context: TestContext) {
    this.#databases = databases;
    this.#context = context;
  }

  static async open(
    databases: TestDatabases,
    seller: GoldenSeller,
    rates: readonly GoldenRate[],
  ): Promise<DatabaseWorld> {
    const context = await databases.context();
    const country = parseCountry(seller.country);
    await setProvider(context, { name: parseLine('name', 'Example Hosting'), country, oss: seller.oss });
    const database = await context.db();
    await database.kysely
      .insertInto('vat_rates')
      .values(
        rates.map(({ territory, from, to, rate }) => ({
          territory,
          rate_type: 'standard',
          valid_from: from,
          valid_to: to,
          rate: Math.round(Number(rate) * 100),
        })),
      )
      .execute();
    return new DatabaseWorld(databases, context);
  }

  async setCustomer(name: string, { country, postcode, vat_id_valid }: GoldenCustomer): Promise<void> {
    const { kysely } = await this.#context.db();
    const user = { username: name, created_at: this.#context.now };
    await kysely
      .insertInto('users')
      .values(user)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const { id } = await kysely
      .selectFrom('users')
      .select('id')
      .where('username', '=', name)
      .executeTakeFirstOrThrow();
    const address = {
      country: parseCountry(country),
      postal_code: postcode ?? '',
      vat_number: vat_id_valid === true ? `${country}123` : '',
      vat_checked_on: vat_id_valid === true ? '2010-01-01' : null,
    };
    await kysely
      .insertInto('billing_addresses')
      .values({ user_id: id, ...address })
      .onConflict((conflict) => conflict.column('user_id').doUpdateSet(address))
      .execute();
  }

  /** Through `createOrder` where that can make such an order, else as another program would write the row. */
  async addOrder(golden: GoldenOrder): Promise<void> {
    if (golden.replaces !== undefined) {
      await this.#insert(golden);
      return;
    }
    try {
      const { order } = await createOrder(
        this.#context,
        { username: parseUsername(golden.customer), reference: parseReference(golden.id) },
        {
          description: golden.id,
          currency: parseCurrency(golden.currency),
          oneTimePrice: parsePrice(golden.one_time_price ?? '0', { negative: true }),
          recurringPrice: parsePrice(golden.recurring_price ?? '0'),
          quantity: golden.quantity,
          period: golden.recurring_period_seconds ?? 0,
          commitmentPeriods: golden.commitment_periods,
          charge: golden.charge,
          startsAt: at(golden.starts_at),
          endsAt: endOf(golden) ?? undefined,
          notForBilling: golden.not_for_billing,
        },
      );
      this.#ids.set(golden.id, order.id);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#refused.set(golden.customer, error.code);
      await this.#insert(golden);
    }
  }

  async run(until: string, { draft }: { draft: boolean }): Promise<GoldenRun> {
    this.#context = this.#context.at(until);
    const { bills, skipped } = await generateBills(this.#context, { draft });
    const errors = skipped.map(({ username, refusal }) => ({ customer: username, code: refusal.code }));
    for (const [customer, code] of this.#refused) expect(errors).toContainEqual({ customer, code });
    const shown: GoldenBill[] = [];
    for (const { id, number, username } of bills) {
      const stored = await showBill(this.#context, { id: id ?? 0 });
      expect(stored.number).toBe(number);
      shown.push(goldenBill(username, stored, stored.number, (order) => this.#keyOf(order)));
    }
    return { bills: shown, errors };
  }

  async dryRun(until: string): Promise<GoldenRun> {
    this.#context = this.#context.at(until);
    const { bills, skipped } = await generateBills(this.#context, { dryRun: true });
    return {
      bills: bills.map(({ username, bill, number }) =>
        goldenBill(username, bill, number, (order) => this.#keyOf(order)),
      ),
      errors: skipped.map(({ username, refusal }) => ({ customer: username, code: refusal.code })),
    };
  }

  async crashRun(until: string): Promise<void> {
    const context = await this.#databases.context({ url: this.#context.url, now: until });
    let inserted = false;
    const isCommit = (sql: string) => {
      inserted ||= sql.startsWith('insert into bill_records');
      return inserted && sql === 'commit';
    };
    const crashed = await breakDatabase(isCommit, 'before', () =>
      expect(generateBills(context)).rejects.toMatchObject({ exit: 75 }),
    );
    expect(crashed).toBe(true);
    await (await context.db()).close();
  }

  async replace(key: string, when: string, successor: GoldenSuccessor, policy: 'prorate' | 'full') {
    const { id, recurring_price, quantity, commitment_periods, currency } = successor;
    const context = this.#context.at(when);
    const { kind, order, replaced } = await replaceOrder(
      context,
      { id: this.#idOf(key) },
      {
        reference: parseReference(id),
        description: id,
        recurringPrice: recurring_price === undefined ? undefined : parsePrice(recurring_price),
        quantity,
        commitmentPeriods: commitment_periods,
        currency: currency === undefined ? undefined : parseCurrency(currency),
      },
      { at: context.now, policy, dryRun: false },
    );
    this.#ids.set(id, order.id ?? 0);
    return {
      kind,
      old_ends_at: formatInstant(replaced.endsAt ?? at('9999-01-01')),
      new_starts_at: formatInstant(order.startsAt),
    };
  }

  async cancel(key: string, when: string): Promise<{ ends_at: string }> {
    const context = this.#context.at(when);
    const options = { at: context.now, dryRun: false };
    const { order } = await cancelOrder(context, { id: this.#idOf(key) }, options);
    return { ends_at: formatInstant(order.endsAt ?? at('9999-01-01')) };
  }

  async setEnd(key: string, endsAt: string | null): Promise<void> {
    const change = { endsAt: endsAt === null ? null : at(endsAt) };
    await changeOrder(this.#context, { id: this.#idOf(key) }, change);
  }

  async closeDrafts(): Promise<number[]> {
    const numbers: number[] = [];
    for (const { id } of await this.#drafts()) {
      for (const { number } of await closeBills(this.#context, [id])) numbers.push(number ?? 0);
    }
    return numbers;
  }

  async discardDrafts(): Promise<void> {
    for (const { id } of await this.#drafts()) await discardBills(this.#context, [id]);
  }

  async closedOrders(): Promise<string[]> {
    const { kysely } = await this.#context.db();
    const rows = await kysely
      .selectFrom('orders')
      .select('id')
      .where('closed', '=', true)
      .orderBy('id')
      .execute();
    return rows.map(({ id }) => this.#keyOf(id));
  }

  async close(): Promise<void> {
    await (await this.#context.db()).close();
  }

  async #drafts() {
    return (await listBills(this.#context)).filter(({ number }) => number === null);
  }

  /** Writes the row as it is, past constraints and triggers: as the owner of the database can. */
  async #insert(golden: GoldenOrder): Promise<void> {
    const { kysely } = await this.#context.db();
    const { id: userId } = await kysely
      .selectFrom('users')
      .select('id')
      .where('username', '=', golden.customer)
      .executeTakeFirstOrThrow();
    const row = {
      id: this.#ownId(golden.id),
      user_id: userId,
      description: golden.id,
      currency: golden.currency,
      one_time_price: Number(parsePrice(golden.one_time_price ?? '0', { negative: true })),
      recurring_price: Number(parsePrice(golden.recurring_price ?? '0')),
      quantity: golden.quantity ?? 1,
      recurring_period_seconds: golden.recurring_period_seconds ?? null,
      commitment_periods: golden.commitment_periods ?? 1,
      charge: golden.charge ?? 'advance',
      starts_at: at(golden.starts_at),
      ends_at: endOf(golden),
      replaces_id: golden.replaces === undefined ? null : this.#ownId(golden.replaces),
      created_at: 0,
    };
    const columns = Object.keys(row).join(', ');
    const values = Object.values(row);
    if (this.#databases.backend === 'sqlite') {
      const handle = new Sqlite(this.#context.url.replace('sqlite:', ''));
      handle.pragma('foreign_keys = off');
      handle.pragma('ignore_check_constraints = on');
      handle.prepare(`insert into orders (${columns}) values (${values.map(() => '?')})`).run(values);
      handle.close();
      return;
    }
    const client = new pg.Client(this.#context.url);
    await client.connect();
    await client.query(`
      set session_replication_role = replica;
      alter table orders drop constraint if exists orders_quantity, drop constraint if exists orders_recurring_period`);
    const places = values.map((_, index) => `$${index + 1}`);
    await client.query(`insert into orders (${columns}) values (${places})`, values);
    await client.end();
  }

  /** An id far from those that the database gives, so that rows can name each other before they are there. */
  #ownId(key: string): number {
    const id = this.#ids.get(key) ?? 1_000_000 + this.#ids.size;
    this.#ids.set(key, id);
    return id;
  }

  #idOf(key: string): number {
    const id = this.#ids.get(key);
    if (id === undefined) throw new Error(`no order ${key}`);
    return id;
  }

  #keyOf(id: number): string {
    const [key] = [...this.#ids].find(([, known]) => known === id) ?? [];
    if (key === undefined) throw new Error(`no order ${id}`);
    return key;
  }
}

function endOf({ last_second, ends_at }: GoldenOrder): Instant | null {
  if (last_second !== undefined) return addSeconds(at(last_second), 1);
  return ends_at === null ? null : at(ends_at);
}

function at(text: string): Instant {
  return parseInstant(text, instant(0));
}
