// How networks are lent, on both databases: one among 60,000 with random holes against one of an empty pool, and 10,000
// in one transaction against a bare insert of the same rows into the same table, under the same keys, checks and
// triggers: prepared statements in one transaction on SQLite, `INSERT … SELECT` on PostgreSQL. Alternating in one run,
// medians of the elapsed time of the op itself, without starting the program.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { readConfig } from '../src/lib/core/config.ts';
import { parseDatabaseUrl } from '../src/lib/core/database-url.ts';
import { parsePrefix } from '../src/lib/core/parse-prefix.ts';
import { authorOf } from '../src/lib/io/author.ts';
import { openDatabase } from '../src/lib/io/db/open.ts';
import { migrate } from '../src/lib/ops/migrations.ts';
import { importNetworks } from '../src/lib/ops/vpn-network-import.ts';
import { createNetwork, createNetworks } from '../src/lib/ops/vpn-networks.ts';
import { createPool } from '../src/lib/ops/vpn-pools.ts';
import { startCluster } from './cluster.js';
import { median } from './median.js';

const SINGLE_ROUNDS = 101;
const SINGLE_GOAL = 1.5;
const SLOTS = 65_536;
const LENT = 60_000;
const BULK_ROUNDS = 5;
const BULK_GOAL = 5;
const BULK = 10_000;

const now = 1_750_000_000;
const folder = mkdtempSync(join(tmpdir(), 'uncloud-bench-'));
// PostgreSQL runs as a user of its own when this runs as root.
chmodSync(folder, 0o755);

/** The key of a number: any 32 bytes but those of low order are one. */
function keyOf(number) {
  const bytes = Buffer.alloc(32, 0xa5);
  bytes.writeUInt32LE(number);
  return bytes.toString('base64');
}

const keys = (first, count) => Array.from({ length: count }, (_, at) => keyOf(first + at));

/** What an op gets, on the database at this address. */
async function contextOn(url) {
  let database;
  return {
    ...readConfig([], {}, { 'database.url': url, 'secrets.key_file': join(folder, 'secrets.key') }),
    now,
    asUser: null,
    db: async (options) => {
      database ??= await openDatabase(parseDatabaseUrl(url), authorOf('bench', now), options);
      return database;
    },
    close: () => database.close(),
    progress: () => {},
  };
}

/** A database with a pool of 65,536 networks and a user who may borrow them. */
async function makeWorld(url) {
  const context = await contextOn(url);
  await migrate(context, undefined);
  const { kysely } = await context.db();
  await kysely.insertInto('users').values({ username: 'anna', created_at: now }).execute();
  await createPool(context, {
    prefix: parsePrefix('2a0a:e5c1::/32'),
    subnetworkSize: 48,
    hostname: 'vpn-1.example.net',
    interface: null,
    listenPort: null,
    privateKeyFile: null,
  });
  return context;
}

const BORROWER = { username: 'anna', size: null, poolId: null };

async function lendMany(context, publicKeys) {
  const file = join(folder, 'keys');
  writeFileSync(file, publicKeys.join('\n'));
  await createNetworks(context, { ...BORROWER, publicKeysFile: file, count: publicKeys.length });
}

async function importMany(context, publicKeys) {
  const file = join(folder, 'networks.csv');
  writeFileSync(file, ['username,public_key', ...publicKeys.map((key) => `anna,${key}`)].join('\n'));
  await importNetworks(context, { file, partial: false, dryRun: false });
}

async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function measureSingle(backend) {
  const [empty, full] = [
    await makeWorld(await backend.make('empty')),
    await makeWorld(await backend.make('full')),
  ];
  await lendMany(full, keys(0, SLOTS));
  await backend.execute('full', [
    `create table released as select id from vpn_networks order by random() limit ${SLOTS - LENT}`,
    `insert into vpn_released_slots (pool_id, slot, released_at)
     select pool_id, slot, ${now} from vpn_networks where id in (select id from released)`,
    'delete from vpn_networks where id in (select id from released)',
    'drop table released',
    'analyze',
  ]);
  const taken = { empty: [], full: [] };
  for (let round = 0; round < SINGLE_ROUNDS; round++) {
    const publicKey = keyOf(1_000_000 + round);
    for (const [name, context] of Object.entries({ empty, full })) {
      const work = () => createNetwork(context, { ...BORROWER, publicKey, reference: null });
      taken[name].push(await timed(work));
    }
  }
  await Promise.all([empty.close(), full.close()]);
  print('one network of an empty pool', median(taken.empty));
  print(`one network among ${LENT.toLocaleString('en')} with random holes`, median(taken.full), {
    floor: median(taken.empty),
    goal: SINGLE_GOAL,
  });
}

