import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { describeDatabases } from '../support/databases.ts';
import { INSIDE, whyNoLab } from '../support/lab.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork } from '../support/vpn.ts';
import { VpnLab } from '../support/vpn-lab.ts';

const CHANGES = 200;
/** Runs in one process that stays, and runs as a process each. */
const RUNS = { sqlite: { staying: 950, processes: 50 }, postgresql: { staying: 180, processes: 20 } };
/** What a run may do when nothing differs. */
const READING = /^\S*\/(wg show all dump|ip -json -6 -batch - <<<\$'route show proto 188\\nlink show\\n')$/;

describe.runIf(whyNoLab() === null)('a client', { timeout: 240_000 }, () => {
  describeDatabases('of a host', (databases) => {
    let vpn: VpnLab;
    beforeEach(async () => {
      vpn = await VpnLab.start(databases);
      expect((await vpn.reconcile()).code).toBe(0);
      for (const client of vpn.lab.clients) vpn.reconnect(client);
      for (const client of vpn.lab.clients) vpn.ping(client);
    });
    afterEach(() => vpn.stop());

    if (databases.backend === 'sqlite') {
      it('loses no packet while others come and go', async () => {
        const { client, host, context } = vpn;
        const pinging = client.start(`ping -6 -n -i 0.002 ${INSIDE}`);
        const said: Buffer[] = [];
        pinging.stdout.on('data', (chunk: Buffer) => said.push(chunk));
        const ended = new Promise((resolve) => pinging.once('close', resolve));
        let last = counters(vpn);
        for (let change = 0; change < CHANGES; change += 2) {
          const { id } = await addNetwork(context, testKey(change));
          const added = await vpn.op();
          expect(added?.outcomes[0]?.changes.slice(1)).toEqual([
            { kind: 'peer', subject: testKey(change), action: 'add' },
          ]);
          await deleteNetworks(context, [id]);
          const removed = await vpn.op();
          expect(removed?.outcomes[0]?.changes.slice(1)).toEqual([
            { kind: 'peer', subject: testKey(change), action: 'remove' },
          ]);
          expectUntouched(last, counters(vpn));
          // On a busy machine ping may wait longer for its turn than a change takes.
          await expect
            .poll(() => counters(vpn).pinging.received, { timeout: 5000, interval: 5 })
            .toBeGreaterThan(last.pinging.received);
          last = counters(vpn);
        }
        pinging.kill('SIGINT');
        await ended;
        // The last packets were on their way when ping was told to end.
        const answered = [
          ...Buffer.concat(said)
            .toString()
            .matchAll(/ icmp_seq=(\d+) /g),
        ].map(([, sequence]) => Number(sequence));
        expect(answered).toEqual(answered.map((_, at) => at + 1));
        expect(answered.length).toBeGreaterThan(10 * CHANGES);
        expect(host.run('wg show wg0 peers').trim().split('\n')).toHaveLength(2);
      });
    }

    it('is not touched by runs that have nothing to change', async () => {
      const before = counters(vpn);
      const stamps = await stampsOf(vpn);
      const writes = await writesOf(vpn);
      const runs = RUNS[databases.backend];
      const staying = await vpn.op({ times: runs.staying });
      expect(staying).toMatchObject({ error: null, outcomes: [{ changes: [], due: false }] });
      expect(staying?.commands).toHaveLength(2 * runs.staying);
      expect(staying?.commands.filter((command) => !READING.test(command))).toEqual([]);
      const reading =
        /^(wg|ip|access|(l|f)?stat(Sync)?|open(Sync)?|readFile(Sync)?|readdir|realpath|file\.(readFile|stat))\b/;
      const asked = staying?.operations.filter((name) => !reading.test(name));
      expect(asked).toEqual([]);
      for (let process = 0; process < runs.processes; process += 1) {
        expect(await vpn.reconcile()).toEqual({ code: 0, stdout: '', stderr: '' });
      }
      expectUntouched(before, counters(vpn));
      expect(await stampsOf(vpn)).toEqual(stamps);
      expect(await writesOf(vpn)).toEqual(writes);
    });
  });
});

/** What the host knows of the client that pings and of the one that says nothing. */
function counters({ host }: VpnLab) {
  const [pinging, idle] = host
    .run('wg show wg0 dump')
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, , , network]) => network === '2a0a:e5c1:200::/48' || network === '2a0a:e5c1:201::/48')
    .sort(([, , , one = ''], [, , , other = '']) => one.localeCompare(other))
    .map(([, , endpoint, , handshake, received, sent]) => ({
      endpoint,
      handshake,
      received: Number(received),
      sent: Number(sent),
    }));
  if (pinging === undefined || idle === undefined) throw new Error('a client is gone');
  return { pinging, idle };
}

/** A peer that was removed and made again, or a session that was begun anew, would count from 0. */
function expectUntouched(before: ReturnType<typeof counters>, after: ReturnType<typeof counters>): void {
  for (const who of ['pinging', 'idle'] as const) {
    const { received, sent, ...session } = after[who];
    expect(session).toEqual({ endpoint: before[who].endpoint, handshake: before[who].handshake });
    expect(received).toBeGreaterThanOrEqual(before[who].received);
    expect(sent).toBeGreaterThanOrEqual(before[who].sent);
  }
}

/** When the files of the host and their folder were last changed in any way. */
async function stampsOf({ directory }: VpnLab): Promise<unknown[]> {
  const paths = [directory, ...(await readdir(directory)).map((name) => join(directory, name))];
  return Promise.all(
    paths.map(async (path) => {
      const { ino, mode, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      return [path, ino, mode, size, mtimeNs, ctimeNs];
    }),
  );
}

/** What was ever written to the database: the file of SQLite, the counters of PostgreSQL. */
async function writesOf({ context }: VpnLab): Promise<unknown> {
  const { kysely, backend } = await context.db();
  if (backend === 'sqlite') {
    const { ino, size, mtimeNs } = await stat(context.url.replace('sqlite:', ''), { bigint: true });
    const { size: journal } = await stat(`${context.url.replace('sqlite:', '')}-wal`);
    return [ino, size, mtimeNs, journal];
  }
  await sql`select pg_stat_force_next_flush()`.execute(kysely);
  // Of our tables only: in those of the server autovacuum writes, at times of its own.
  const { rows } = await sql`
    select sum(n_tup_ins) as inserted, sum(n_tup_upd) as updated, sum(n_tup_del) as deleted
    from pg_stat_user_tables`.execute(kysely);
  return rows;
}
