// Wall time of `user import` and `order import` beside what the database itself takes for the same rows in the same
// tables: COPY on PostgreSQL, prepared inserts in one transaction on SQLite. All run as processes of their own,
// alternating on fresh copies of one database, medians; the peak memory is that of the import.
//   node bench/import.js [ORDERS] [--users N] [--rounds N] [--only sqlite|postgresql] [--django]
// With --django the same files also go into SQLite by Django's bulk_create (Debian's python3-django).
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  createWriteStream,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { startCluster } from './cluster.js';
import { median } from './median.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    users: { type: 'string' },
    rounds: { type: 'string' },
    only: { type: 'string' },
    django: { type: 'boolean', default: false },
  },
});
const ORDERS = Number(positionals[0] ?? 100_000);
const USERS = Number(values.users ?? 100_000);
const ROUNDS = Number(values.rounds ?? 3);
const MOST_MEBIBYTES = 200;

const root = join(import.meta.dirname, '..');
const program = join(root, 'bin/run.js');
const floor = join(import.meta.dirname, 'import-floor.js');
/** The Python of the system, to which Debian's packages belong. */
const PYTHON = '/usr/bin/python3';
const django = values.django && hasDjango() ? join(import.meta.dirname, 'import-django.py') : null;
const folder = mkdtempSync(join(tmpdir(), 'uncloud-bench-'));
chmodSync(folder, 0o755);
const meter = join(folder, 'meter.cjs');
const used = join(folder, 'used');
writeFileSync(
  meter,
  `process.on('exit', () => {
    const { writeFileSync } = require('node:fs');
    writeFileSync(${JSON.stringify(used)}, String(process.resourceUsage().maxRSS / 1024));
  });`,
);
const cluster = values.only === 'sqlite' ? null : await startCluster(folder, ['max_wal_size=4GB']);
try {
  await writeInputs();
  for (const backend of ['sqlite', 'postgresql']) {
    if (values.only === undefined || values.only === backend) await measure(backend);
  }
} finally {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(backend) {
  const databases = backend === 'sqlite' ? sqliteDatabases() : postgresDatabases();
  const template = await databases.create();
  run(template, [program, 'migrate', '--quiet']);
  await compare(backend, 'users', USERS, databases, template);
  run(template, [program, 'user', 'import', '--quiet', join(folder, 'users.csv')]);
  run(template, [program, 'product', 'create', 'VM', '--price', '30d=5+10.50', '--quiet']);
  await compare(backend, 'orders', ORDERS, databases, template);
}

async function compare(backend, things, count, databases, template) {
  const file = join(folder, `${things}.csv`);
  const times = { floor: [], first: [], again: [], django: [] };
  let mebibytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bare = await databases.create(template);
    times.floor.push(run(bare, [floor, things, join(folder, `${things}.tsv`)]).seconds);
    await databases.drop(bare);
    const database = await databases.create(template);
    const command = [program, things.slice(0, -1), 'import', '--quiet', file];
    for (const turn of ['first', 'again']) {
      const { seconds, peak } = run(database, command);
      times[turn].push(seconds);
      mebibytes = Math.max(mebibytes, peak);
    }
    await databases.drop(database);
    if (django !== null && backend === 'sqlite') times.django.push(runDjango(things, file));
  }
  const [bare, first, again] = [median(times.floor), median(times.first), median(times.again)];
  const line = (name, seconds, ratio, goal) =>
    process.stdout.write(
      `${backend.padEnd(11)}${String(count).padStart(8)} ${things.padEnd(7)}${name.padEnd(7)}` +
        `${seconds.toFixed(2).padStart(7)} s${ratio === undefined ? '' : `  ${ratio.toFixed(2)} × (goal: ${goal})`}` +
        `${ratio > goal ? '  MISSED' : ''}\n`,
    );
  line('floor', bare);
  line('first', first, first / bare, 2);
  line('again', again, again / first, 1);
  const missed = mebibytes > MOST_MEBIBYTES ? '  MISSED' : '';
  process.stdout.write(
    `${''.padStart(27)}memory ${mebibytes.toFixed(0).padStart(7)} MiB  (goal: ${MOST_MEBIBYTES})${missed}\n`,
  );
  if (times.django.length > 0) {
    const seconds = median(times.django);
    line('django', seconds);
    process.stdout.write(
      `${''.padStart(27)}${(seconds / first).toFixed(1)} × the time of the first import\n`,
    );
  }
}

function run(database, args) {
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    UNCLOUD_DATABASE_URL: database,
    XDG_CACHE_HOME: folder,
  };
  const begin = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ['--require', meter, ...args], {
    env,
    encoding: 'utf8',
  });
  const seconds = (performance.now() - begin) / 1000;
  if (status !== 0) throw new Error(`${args.slice(0, 4).join(' ')}: ${stderr}`);
  return { seconds, peak: Number(readFileSync(used, 'utf8')) };
}

