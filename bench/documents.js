// CPU time (user + system) and memory of exporting bills: each format, for 500 bills and for 2,000, on SQLite. A bill
// has three lines, a Swiss payment part, and a file of its own; a journal is one file. The base is the export of one
// bill as CSV.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [FEW, MANY] = [500, 2_000];
const GOAL = { pdf: 50 };

const program = join(import.meta.dirname, '../bin/run.js');
const folder = mkdtempSync(join(tmpdir(), 'uncloud-bench-'));
process.on('exit', () => rmSync(folder, { recursive: true }));
const env = {
  ...process.env,
  NODE_ENV: 'production',
  UNCLOUD_DATABASE_URL: `sqlite:${join(folder, 'bench.db')}`,
  XDG_CACHE_HOME: folder,
};
// Loaded into each measured process: the process itself knows best what it has used.
const meter = join(folder, 'meter.cjs');
const used = join(folder, 'used');
writeFileSync(
  meter,
  `process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const used = { seconds: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024 };
    require('node:fs').writeFileSync(${JSON.stringify(used)}, JSON.stringify(used));
  });`,
);

function uncloud(args, input = '') {
  const options = { env, input, encoding: 'utf8', maxBuffer: 2 ** 28 };
  const { status, stderr } = spawnSync(process.execPath, ['--require', meter, program, ...args], options);
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return JSON.parse(readFileSync(used, 'utf8'));
}

/** Customers with these numbers, three orders each, and a bill for each of them. */
function bill(first, last, day) {
  const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const people = numbers.map((n) => `u${n},Customer ${n} GmbH,Seeweg ${n},8002,Zürich,CH`);
  uncloud(
    ['user', 'import', '-'],
    `username,organization,street,postal_code,city,country\n${people.join('\n')}\n`,
  );
  const orders = numbers.flatMap((n) =>
    ['VM: 4 CPU, 8 GB', 'Disk: 100 GB', 'Domain example.ch'].map(
      (description) => `u${n},30d,9.90,CHF,2025-01-01,"${description}"`,
    ),
  );
  uncloud(
    ['order', 'import', '-'],
    `username,period,recurring_price,currency,starts_at,description\n${orders.join('\n')}\n`,
  );
  uncloud(['bill', 'generate', '--until', day]);
}

uncloud(['migrate']);
uncloud(['import-vat-rates']);
const address = [
  '--street',
  'Bahnhofstrasse 1',
  '--postal-code',
  '8750',
  '--city',
  'Glarus',
  '--country',
  'CH',
];
const numbers = ['--vat-number', 'CHE-123.456.788 MWST', '--iban', 'CH9300762011623852957'];
uncloud(['provider', 'set', '--name', 'Example Hosting AG', ...address, ...numbers]);
bill(1, FEW, '2025-01-02');
bill(FEW + 1, MANY, '2025-01-03');

const base = uncloud(['bill', 'export', '1', '--format', 'csv', '--output', '-']);
for (const format of ['pdf', 'ubl', 'json', 'csv', 'hledger']) {
  for (const [count, which] of [
    [FEW, ['--to', '2025-01-03']],
    [MANY, ['--all']],
  ]) {
    const output = `${join(folder, `${format}-${count}`)}/`;
    const { seconds, megabytes } = uncloud(['bill', 'export', ...which, '--format', format, '-o', output]);
    const speed = count / (seconds - base.seconds);
    const missed = speed < (GOAL[format] ?? 0) ? `  MISSED (goal: ${GOAL[format]})` : '';
    process.stdout.write(
      `${format.padEnd(8)}${String(count).padStart(5)} bills${speed.toFixed(0).padStart(8)} a second${megabytes.toFixed(0).padStart(6)} MB${missed}\n`,
    );
  }
}