async function measureBulk(backend) {
  const context = await makeWorld(await backend.make('bulk'));
  const publicKeys = keys(0, BULK);
  const reset = () =>
    backend.execute('bulk', ['delete from vpn_networks', 'update vpn_pools set next_slot = 0', backend.tidy]);
  await lendMany(context, publicKeys);
  await backend.execute('bulk', ['create table made as select * from vpn_networks']);
  const taken = { plain: [], keys: [], import: [] };
  for (let round = 0; round < BULK_ROUNDS; round++) {
    await reset();
    taken.plain.push(await backend.insertMade('bulk'));
    await reset();
    taken.keys.push(await timed(() => lendMany(context, publicKeys)));
    await reset();
    taken.import.push(await timed(() => importMany(context, publicKeys)));
  }
  await context.close();
  const [floor, goal] = [median(taken.plain), BULK_GOAL];
  const count = BULK.toLocaleString('en');
  print(`bare insert of ${count} networks`, floor);
  print(`network create --public-keys-file with ${count}`, median(taken.keys), { floor, goal });
  print(`network import of ${count}`, median(taken.import), { floor, goal });
}

function print(what, milliseconds, against) {
  const figure = `  ${what.padEnd(48)}${milliseconds.toFixed(1).padStart(8)} ms`;
  process.stdout.write(`${figure}${against === undefined ? '' : `  ${verdict(milliseconds, against)}`}\n`);
}

function verdict(milliseconds, { floor, goal }) {
  const ratio = milliseconds / floor;
  return `${ratio.toFixed(2)} × (goal: ${goal} ×)${ratio > goal ? '  MISSED' : ''}`;
}

class SqliteBackend {
  name = 'SQLite';
  tidy = 'pragma wal_checkpoint(truncate)';
  #path = (name) => join(folder, `${name}.db`);

  async open() {}

  async make(name) {
    return `sqlite:${this.#path(name)}`;
  }

  async execute(name, statements) {
    const handle = this.#open(name);
    for (const statement of statements) handle.exec(statement);
    handle.close();
  }

  /** Puts the rows of the table `made` into their own; gives the milliseconds that it took. */
  async insertMade(name) {
    const handle = this.#open(name);
    const rows = handle.prepare('select * from made').raw().all();
    const places = rows[0].map(() => '?').join(', ');
    const started = performance.now();
    const insert = handle.prepare(`insert into vpn_networks values (${places})`);
    handle.transaction(() => {
      for (const row of rows) insert.run(row);
    })();
    const milliseconds = performance.now() - started;
    handle.close();
    return milliseconds;
  }

  #open(name) {
    const handle = new Sqlite(this.#path(name));
    for (const pragma of ['foreign_keys = on', 'synchronous = full']) handle.pragma(pragma);
    return handle;
  }

  async close() {}
}

class PostgresBackend {
  name = 'PostgreSQL';
  tidy = 'vacuum analyze vpn_networks';
  #cluster;
  #url;

  async open() {
    this.#cluster = await startCluster(folder);
    this.#url = this.#cluster.url;
  }

  async make(name) {
    await this.execute('postgres', [`create database "${name}"`]);
    return `${this.#url}/${name}`;
  }

  async execute(name, statements) {
    const client = new pg.Client(`${this.#url}/${name}`);
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  async insertMade(name) {
    const client = new pg.Client(`${this.#url}/${name}`);
    await client.connect();
    const milliseconds = await timed(() => client.query('insert into vpn_networks select * from made'));
    await client.end();
    return milliseconds;
  }

  async close() {
    await this.#cluster.stop();
  }
}

try {
  for (const backend of [new SqliteBackend(), new PostgresBackend()]) {
    await backend.open();
    try {
      process.stdout.write(`${backend.name}\n`);
      await measureSingle(backend);
      await measureBulk(backend);
    } finally {
      await backend.close();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
