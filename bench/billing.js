// Time and memory of `uncloud bill generate` for new orders, each of which gives one record, three to a bill, on both
// databases. Its base is a plain `INSERT … SELECT` of exactly the rows that it makes, into the same tables: under the
// same keys, checks and triggers. Alternating in one run, medians. Then: a run that finds nothing to do, and the run
// of one user with 30,000 orders.
//
// npm run bench:billing -- [--orders 100000] [--rounds 5] [--database sqlite|postgresql]
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { startCluster } from './cluster.js';
import { median } from './median.js';

const { values: given } = parseArgs({
  options: {
    orders: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    database: { type: 'string', multiple: true, default: ['sqlite', 'postgresql'] },
  },
});
const ROUNDS = Number(given.rounds);
const ORDERS = Number(given.orders);
const ORDERS_OF_ONE_USER = 30_000;
const MEBIBYTE = 1024;

const START = 1_735_689_600; // 2025-01-01
const UNTIL = '2025-01-02';

const folder = mkdtempSync(join(tmpdir(), 'uncloud-bench-'));
// PostgreSQL runs as a user of its own when this runs as root.
chmodSync(folder, 0o755);
// Loaded into each measured process: the process itself knows best what it has used.
const meter = join(folder, 'meter.cjs');
writeFileSync(
  meter,
  `process.on('exit', () => {
    require('node:fs').writeSync(3, String(process.resourceUsage().maxRSS));
  });`,
);

function uncloud(url, ...args) {
  const started = performance.now();
  const { output, status, stderr } = spawnSync(
    process.execPath,
    ['--require', meter, join(import.meta.dirname, '../bin/run.js'), ...args],
    {
      env: { ...process.env, NODE_ENV: 'production', UNCLOUD_DATABASE_URL: url, XDG_CACHE_HOME: folder },
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    },
  );
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return { seconds, mebibytes: Number(output[3]) / MEBIBYTE };
}

const bill = (url) => uncloud(url, 'bill', 'generate', '--until', UNTIL, '--quiet');

/** The statements that make the customers and their orders. */
function data(orders, users, numbers) {
  const ordersOfEach = Math.ceil(orders / users);
  return [
    `insert into providers (id, name, country, oss) values (1, 'Example Hosting AG', 'CH', true)
     on conflict (id) do update set name = excluded.name, country = excluded.country, oss = excluded.oss`,
    `insert into vat_rates (territory, rate_type, valid_from, rate) values ('CH', 'standard', '2024-01-01', 810)`,
    `insert into users (id, username, full_name, email, created_at)
     select n, 'user' || n, 'Customer ' || n, 'user' || n || '@example.com', ${START} from ${numbers(users)}`,
    `insert into billing_addresses (user_id, street, city, postal_code, country)
     select n, 'Bahnhofstrasse ' || n, 'Zürich', '8001', 'CH' from ${numbers(users)}`,
    `insert into orders (user_id, description, currency, recurring_price, recurring_period_seconds, starts_at, created_at)
     select 1 + (n - 1) / ${ordersOfEach}, 'Virtual machine ' || n, 'CHF', 100000, 2592000, ${START}, ${START}
     from ${numbers(orders)}`,
  ];
}

/** The plain statements. A bill gets its number when its parts are there: an issued bill takes none. */
function plain(made) {
  return [
    `insert into bills (id, user_id, currency, issued_at, kind, seller, buyer, net, vat, total)
     select id, user_id, currency, issued_at, kind, seller, buyer, net, vat, total from ${made('bills')}`,
    `insert into bill_records select * from ${made('bill_records')}`,
    `insert into bill_vats select * from ${made('bill_vats')}`,
    `update bills set number = made.number, due_on = made.due_on from ${made('bills')} as made where made.id = bills.id`,
  ];
}

const TABLES = ['bills', 'bill_records', 'bill_vats'];

/** Databases in files: what is to be measured works on a copy. */
class SqliteBench {
  name = 'SQLite';
  goal = 3;

  async open() {}

  make(name, orders, users) {
    const path = join(folder, `${name}.db`);
    uncloud(`sqlite:${path}`, 'migrate', '--quiet');
    const numbers = (count) =>
      `(with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count}) select n from numbers)`;
    this.#execute(path, data(orders, users, numbers));
    return path;
  }

  async prepare(name, orders, users) {
    const path = this.make(name, orders, users);
    return {
      url: async () => `sqlite:${this.#copy(path)}`,
      keep: (url) => copyFileSync(url.slice(7), join(folder, 'made.db')),
      plain: async () => {
        const copy = this.#copy(path);
        const handle = new Sqlite(copy);
        for (const pragma of ['journal_mode = wal', 'foreign_keys = on', 'synchronous = full'])
          handle.pragma(pragma);
        handle.exec(`attach '${join(folder, 'made.db')}' as made`);
        const started = performance.now();
        handle.exec('begin immediate');
        for (const statement of plain((table) => `made.${table}`)) handle.exec(statement);
        handle.exec('commit');
        const seconds = (performance.now() - started) / 1000;
        handle.close();
        return seconds;
      },
    };
  }

