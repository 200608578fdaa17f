// CPU time (user + system) of starting uncloud against a bare `node -e 0`: alternating in one run, medians.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from './median.js';

const ROUNDS = 15;
const folder = mkdtempSync(join(tmpdir(), 'uncloud-bench-'));
const environment = {
  ...process.env,
  NODE_ENV: 'production',
  UNCLOUD_DATABASE_URL: `sqlite:${join(folder, 'bench.db')}`,
  XDG_CACHE_HOME: folder,
};
// Loaded into each measured process: the process itself knows best what it has used, to the microsecond.
const meter = join(folder, 'meter.cjs');
writeFileSync(
  meter,
  `process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    require('node:fs').writeSync(3, String((user + system) / 1000));
  });`,
);

const program = 'bin/run.js';
const cases = [
  { name: 'node -e 0', args: ['-e', '0'], limit: 1 },
  { name: 'uncloud --version', args: [program, '--version'], limit: 1.3 },
  { name: 'uncloud vpn --hostname x --help', args: [program, 'vpn', '--hostname', 'x', '--help'], limit: 3 },
  { name: 'uncloud provider show', args: [program, 'provider', 'show'], limit: 4 },
].map((entry) => ({ ...entry, milliseconds: [] }));

function measure(args) {
  const { output, status, stderr } = spawnSync(process.execPath, ['--require', meter, ...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return Number(output[3]);
}

for (const args of [['migrate'], ['db-add-defaults']]) measure([program, ...args]);
for (const { args } of cases) for (let warm = 0; warm < 2; warm++) measure(args);
for (let round = 0; round < ROUNDS; round++) {
  for (const { args, milliseconds } of cases) milliseconds.push(measure(args));
}
rmSync(folder, { recursive: true });

const base = median(cases[0].milliseconds);
for (const { name, limit, milliseconds } of cases) {
  const ratio = median(milliseconds) / base;
  const figures = `${median(milliseconds).toFixed(1).padStart(7)} ms  ${ratio.toFixed(2)} ×`;
  process.stdout.write(
    `${name.padEnd(34)}${figures}  (goal: ${limit} ×)${ratio > limit ? '  MISSED' : ''}\n`,
  );
}
