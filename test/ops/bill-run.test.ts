import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Insertable, type Kysely, sql, type Updateable } from 'kysely';
import { expect, it } from 'vitest';
import { addSeconds, formatInstant, SECONDS_PER_DAY } from '../../src/lib/core/instant.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import type { Backend, Database } from '../../src/lib/io/db/database.ts';
import type { Schema } from '../../src/lib/io/db/schema.ts';
import { verifyBills } from '../../src/lib/ops/bill-history.ts';
import { type BillRun, generateBills } from '../../src/lib/ops/bill-run.ts';
import { migrate } from '../../src/lib/ops/migrations.ts';
import { changeOrder } from '../../src/lib/ops/orders.ts';
import { breakDatabase, type Moment } from '../support/broken-database.ts';
import { uncloudJson } from '../support/cli.ts';
import { booksOf, OPENING, openWithCustomers } from '../support/customers.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { startCluster } from '../support/postgres.ts';
import { at } from '../support/shop.ts';

/** At so many moments a run is killed. */
const KILLS = 50;
const NEVER = 60_000;
const WORKER = fileURLToPath(new URL('../support/bill-worker.ts', import.meta.url));

/** One more order for each user, from the opening on. */
async function orderOfEach(
  context: TestContext,
  terms: { recurring_price: number; recurring_period_seconds: number },
): Promise<void> {
  const { kysely } = await context.db();
  const users = await kysely.selectFrom('users').select('id').execute();
  const values = users.map(({ id }) => ({
    id: 1_000_000 + id,
    user_id: id,
    currency: 'CHF',
    starts_at: at(OPENING),
    created_at: 0,
    ...terms,
  }));
  await kysely.insertInto('orders').values(values).execute();
}

/** Lets the table of orders take anything, as if it were of another program's making. */
async function dropConstraints(kysely: Kysely<Schema>, backend: Backend): Promise<void> {
  if (backend === 'sqlite') {
    await sql`pragma ignore_check_constraints = on`.execute(kysely);
    await sql`drop trigger orders_fixed`.execute(kysely);
    return;
  }
  await sql`drop trigger orders_fixed on orders`.execute(kysely);
  const { rows } = await sql<{ conname: string }>`
    select conname from pg_constraint where conrelid = 'orders'::regclass and contype = 'c'`.execute(kysely);
  for (const { conname } of rows)
    await sql`alter table orders drop constraint ${sql.ref(conname)}`.execute(kysely);
}

/**
 * Runs in a process of its own, and kills it so many milliseconds after the run has begun.
 * @returns the milliseconds from the beginning of the run to the end of the process
 */
async function killed(url: string, until: string, milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, [WORKER, url, until], { stdio: ['ignore', 'pipe', 'inherit'] });
  const over = new Promise((resolve) => child.on('close', resolve));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const begun = performance.now();
  const timer = setTimeout(() => child.kill('SIGKILL'), milliseconds);
  await over;
  clearTimeout(timer);
  return performance.now() - begun;
}