  #copy(path) {
    const copy = join(folder, 'copy.db');
    for (const end of ['', '-wal', '-shm']) rmSync(copy + end, { force: true });
    copyFileSync(path, copy);
    return copy;
  }

  #execute(path, statements) {
    const handle = new Sqlite(path);
    handle.exec('begin');
    for (const statement of statements) handle.exec(statement);
    handle.exec('commit');
    handle.close();
  }

  async close() {}
}

/** One database a case; it is brought back to its beginning before each measurement. */
class PostgresBench {
  name = 'PostgreSQL';
  goal = 1.5;
  #cluster;
  #url;

  async open() {
    const settings = ['shared_buffers=512MB', 'max_wal_size=8GB', 'autovacuum=off'];
    this.#cluster = await startCluster(folder, settings);
    this.#url = this.#cluster.url;
  }

  async prepare(name, orders, users) {
    await this.#execute('postgres', [`create database ${name}`]);
    const url = `${this.#url}/${name}`;
    uncloud(url, 'migrate', '--quiet');
    const numbers = (count) => `generate_series(1, ${count}) as numbers (n)`;
    await this.#execute(name, data(orders, users, numbers));
    const reset = () =>
      this.#execute(name, [
        `truncate ${TABLES.join(', ')} restart identity cascade`,
        'update bill_counters set last_number = 0',
        'update order_due_times set next_due_at = starts_at from orders where id = order_id',
        'vacuum (full) order_due_times',
        'analyze',
        'checkpoint',
      ]);
    return {
      url: async () => {
        await reset();
        return url;
      },
      keep: () =>
        this.#execute(
          name,
          TABLES.map((table) => `create table made_${table} as select * from ${table}`),
        ),
      plain: async () => {
        await reset();
        return this.#execute(name, ['begin', ...plain((table) => `made_${table}`), 'commit']);
      },
    };
  }

  async #execute(database, statements) {
    const client = new pg.Client(`${this.#url}/${database}`);
    await client.connect();
    const started = performance.now();
    for (const statement of statements) await client.query(statement);
    const seconds = (performance.now() - started) / 1000;
    await client.end();
    return seconds;
  }

  async close() {
    await this.#cluster.stop();
  }
}

async function measure(bench) {
  const [few, many] = [ORDERS / 10, ORDERS];
  const small = await bench.prepare('small', few, Math.ceil(few / 3));
  const memory = bill(await small.url()).mebibytes;

  const large = await bench.prepare('large', many, Math.ceil(many / 3));
  const made = await large.url();
  bill(made);
  await large.keep(made);
  const times = { plain: [], run: [], again: [] };
  let most = 0;
  for (let round = 0; round < ROUNDS; round++) {
    times.plain.push(await large.plain());
    const url = await large.url();
    const run = bill(url);
    times.run.push(run.seconds);
    most = Math.max(most, run.mebibytes);
    times.again.push(bill(url).seconds);
  }
  const one = await bench.prepare('one', ORDERS_OF_ONE_USER, 1);
  const oneUser = [];
  for (let round = 0; round < ROUNDS; round++) oneUser.push(bill(await one.url()).seconds);

  const [plainSeconds, run, again] = [times.plain, times.run, times.again].map(median);
  const count = ORDERS.toLocaleString('en');
  show(`${bench.name}: ${count} orders in ${Math.ceil(ORDERS / 3).toLocaleString('en')} bills`);
  show(`  plain INSERT … SELECT   ${seconds(plainSeconds)}`);
  show(`  bill generate           ${seconds(run)}   ${ratio(run / plainSeconds, bench.goal)}`);
  show(`  again, nothing to do    ${seconds(again)}   ${ratio(again / run, 0.2)}`);
  show(
    `  resident memory         ${most.toFixed(0).padStart(7)} MiB (${memory.toFixed(0)} MiB with a tenth of the orders; goal: 256)`,
  );
  show(
    `  one user, ${ORDERS_OF_ONE_USER.toLocaleString('en')} orders ${seconds(median(oneUser))}   (goal: 2 s)`,
  );
}

function seconds(value) {
  return `${value.toFixed(2).padStart(8)} s`;
}

function ratio(value, goal) {
  return `${value.toFixed(2)} × (goal: ${goal} ×)${value > goal ? '  MISSED' : ''}`;
}

function show(line) {
  process.stdout.write(`${line}\n`);
}

const benches = { sqlite: SqliteBench, postgresql: PostgresBench };
try {
  for (const name of given.database) {
    const bench = new benches[name]();
    await bench.open();
    try {
      await measure(bench);
    } finally {
      await bench.close();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
