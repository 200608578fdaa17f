// CPU time (user + system) of `uncloud vpn` when nothing is to change. Its base is a command of the same program that
// asks the same database one question; the floor is Node alone that reads the rows and `wg show all dump`. Alternating
// in one run, medians; what `wg` and `ip` use themselves is not in it. Needs root, wireguard-tools and wireguard-go.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

if (process.argv[2] !== 'inside') {
  const script = 'mkdir -p /run/wireguard && mount -t tmpfs tmpfs /run/wireguard && exec "$@"';
  const again = ['sh', '-c', script, 'sh', process.execPath, import.meta.filename, 'inside'];
  // With the first process of their namespace all others end, however the measuring ends.
  const apart = ['--net', '--mount', '--mount-proc', '--pid', '--fork', '--kill-child'];
  process.exit(spawnSync('unshare', [...apart, ...again], { stdio: 'inherit' }).status ?? 1);
}

const HOST = 'vpn-1.example.net';
const ROUNDS = 15;
const program = join(import.meta.dirname, '../bin/run.js');

for (const [peers, goal] of [
  [256, 16],
  [10_000, 75],
]) {
  const folder = mkdtempSync(join(tmpdir(), 'uncloud-bench-'));
  const directory = join(folder, 'wireguard');
  mkdirSync(directory, { mode: 0o700 });
  const database = join(folder, 'bench.db');
  const env = {
    ...process.env,
    NODE_ENV: 'production',
    UNCLOUD_DATABASE_URL: `sqlite:${database}`,
    UNCLOUD_SECRETS_KEY_FILE: join(folder, 'secrets.key'),
    UNCLOUD_WIREGUARD_CONFIG_DIRECTORY: directory,
    XDG_CACHE_HOME: folder,
  };
  // Loaded into each measured process: the process itself knows best what it has used, to the microsecond.
  const meter = join(folder, 'meter.cjs');
  const used = join(folder, 'used');
  writeFileSync(
    meter,
    `process.on('exit', () => {
      const { user, system } = process.cpuUsage();
      require('node:fs').writeFileSync(${JSON.stringify(used)}, String((user + system) / 1000));
    });`,
  );
  const node = (args, input = '') => {
    const options = { env, input, encoding: 'utf8', maxBuffer: 2 ** 28 };
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--require', meter, ...args], options);
    if (status !== 0) throw new Error(`${args.slice(0, 6).join(' ')}: ${stderr}`);
    return { milliseconds: Number(readFileSync(used, 'utf8')), stdout };
  };
  const keys = Array.from({ length: peers }, () => `${randomKey()}\n`).join('');
  const size = ['--subnetwork-size', '56'];
  node([program, 'migrate']);
  node([program, 'bootstrap-user', '--username', 'anna', '--no-ldap']);
  node([
    program,
    'vpn',
    'pool',
    'create',
    '2a0a:e5c1:200::/40',
    ...size,
    '--hostname',
    HOST,
    '--generate-key',
  ]);
  node(
    [program, 'vpn', 'network', 'create', '--user', 'anna', '--size', '56', '--public-keys-file', '-'],
    keys,
  );
  node([program, 'vpn', '--hostname', HOST]);

  const floor = join(folder, 'floor.cjs');
  writeFileSync(
    floor,
    `const Database = require(${JSON.stringify(join(import.meta.dirname, '../node_modules/better-sqlite3'))});
    const { execFileSync } = require('node:child_process');
    const rows = new Database(${JSON.stringify(database)}).prepare('select id, slot, network, public_key from vpn_networks').all();
    const dump = execFileSync('wg', ['show', 'all', 'dump'], { maxBuffer: 1e9 });
    if (rows.length !== ${peers} || dump.length < ${peers}) throw new Error('no rows');`,
  );
  const cases = [
    { name: 'node -e 0', args: ['-e', '0'], times: [] },
    { name: 'floor', args: [floor], times: [] },
    { name: 'base', args: [program, 'vpn', 'pool', 'list', '--json'], times: [] },
    { name: 'uncloud vpn', args: [program, 'vpn', '--hostname', HOST], times: [] },
  ];
  for (let round = -2; round < ROUNDS; round++) {
    for (const { args, times } of cases) {
      const { milliseconds, stdout } = node(args);
      if (stdout !== '' && !args.includes('--json'))
        throw new Error(`it changed something: ${stdout.slice(0, 200)}`);
      if (round >= 0) times.push(milliseconds);
    }
  }
  const [, , base, run] = cases.map(({ times }) => median(times));
  for (const { name, times } of cases) {
    process.stdout.write(
      `${String(peers).padStart(6)} peers  ${name.padEnd(12)}${median(times).toFixed(1).padStart(8)} ms\n`,
    );
  }
  const added = run - base;
  process.stdout.write(
    `${''.padStart(14)}added       ${added.toFixed(1).padStart(8)} ms  (goal: ${goal})${added > goal ? '  MISSED' : ''}\n`,
  );
  spawnSync('ip', ['link', 'delete', 'wg0']);
  rmSync(folder, { recursive: true });
}

/** Any 32 bytes but those of low order are a public key. */
function randomKey() {
  return randomBytes(32).toString('base64');
}

function median(values) {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)];
}