/**
 * Seconds that Django takes for a file, in a new database; orders come after their users, whose time does not count.
 */
function runDjango(things, file) {
  const database = join(folder, 'django.db');
  const runPython = (...args) => {
    const begin = performance.now();
    const { status, stderr } = spawnSync(PYTHON, [django, database, ...args], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
    return (performance.now() - begin) / 1000;
  };
  runPython('tables');
  if (things === 'orders') runPython('users', join(folder, 'users.csv'));
  const seconds = runPython(things, file);
  rmSync(database);
  return seconds;
}

function hasDjango() {
  const found = spawnSync(PYTHON, ['-c', 'import django']).status === 0;
  if (!found) process.stderr.write(`Django is left out: ${PYTHON} has none. Install python3-django.\n`);
  return found;
}

/** The files to import, and beside each its rows as the tables hold them, for the floor. */
async function writeInputs() {
  const write = async (name, lines) => {
    const stream = createWriteStream(join(folder, name));
    let part = '';
    for (const line of lines) {
      part += line;
      if (part.length < 65_536) continue;
      if (!stream.write(part)) await once(stream, 'drain');
      part = '';
    }
    stream.end(part);
    await once(stream, 'close');
  };
  const user = (index) => [`user${index}`, `First Last ${index}`, `user${index}@example.net`];
  const address = (index) => [
    'Example Ltd',
    `Street ${index % 300}`,
    `City ${index % 200}`,
    String(10_000 + index),
    'DE',
  ];
  await write(
    'users.csv',
    (function* () {
      yield 'username,full_name,email,organization,street,city,postal_code,country,vat_number\n';
      for (let index = 1; index <= USERS; index++) {
        const [organization, street, ...rest] = address(index);
        yield `${user(index)},"${organization}","${street}, ""left""",${rest},${index % 3 ? '' : `DE${100_000_000 + index}`}\n`;
      }
    })(),
  );
  await write(
    'users.tsv',
    (function* () {
      for (let index = 1; index <= USERS; index++) {
        const [organization, street, ...rest] = address(index);
        const vat = index % 3 ? '' : `DE${100_000_000 + index}`;
        yield `${[index, ...user(index), organization, `${street}, "left"`, ...rest, vat].join('\t')}\n`;
      }
    })(),
  );
  await write(
    'orders.csv',
    (function* () {
      yield 'username,product,quantity,starts_at,ends_at,period,recurring_price,one_time_price,currency,description,reference\n';
      for (let index = 1; index <= ORDERS; index++) {
        const ends = index % 10 ? '' : '2026-10-30';
        yield `user${1 + (index % USERS)},VM,${1 + (index % 16)},2026-0${1 + (index % 9)}-${10 + (index % 18)},${ends},30d,` +
          `${1 + (index % 200)}.${10 + (index % 90)},0.00,CHF,"order ${index}, of many",ref-${index}\n`;
      }
    })(),
  );
  await write(
    'orders.tsv',
    (function* () {
      for (let index = 1; index <= ORDERS; index++) {
        const starts = Date.parse(`2026-0${1 + (index % 9)}-${10 + (index % 18)}T00:00:00Z`) / 1000;
        const ends = index % 10 ? '' : Date.parse('2026-10-30T00:00:00Z') / 1000;
        const price = (1 + (index % 200)) * 10_000 + (10 + (index % 90)) * 100;
        yield `${[index, 1 + (index % USERS), 1 + (index % 16), starts, ends, price, `order ${index}, of many`, `ref-${index}`].join('\t')}\n`;
      }
    })(),
  );
}

function sqliteDatabases() {
  let count = 0;
  return {
    async create(template) {
      const file = join(folder, `${count++}.db`);
      if (template !== undefined) copyFileSync(template.slice(7), file);
      return `sqlite:${file}`;
    },
    async drop(url) {
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${url.slice(7)}${suffix}`, { force: true });
    },
  };
}

function postgresDatabases() {
  let count = 0;
  const onCluster = async (statement) => {
    const client = new pg.Client(`${cluster.url}/postgres`);
    await client.connect();
    await client.query(statement);
    await client.query('checkpoint');
    await client.end();
  };
  const nameOf = (url) => url.slice(url.lastIndexOf('/') + 1);
  return {
    async create(template) {
      const name = `bench_${count++}`;
      await onCluster(
        `create database ${name} template ${template === undefined ? 'template0' : nameOf(template)}`,
      );
      return `${cluster.url}/${name}`;
    },
    drop: (url) => onCluster(`drop database ${nameOf(url)} with (force)`),
  };
}
