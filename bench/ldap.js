// Elapsed time of `uncloud user sync` with 10,000 entries of a real slapd over TLS, the start of the program included,
// against a bare paged search for the same attributes in a process of its own: alternating in one run, medians.
// Needs slapd.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'ldapts';
import { Slapd, STAFF } from '../test/support/slapd.ts';
import { median } from './median.js';

const ENTRIES = 10_000;
const ROUNDS = 7;
const GOAL = 2;
const ATTRIBUTES = ['entryUUID', 'uid', 'mail', 'cn', 'o', 'street', 'l', 'postalCode', 'c'];

if (process.argv[2] === 'search') {
  const { url, ca_file, base_dn, bind_dn, bind_password_file } = JSON.parse(process.argv[3] ?? '');
  const client = new Client({ url, tlsOptions: { ca: [readFileSync(ca_file, 'utf8')] } });
  await client.bind(bind_dn, readFileSync(bind_password_file, 'utf8').trim());
  const options = { filter: '(&(objectClass=inetOrgPerson)(uid=*))', attributes: ATTRIBUTES, timeLimit: 60 };
  const { searchEntries } = await client.search(base_dn, { ...options, paged: { pageSize: 1000 } });
  if (searchEntries.length !== ENTRIES) throw new Error(`found ${searchEntries.length}`);
  await client.unbind();
} else {
  await measure();
}

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'uncloud-bench-'));
  const people = Array.from({ length: ENTRIES }, (_, number) => ({
    uid: `user${number}`,
    cn: `User Number ${number}`,
    mail: `user${number}@example.net`,
    o: 'Example Ltd',
    street: `Main street ${number}`,
    l: 'Glarus',
    postalCode: '8750',
    c: 'CH',
  }));
  const slapd = await Slapd.start(people);
  try {
    const [empty, full] = [join(folder, 'empty.db'), join(folder, 'full.db')];
    const run = (args, database) => timeOf(args, { folder, database, settings: slapd.settings });
    run(['bin/run.js', 'migrate'], empty);
    copyFileSync(empty, full);
    run(['bin/run.js', 'user', 'sync'], full);

    const cases = {
      'bare paged search': () => run([import.meta.filename, 'search', JSON.stringify(slapd.settings)], full),
      'user sync, nothing to change': () => run(['bin/run.js', 'user', 'sync'], full),
      'user sync, everybody is new': () => {
        const fresh = join(folder, 'fresh.db');
        for (const end of ['', '-wal', '-shm']) rmSync(`${fresh}${end}`, { force: true });
        copyFileSync(empty, fresh);
        return run(['bin/run.js', 'user', 'sync'], fresh);
      },
    };
    const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
    for (const work of Object.values(cases)) work();
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, work] of Object.entries(cases)) times[name].push(work());
    }
    const base = median(times['bare paged search']);
    process.stdout.write(`${ENTRIES} entries\n`);
    for (const [name, milliseconds] of Object.entries(times)) {
      const ratio = median(milliseconds) / base;
      const figures = `${median(milliseconds).toFixed(0).padStart(6)} ms  ${ratio.toFixed(2)} ×`;
      const verdict =
        name === 'bare paged search' ? '' : `  (goal: ${GOAL} ×)${ratio > GOAL ? '  MISSED' : ''}`;
      process.stdout.write(`${name.padEnd(32)}${figures}${verdict}\n`);
    }
  } finally {
    await slapd.remove();
    rmSync(folder, { recursive: true });
  }
}

/** Milliseconds that a process takes from start to end. */
function timeOf(args, { folder, database, settings }) {
  const ldap = Object.entries(settings).map(([key, value]) => [
    `UNCLOUD_LDAP_${key.toUpperCase()}`,
    String(value),
  ]);
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    NODE_ENV: 'production',
    XDG_CACHE_HOME: folder,
    UNCLOUD_LDAP_STAFF_GROUP_DN: STAFF,
    UNCLOUD_DATABASE_URL: `sqlite:${database}`,
    ...Object.fromEntries(ldap),
  };
  const start = performance.now();
  const stdio = ['ignore', 'ignore', 'pipe'];
  const { status, stderr } = spawnSync(process.execPath, args, { env, stdio, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return performance.now() - start;
}
