// `uncloud vpn` against its floors, with real interfaces of wireguard-go in a network namespace; alternating in one
// run, medians. Needs root, wireguard-tools, wireguard-go and iproute2.
//
// The floor of a run that changes nothing is Node alone that reads the rows and `wg show all dump`. Both are told in
// CPU time (user + system) of their own process, without that of `wg` and `ip`; what starting uncloud costs beyond Node
// is taken off, and is told by a run that is refused at its first look. See bench/startup.js for that part.
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';

if (process.argv[2] !== 'inside') {
  const script = 'mkdir -p /run/wireguard && mount -t tmpfs tmpfs /run/wireguard && exec "$@"';
  const again = ['sh', '-c', script, 'sh', process.execPath, import.meta.filename, 'inside'];
  // With the first process of their namespace all others end, however the measuring ends.
  const apart = ['--net', '--mount', '--mount-proc', '--pid', '--fork', '--kill-child'];
  process.exit(spawnSync('unshare', [...apart, ...again], { stdio: 'inherit' }).status ?? 1);
}

const HOST = 'vpn-1.example.net';
const NOTHING_TO_DO = [
  { peers: 256, rounds: 31, goals: { ratio: 1.5, added: 16 } },
  { peers: 10_000, rounds: 21, goals: { ratio: 2, added: 75 } },
  { peers: 50_000, rounds: 3, goals: { added: 600 } },
];
const CHANGED_PEERS = 10_000;
const CHANGED_GOAL = 1.2;
const NEW_PEERS = 10_000;
const NEW_ROUNDS = 11;
const NEW_GOAL = 1.3;
const MEMORY_GOAL = 200;

const program = join(import.meta.dirname, '../bin/run.js');
const folder = mkdtempSync(join(tmpdir(), 'uncloud-bench-'));
const SERVE = [program, 'vpn', '--hostname', HOST];
// Loaded into each measured process: the process itself knows best what it has used.
const meter = join(folder, 'meter.cjs');
writeFileSync(
  meter,
  `process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    const { maxRSS } = process.resourceUsage();
    require('node:fs').writeSync(3, JSON.stringify({ cpu: (user + system) / 1000, mebibytes: maxRSS / 1024 }));
  });`,
);

/** A host with peers: its database, its directory, its key file. */
class Host {
  constructor(peers) {
    this.peers = peers;
    this.folder = join(folder, String(peers));
    this.directory = join(this.folder, 'wireguard');
    this.database = join(this.folder, 'bench.db');
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const keys = Array.from({ length: peers }, () => `${randomKey()}\n`).join('');
    const pool = ['2a0a:e5c1:200::/40', '--subnetwork-size', '56', '--hostname', HOST, '--generate-key'];
    this.node([program, 'migrate']);
    this.node([program, 'bootstrap-user', '--username', 'anna', '--no-ldap']);
    this.node([program, 'vpn', 'pool', 'create', ...pool]);
    const all = ['--user', 'anna', '--size', '56', '--public-keys-file', '-'];
    this.node([program, 'vpn', 'network', 'create', ...all], { input: keys });
  }

  /** Runs Node; what it used is in milliseconds. */
  node(args, { input = '', code = 0 } = {}) {
    const started = performance.now();
    const { output, status, stdout, stderr } = spawnSync(process.execPath, ['--require', meter, ...args], {
      env: {
        ...process.env,
        NODE_ENV: 'production',
        UNCLOUD_DATABASE_URL: `sqlite:${this.database}`,
        UNCLOUD_SECRETS_KEY_FILE: join(this.folder, 'secrets.key'),
        UNCLOUD_WIREGUARD_CONFIG_DIRECTORY: this.directory,
        XDG_CACHE_HOME: folder,
      },
      input,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    const elapsed = performance.now() - started;
    if (status !== code) throw new Error(`${args.slice(0, 6).join(' ')}: ${stderr}`);
    return { ...JSON.parse(output[3]), elapsed, stdout };
  }

  /** A run that has to find something to do, or nothing. */
  serve(isChange) {
    const used = this.node(SERVE);
    if ((used.stdout !== '') !== isChange)
      throw new Error(`uncloud vpn printed ${used.stdout.slice(0, 200)}`);
    return used;
  }

  /** A run that is refused at its first look: what starting uncloud costs. */
  start() {
    return this.node([...SERVE, '--config-directory', join(this.folder, 'nowhere')], { code: 1 });
  }

  /** The floor: Node that reads the rows and, if asked, the interfaces. */
  floor({ withDump }) {
    const file = join(this.folder, `floor-${withDump}.cjs`);
    const dump = `require('node:child_process').execFileSync('wg', ['show', 'all', 'dump'], { maxBuffer: 1e9 })`;
    writeFileSync(
      file,
      `const Database = require(${JSON.stringify(join(import.meta.dirname, '../node_modules/better-sqlite3'))});
       const database = new Database(${JSON.stringify(this.database)}, { readonly: true });
       const rows = database.prepare('select id, slot, network, public_key from vpn_networks').all();
       ${withDump ? dump : ''};
       if (rows.length !== ${this.peers}) throw new Error('no rows');`,
    );
    return () => this.node([file]);
  }

  /** Gives one network another key. */
  changeKey() {
    const database = new Sqlite(this.database);
    database
      .prepare('update vpn_networks set public_key = ? where id = ?')
      .run(randomKey(), Math.ceil(this.peers / 2));
    database.close();
  }
}

/** Any 32 bytes but those of low order are a public key. */
function randomKey() {
  return randomBytes(32).toString('base64');
}

/** Runs the cases in turn and gives each its medians. */
async function alternate(rounds, cases) {
  const taken = new Map(Object.keys(cases).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const [name, run] of Object.entries(cases)) {
      const used = await run();
      if (round >= 0) taken.get(name).push(used);
    }
  }
  return Object.fromEntries(
    [...taken].map(([name, all]) => [
      name,
      Object.fromEntries(
        ['cpu', 'elapsed', 'mebibytes'].map((what) => [what, median(all.map((used) => used[what]))]),
      ),
    ]),
  );
}

function median(values) {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)];
}