describeDatabases('bill runs', (databases) => {
  const open = async (customers: number) =>
    (await openWithCustomers(await databases.context(), customers)).at('2025-02-03');

  const numbersOf = async (context: TestContext) =>
    (await booksOf(context)).bills.flatMap(({ number }) => number ?? []).sort((a, b) => a - b);

  const expectSound = async (context: TestContext) =>
    expect(await verifyBills(context)).toMatchObject({ pending: 0, faults: [] });

  it('number the bills by user and currency, and bill nothing twice', async () => {
    const context = await open(7);
    const run = await generateBills(context);
    expect(
      run.bills.map(({ number, username, bill }) => `${number} ${username} ${bill.currency} ${bill.total}`),
    ).toEqual([
      '1 u1 CHF 2703',
      '2 u2 CHF 2703',
      '3 u2 EUR 649',
      '4 u3 CHF 5224',
      '5 u4 CHF 2975',
      '6 u4 EUR 714',
      '7 u5 CHF 2703',
      '8 u6 CHF 5224',
      '9 u6 EUR 649',
      '10 u7 CHF 2703',
    ]);
    expect(run).toMatchObject({ created: 10, skipped: [] });
    expect([...run.totals]).toEqual([
      ['CHF', { net: 22_166n, vat: 2069n, total: 24_235n }],
      ['EUR', { net: 1800n, vat: 212n, total: 2012n }],
    ]);
    const books = await booksOf(context);
    const again = await generateBills(context);
    expect(again).toMatchObject({ bills: [], created: 0, skipped: [] });
    expect(await booksOf(context)).toEqual(books);
    await expectSound(context);
  });

  it('tell in a dry run what the next run does, and store nothing', async () => {
    const context = await open(7);
    const before = await booksOf(context);
    const planned = await generateBills(context, { dryRun: true });
    expect(await booksOf(context)).toEqual(before);
    const done = await generateBills(context);
    const blank = done.bills.map((bill) => ({ ...bill, id: null, number: null }));
    expect(planned).toEqual({ ...done, bills: blank });
  });

  it('come to the same books in batches and pages of any size', async () => {
    const whole = await open(20);
    await generateBills(whole);
    const books = await booksOf(whole);
    for (const [usersPerBatch, usersPerPage] of [
      [1, 1],
      [3, 2],
      [20, 1],
      [20, 7],
    ] as const) {
      const context = await open(20);
      await generateBills(context, { usersPerBatch, usersPerPage });
      expect(await booksOf(context)).toEqual(books);
    }
  });

  it('bill only the users that are named', async () => {
    const context = await open(7);
    const [u6, u2] = [parseUsername('u6'), parseUsername('u2')];
    const run = await generateBills(context, { usernames: [u6, u2], usersPerBatch: 1 });
    expect(run.bills.map(({ username }) => username)).toEqual(['u2', 'u2', 'u6', 'u6']);
    const unknown = generateBills(context, { usernames: [u6, parseUsername('nobody')] });
    await expect(unknown).rejects.toMatchObject({ code: 'UNKNOWN_USER' });
  });

  it('refuse an issue instant in the future, unless it is a dry run, and one before the newest bill', async () => {
    const context = await open(1);
    const later = generateBills(context, { until: at('2025-02-04') });
    await expect(later).rejects.toMatchObject({ code: 'ISSUE_DATE_IN_FUTURE' });
    expect((await generateBills(context, { until: at('2025-02-04'), dryRun: true })).created).toBe(1);
    await generateBills(context);
    for (const dryRun of [false, true]) {
      const earlier = generateBills(context, { until: at('2025-02-02'), dryRun });
      await expect(earlier).rejects.toMatchObject({ code: 'ISSUE_DATE_BEFORE_LAST_BILL' });
    }
  });

  it('skip a user with faulty data whole, say why, and bill the others', async () => {
    const context = await open(5);
    const { kysely } = await context.db();
    await kysely.deleteFrom('billing_addresses').where('user_id', '=', 1).execute();
    await kysely.updateTable('billing_addresses').set({ country: 'FR' }).where('user_id', '=', 2).execute();
    await kysely.updateTable('billing_addresses').set({ country: 'ch' }).where('user_id', '=', 3).execute();
    await kysely.updateTable('billing_addresses').set({ country: 'XX' }).where('user_id', '=', 5).execute();
    const run = await generateBills(context);
    expect(run.skipped.map(({ username, refusal }) => [username, refusal.code])).toEqual([
      ['u1', 'MISSING_COUNTRY'],
      ['u2', 'MISSING_VAT_RATE'],
      ['u5', 'UNKNOWN_COUNTRY'],
    ]);
    expect(run.bills.map(({ username, bill }) => [username, bill.vatGroups[0]?.treatment])).toEqual([
      ['u3', 'domestic'],
      ['u4', 'destination'],
      ['u4', 'destination'],
    ]);
    expect(await verifyBills(context)).toMatchObject({ faults: [], pending: 4 });
  });

  it('skip each user in whose orders another program left something impossible, and bill the others', async () => {
    const context = await open(18);
    const { kysely } = await context.db();
    await generateBills(context.at('2025-01-02'));
    await dropConstraints(kysely, databases.backend);
    const change = (id: number, order: Updateable<Schema['orders']>) =>
      kysely.updateTable('orders').set(order).where('id', '=', id).execute();
    const add = (userId: number, order: Partial<Insertable<Schema['orders']>>) =>
      kysely
        .insertInto('orders')
        .values({
          id: 1000 + userId,
          user_id: userId,
          currency: 'CHF',
          starts_at: at(OPENING),
          created_at: 0,
          ...order,
        })
        .execute();
    const monthly = { recurring_price: 10_000, recurring_period_seconds: 2_592_000 };
    await change(10, { recurring_price: 100_001 });
    await change(20, { quantity: 2 });
    await change(32, { replaces_id: 33 });
    await change(40, { currency: 'EUR' });
    await change(50, { starts_at: at('2025-01-02') });
    await add(6, { ...monthly, currency: 'QQQ' });
    await add(7, { ...monthly, quantity: 0 });
    await add(8, { ...monthly, recurring_price: -1 });
    await add(9, { ...monthly, ends_at: at(OPENING) - 1 });
    await add(10, { ...monthly, ends_at: at('2025-01-20') * 1_000_000 });
    await add(11, { ...monthly, recurring_period_seconds: 0 });
    await add(12, { recurring_price: 10_000 });
    await add(13, { ...monthly, charge: 'later' as 'arrears' });
    await add(14, { ...monthly, recurring_period_seconds: 60 });
    await add(15, { recurring_price: 10 ** 15, recurring_period_seconds: 1800 });
    // Milliseconds and microseconds are instants far away, at which nothing would ever fall due.
    await add(17, { ...monthly, starts_at: at(OPENING) * 1000 });
    await add(18, { ...monthly, starts_at: at(OPENING) * 1_000_000 });
    const run = await generateBills(context);
    expect(run.skipped.map(({ username, refusal }) => `${username} ${refusal.code}`)).toEqual([
      'u1 ORDER_CHANGED',
      'u2 ORDER_CHANGED',
      'u3 REPLACEMENT_CYCLE',
      'u4 ORDER_CHANGED',
      'u5 ORDER_CHANGED',
      'u6 UNKNOWN_CURRENCY',
      'u7 INVALID_ORDER',
      'u8 INVALID_ORDER',
      'u9 INVALID_ORDER',
      'u10 INVALID_ORDER',
      'u11 INVALID_ORDER',
      'u12 INVALID_ORDER',
      'u13 INVALID_ORDER',
      'u14 TOO_MANY_PERIODS',
      'u15 BILL_TOO_LARGE',
      'u17 INVALID_ORDER',
      'u18 INVALID_ORDER',
    ]);
    expect(run.bills.map(({ username }) => username)).toEqual(['u16', 'u16']);
  });

  it('refuse to run on a clock that was set back', async () => {
    const context = await open(1);
    await generateBills(context);
    const earlier = generateBills(context.at('2025-02-02T23:59:59Z'));
    await expect(earlier).rejects.toMatchObject({ code: 'ISSUE_DATE_BEFORE_LAST_BILL' });
  });

  it('bill nothing for a seller without a name or a country', async () => {
    const context = await open(2);
    const { kysely } = await context.db();
    await kysely.updateTable('providers').set({ name: '' }).execute();
    const run = await generateBills(context);
    expect(run.created).toBe(0);
    expect(run.skipped.map(({ refusal }) => refusal.code)).toEqual([
      'PROVIDER_INCOMPLETE',
      'PROVIDER_INCOMPLETE',
    ]);
  });

  it('refuse a second bill of the same instant for the same user', async () => {
    const context = await open(1);
    await generateBills(context);
    await changeOrder(context, { id: 10 }, { endsAt: at('2025-01-15') });
    const { skipped } = await generateBills(context);
    expect(skipped.map(({ refusal }) => refusal.code)).toEqual(['ISSUE_DATE_TAKEN']);
    const { bills } = await generateBills(context.at('2025-02-04'));
    expect(bills.map(({ bill }) => [bill.kind, bill.net])).toEqual([['credit_note', -1533n]]);
    await expectSound(context.at('2025-02-04'));
  });

  it('see the end that follows from a replacement that is not due yet, and the closed order that it replaces', async () => {
    const context = await open(3);
    const { kysely } = await context.db();
    await kysely.updateTable('orders').set({ ends_at: null }).where('id', '=', 32).execute();
    const u3 = { usernames: [parseUsername('u3')] };
    const netOf = async (when: string, order: number) => {
      const { bills, skipped } = await generateBills(context.at(when), u3);
      expect(skipped).toEqual([]);
      return bills
        .flatMap(({ bill }) => bill.records.filter(({ orderId }) => orderId === order))
        .map(({ net }) => net);
    };
    expect(await netOf('2025-01-01', 32)).toEqual([333n]);
    expect(await netOf('2025-01-11', 33)).toEqual([2000n]);
    expect(await netOf('2025-02-10', 33)).toEqual([2000n]);
  });

  it('keep what both parties were called', async () => {
    const context = await open(1);
    const { kysely } = await context.db();
    await generateBills(context);
    await kysely.updateTable('providers').set({ name: 'Renamed AG' }).execute();
    await kysely.updateTable('users').set({ full_name: 'Somebody Else' }).execute();
    const [bill] = (await booksOf(context)).bills;
    expect(JSON.parse(bill?.seller ?? '')).toMatchObject({ name: 'Example Hosting AG', country: 'CH' });
    expect(JSON.parse(bill?.buyer ?? '')).toMatchObject({ username: 'u1', full_name: '', country: 'CH' });
  });

  it('list the first thousand bills and count the rest', async () => {
    const context = await open(1001);
    const run = await generateBills(context.at('2025-01-01'), { dryRun: true });
    expect(run.bills.length).toBe(1000);
    expect(run.created).toBe(1001);
  });

  it('come to the books of one run when eight run at once', async () => {
    const serial = await open(500);
    await generateBills(serial);
    const context = await open(500);
    const one = () =>
      uncloudJson(['bill', 'generate', '--until', formatInstant(context.now)], { url: context.url });
    const documents = await Promise.all(Array.from({ length: 8 }, one));
    const created = documents.map((document) => document.created as number);
    expect(created.filter((count) => count > 0)).toEqual([750]);
    expect(await booksOf(context)).toEqual(await booksOf(serial));
    expect(await numbersOf(context)).toEqual(Array.from({ length: 750 }, (_, index) => index + 1));
    await expectSound(context);
  }, 120_000);

  // On SQLite nobody can change anything while a run holds the write lock.
  if (databases.backend === 'postgresql') {
    it('decide again when an order is changed while they run', async () => {
      const context = await open(1);
      const { kysely } = await (await databases.context({ url: context.url })).db();
      let run: Promise<BillRun> | undefined;
      await kysely.transaction().execute(async (tx) => {
        await tx
          .updateTable('orders')
          .set({ ends_at: at('2025-01-16') })
          .where('id', '=', 10)
          .execute();
        run = generateBills(context);
        const waiting = () =>
          sql`select from pg_stat_activity
            where wait_event_type = 'Lock' and datname = current_database()`.execute(tx);
        await expect.poll(async () => (await waiting()).rows.length, { timeout: 10_000 }).toBeGreaterThan(0);
      });
      expect((await run)?.bills.map(({ bill }) => bill.net)).toEqual([1000n]);
      const orders = await kysely.selectFrom('orders').select('closed').execute();
      expect(orders).toEqual([{ closed: true }]);
      await expectSound(context);
    });
  }

  if (databases.backend === 'postgresql') {
    it('end with 75 when the server is stopped, and the next run bills exactly the rest', async () => {
      const serial = await open(60);
      await generateBills(serial);
      const cluster = await startCluster();
      try {
        const server = await databases.context({ url: `${cluster.url}/postgres` });
        await migrate(server, undefined);
        const context = (await openWithCustomers(server, 60)).at('2025-02-03');
        let stopping: Promise<void> | undefined;
        const progress = (users: number) => {
          if (users >= 5) stopping ??= cluster.stop();
        };
        const run = generateBills({ ...context, progress }, { usersPerBatch: 1 });
        await expect(run).rejects.toMatchObject({ exit: 75 });
        await stopping;
        await cluster.start();
        const { bills } = await generateBills(context);
        expect(bills.length).toBeGreaterThan(0);
        expect(bills.length).toBeLessThan(85);
        expect(await booksOf(context)).toEqual(await booksOf(serial));
        await expectSound(context);
        await (await context.db()).close();
      } finally {
        await cluster.remove();
      }
    }, 120_000);
  }

  it('are completed by the next run when they are killed at any moment', async () => {
    const days = Array.from({ length: KILLS }, (_, index) =>
      formatInstant(addSeconds(at('2025-02-03'), index * SECONDS_PER_DAY)),
    );
    const openDaily = async () => {
      const context = await open(60);
      await orderOfEach(context, { recurring_price: 10_000, recurring_period_seconds: SECONDS_PER_DAY });
      return context;
    };
    const serial = await openDaily();
    for (const day of days) await generateBills(serial.at(day));
    const milliseconds = await killed((await openDaily()).url, days[0] ?? '', NEVER);
    const context = await openDaily();
    let interrupted = 0;
    for (const [index, day] of days.entries()) {
      await killed(context.url, day, ((index + 0.5) / KILLS) * milliseconds);
      expect((await verifyBills(context.at(day))).faults, day).toEqual([]);
      const { created } = await generateBills(context.at(day));
      if (created > 0) interrupted += 1;
    }
    expect(interrupted).toBeGreaterThan(0);
    expect(await booksOf(context)).toEqual(await booksOf(serial));
    await expectSound(context.at(days.at(-1) ?? ''));
  }, 300_000);

  it.each<Moment>(['before', 'after'])(
    'come to the same books when the database goes away %s any statement and the run is repeated',
    async (moment) => {
      // So many records of one user are brought into PostgreSQL with COPY.
      const openWithHours = async () => {
        const context = await open(2);
        await orderOfEach(context, { recurring_price: 10_000, recurring_period_seconds: 3600 });
        return context;
      };
      // One user is stored while the next one is read.
      const inPages = { usersPerPage: 1 };
      const undisturbed = await openWithHours();
      await generateBills(undisturbed, inPages);
      const books = await booksOf(undisturbed);
      let statement = 0;
      for (let broke = true; broke; ) {
        statement += 1;
        const { url } = await openWithHours();
        const doomed = await databases.context({ url, now: '2025-02-03' });
        let failure: unknown;
        const run = () =>
          generateBills(doomed, inPages).catch((error: unknown) => {
            failure = error;
          });
        broke = await breakDatabase((_, count) => count === statement, moment, run);
        const close = (database: Database) => database.close();
        await doomed.db().then(close, () => {});

        const context = await databases.context({ url, now: '2025-02-03' });
        expect((await verifyBills(context)).faults, `statement ${statement}`).toEqual([]);
        // Nobody has to know when the connection is lost after all work is done, where a lock is given back.
        if (failure === undefined) expect(await booksOf(context)).toEqual(books);
        else expect(failure, `statement ${statement}`).toMatchObject({ exit: 75 });
        await generateBills(context, inPages);
        expect(await booksOf(context), `statement ${statement}`).toEqual(books);
        await (await context.db()).close();
      }
      expect(statement).toBeGreaterThan(30);
    },
    300_000,
  );
});