function print(what, figure, unit, goal) {
  const digits = unit === '×' ? 2 : 0;
  const told = `${figure.toFixed(digits).padStart(8)} ${unit.padEnd(4)}`;
  const verdict = goal === undefined ? '' : `goal: ${goal} ${unit}${figure > goal ? '  MISSED' : ''}`;
  process.stdout.write(`  ${what.padEnd(58)}${told}${verdict}`.trimEnd().concat('\n'));
}

async function measureNothingToDo(host, { rounds, goals }) {
  const { node, start, rows, floor, run } = await alternate(rounds, {
    node: () => host.node(['-e', '0']),
    start: () => host.start(),
    rows: host.floor({ withDump: false }),
    floor: host.floor({ withDump: true }),
    run: () => host.serve(false),
  });
  process.stdout.write(`\n${host.peers} peers, nothing to change\n`);
  print('CPU of node -e 0', node.cpu, 'ms');
  print('CPU of Node that reads the rows', rows.cpu, 'ms');
  print('CPU of the floor: the rows and wg show all dump', floor.cpu, 'ms');
  print('CPU of starting uncloud', start.cpu, 'ms');
  print('CPU of uncloud vpn', run.cpu, 'ms');
  const beyond = run.cpu - start.cpu;
  print(
    'Node and what uncloud vpn adds to its start / floor',
    (node.cpu + beyond) / floor.cpu,
    '×',
    goals.ratio,
  );
  print('added to its start and the rows', beyond - (rows.cpu - node.cpu), 'ms', goals.added);
  print('elapsed: uncloud vpn', run.elapsed, 'ms');
  print('elapsed: floor', floor.elapsed, 'ms');
  print(
    'elapsed, beyond its start as above / floor',
    (node.elapsed + run.elapsed - start.elapsed) / floor.elapsed,
    '×',
    goals.ratio,
  );
  print('memory', run.mebibytes, 'MiB', MEMORY_GOAL);
}

async function measureOneChange(host, rounds) {
  const { none, one } = await alternate(rounds, {
    none: () => host.serve(false),
    one: () => {
      host.changeKey();
      return host.serve(true);
    },
  });
  process.stdout.write(`\n${host.peers} peers, one of them with another key\n`);
  print('CPU, as a multiple of a run without a change', one.cpu / none.cpu, '×', CHANGED_GOAL);
  print('elapsed, as such a multiple', one.elapsed / none.elapsed, '×', CHANGED_GOAL);
  print('memory', one.mebibytes, 'MiB', MEMORY_GOAL);
}

/** Removes an interface, and lets the program that served it end. */
async function removeLink(name) {
  spawnSync('ip', ['link', 'delete', name]);
  while (existsSync(`/run/wireguard/${name}.sock`)) await sleep(10);
  await sleep(500);
}

async function measureNewInterface(host) {
  const file = join(host.directory, 'wg0.conf');
  const syncconf = async () => {
    await removeLink('wg0');
    const server = spawn('wireguard-go', ['--foreground', 'floor0'], { stdio: 'ignore' });
    while (!existsSync('/run/wireguard/floor0.sock')) await sleep(10);
    spawnSync('ip', ['link', 'set', 'floor0', 'up']);
    const started = performance.now();
    const { status } = spawnSync('wg', ['syncconf', 'floor0', file]);
    const elapsed = performance.now() - started;
    if (status !== 0) throw new Error('wg syncconf failed');
    const ended = once(server, 'exit');
    await removeLink('floor0');
    await ended;
    return { elapsed };
  };
  const { node, start, floor, run } = await alternate(NEW_ROUNDS, {
    node: () => host.node(['-e', '0']),
    start: () => host.start(),
    floor: syncconf,
    run: async () => {
      await removeLink('wg0');
      return host.serve(true);
    },
  });
  process.stdout.write(`\n${host.peers} peers on a new interface\n`);
  print('elapsed: wg syncconf to an interface that is up', floor.elapsed, 'ms');
  print('elapsed: uncloud vpn', run.elapsed, 'ms');
  print('uncloud vpn / wg syncconf', run.elapsed / floor.elapsed, '×', NEW_GOAL);
  print(
    'beyond its start as above / wg syncconf',
    (node.elapsed + run.elapsed - start.elapsed) / floor.elapsed,
    '×',
    NEW_GOAL,
  );
  print('memory', run.mebibytes, 'MiB', MEMORY_GOAL);
}

try {
  for (const entry of NOTHING_TO_DO) {
    const host = new Host(entry.peers);
    host.serve(true);
    await measureNothingToDo(host, entry);
    if (entry.peers === CHANGED_PEERS) await measureOneChange(host, entry.rounds);
    if (entry.peers === NEW_PEERS) await measureNewInterface(host);
    await removeLink('wg0');
  }
} finally {
  rmSync(folder, { recursive: true });
}
