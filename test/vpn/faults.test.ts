import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseInterfaceName } from '../../src/lib/core/interface-name.ts';
import { generatePrivateKey } from '../../src/lib/io/wireguard-keys.ts';
import { deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { deletePool } from '../../src/lib/ops/vpn-pools.ts';
import { describeDatabases } from '../support/databases.ts';
import type { Fault } from '../support/faults.ts';
import { type Machine, whyNoLab } from '../support/lab.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork, addPool } from '../support/vpn.ts';
import { VpnLab } from '../support/vpn-lab.ts';

/** How many runs of one kind are killed, at operations that are spread evenly. */
const KILLS = 10;
/** Operations that have no effect to take before they fail. */
const READING =
  /^(ip$|(wg show|ip route show|access|(l|f)?stat(Sync)?|openSync|readFile(Sync)?|readdir|realpath|file\.(stat|read(File)?))\b)/;

describe.runIf(whyNoLab() === null)('a run that is interrupted', { timeout: 240_000 }, () => {
  describeDatabases('on a host with others', (databases) => {
    let vpn: VpnLab;
    let host: Machine;
    /** What was on the host before the run, and what the run makes of it. */
    let urls: { before: string; after: string };

    beforeEach(async () => {
      vpn = await VpnLab.start(databases);
      host = vpn.host;
      await vpn.host.serve('wg7', `[Interface]\nPrivateKey = ${generatePrivateKey()}\nListenPort = 4711`);
      host.run('ip -6 route add 2001:db8::/32 dev wg7');
      host.run('ip -6 route add 2a0a:e5c1:900::/40 dev cable0 proto 188');
      await writeFile(join(vpn.directory, 'wg7.conf'), '[Interface]\n', { mode: 0o600 });
      await writeFile(join(vpn.directory, 'notes.txt'), 'of the administrator\n');
    });
    afterEach(() => vpn.stop());

    /** Takes the database as it is to a file of its own. */
    const take = async (name: string) => {
      const { kysely } = await vpn.context.db();
      await sql`vacuum into ${join(vpn.folder, name)}`.execute(kysely);
      return `sqlite:${join(vpn.folder, name)}`;
    };
    /** Brings the host to where the interrupted run begins. */
    const begin = async (damage: string) => {
      expect(await vpn.op({ url: urls.before })).toMatchObject({ error: null });
      host.run('sh', damage);
    };
    /** Interrupts a run at each of its operations in turn, and lets the next one finish. */
    const interrupt = async (damage: string, isSkipped: (operation: string) => boolean = () => false) => {
      await begin(damage);
      const before = await lookAt(vpn);
      const whole = await vpn.op({ url: urls.after });
      const sound = await lookAt(vpn);
      expect(whole?.outcomes.flatMap(({ refused }) => refused)).toEqual([]);
      expect(await vpn.op({ url: urls.after })).toMatchObject({ error: null });
      expect(await lookAt(vpn)).toEqual(sound);
      const { operations = [] } = whole ?? {};
      const faults = faultsOf(operations).filter(({ at }) => !isSkipped(operations[at - 1] ?? ''));
      for (const fault of [...faults, { at: operations.length + 1, moment: 'before' } as const]) {
        const name = `${fault.moment} ${fault.at}, ${operations[fault.at - 1]}`;
        await begin(damage);
        const answer = await vpn.op({ url: urls.after, fault });
        expect(answer?.wasHit ?? fault.moment === 'killed', name).toBe(fault.at <= operations.length);
        expect(answer?.error?.code, name).not.toBe('BUG');
        const left = await lookAt(vpn);
        expect([left.foreign, left.sessions], name).toEqual([before.foreign, before.sessions]);
        for (const [file, text] of Object.entries(left.files)) {
          if (file.endsWith('.conf')) expect([before.files[file], sound.files[file]], name).toContain(text);
        }
        expect(await vpn.op({ url: urls.after }), name).toMatchObject({ error: null });
        expect(await lookAt(vpn), name).toEqual(sound);
      }
      for (const client of vpn.lab.clients) expect(vpn.ping(client)).toContain(' 0% packet loss');
      return operations;
    };
    /** Lets both clients have a session, on the host as it is before. */
    const handshake = async () => {
      await vpn.op({ url: urls.before });
      for (const client of vpn.lab.clients) vpn.reconnect(client);
      for (const client of vpn.lab.clients) vpn.ping(client);
    };

    it('changes nothing when its database goes away at any statement', async () => {
      await vpn.op();
      for (const client of vpn.lab.clients) vpn.reconnect(client);
      for (const client of vpn.lab.clients) vpn.ping(client);
      await addNetwork(vpn.context, testKey(3));
      const before = await lookAt(vpn);
      let statement = 1;
      for (; ; statement += 1) {
        const answer = await vpn.op({ statement });
        if (answer?.wasHit === false) break;
        expect([answer?.error?.exit, answer?.outcomes], `statement ${statement}`).toEqual([75, []]);
        expect(await lookAt(vpn), `statement ${statement}`).toEqual(before);
      }
      expect(statement).toBeGreaterThan(4);
      expect(vpn.peers()).toContain(testKey(3));
      expect((await lookAt(vpn)).sessions).toEqual(before.sessions);
    });

    it('is waited for by another one', async () => {
      for (let round = 0; round < 3; round += 1) {
        await addNetwork(vpn.context, testKey(10 + round));
        const runs = await Promise.all([vpn.reconcile(), vpn.reconcile(), vpn.reconcile()]);
        expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(runs.map(() => [0, '']));
        expect(runs.filter(({ stdout }) => stdout !== '')).toHaveLength(1);
        expect(vpn.peers()).toHaveLength(3 + round);
      }
    });

    if (databases.backend === 'postgresql') {
      it('ends in time when the database accepts and says nothing, or falls silent', async () => {
        await vpn.op();
        const elsewhere = await mkdtemp(join(vpn.folder, 'wireguard-'));
        const begin = performance.now();
        await Promise.all([
          // Silent from the first byte on: connecting has its own limit, of 10 seconds.
          silentAfter(vpn, 0, async (url) => {
            host.run('ip link delete wg0');
            const { code, stdout, stderr } = await vpn.reconcile('', { UNCLOUD_DATABASE_URL: url });
            expect([code, stdout]).toEqual([75, '']);
            expect(stderr).toContain('Raised wg0 as last written.');
          }),
          // Silent in the midst: the op's limit of 30 seconds is one second here, the client's own 5 more.
          silentAfter(vpn, 6, async (url) => {
            const answer = await vpn.op({ url, statementSeconds: 1 }, { directory: elsewhere });
            expect([answer?.error?.exit, answer?.outcomes]).toEqual([75, []]);
          }),
        ]);
        expect(performance.now() - begin).toBeLessThan(20_000);
        for (const client of vpn.lab.clients) vpn.reconnect(client);
        for (const client of vpn.lab.clients) expect(vpn.ping(client)).toContain(' 0% packet loss');
      });
      return;
    }

    it('leaves links that the next one completes while the database is away', async () => {
      const begin = async () => {
        await vpn.op();
        host.run('ip link delete wg0');
      };
      const away = { url: 'sqlite:/nonexistent/uncloud.db' };
      await begin();
      const { operations = [] } = (await vpn.op(away)) ?? {};
      const sound = await lookAt(vpn);
      expect(vpn.peers()).toHaveLength(2);
      for (const [index, operation] of operations.entries()) {
        if (READING.test(operation)) continue;
        await begin();
        expect(await vpn.op({ ...away, fault: { at: index + 1, moment: 'killed' } })).toBeNull();
        expect((await vpn.op(away))?.error?.message, operation).toContain('Raised wg0 as last written.');
        expect(await lookAt(vpn), operation).toEqual(sound);
      }
      expect((await vpn.op(away))?.error?.message).not.toContain('aised');
    });

    it('leaves what the next one completes: peers, ports, routes', async () => {
      const { context } = vpn;
      await addPool(context, '2a0a:e5c1:300::/40');
      const { id } = await addNetwork(context, testKey(3), { poolId: 1 });
      urls = { before: await take('before.db'), after: '' };
      await deleteNetworks(context, [id]);
      await addNetwork(context, testKey(4), { poolId: 1 });
      await addNetwork(context, testKey(5), { poolId: 2 });
      urls.after = await take('after.db');
      await handshake();
      const [key] = vpn.peers().filter((peer) => peer !== testKey(3));
      const operations = await interrupt(`
        ip link set wg0 alias ''
        ip -6 route add 2a0a:e5c1:3ff::/48 dev wg0 proto 188
        wg genpsk >/run/wireguard/psk
        wg set wg0 peer ${key} preshared-key /run/wireguard/psk
        wg set wg1 listen-port 4712
        ip link set wg1 down`);
      expect(new Set(operations.filter((name) => /^(ip|wg)\b/.test(name)))).toEqual(
        new Set([
          'wg show all',
          'ip',
          'ip link set',
          'wg set wg0',
          'ip route show',
          'ip route delete',
          'wg syncconf wg1',
          'ip route replace',
        ]),
      );
    });

    it('leaves what the next one completes: links that come and go', async () => {
      const { context } = vpn;
      await addPool(context, '2a0a:e5c1:300::/40');
      urls = { before: await take('before.db'), after: '' };
      await deletePool(context, 2);
      await addPool(context, '2a0a:e5c1:400::/40', { interface: parseInterfaceName('wg3') });
      urls.after = await take('after.db');
      await handshake();
      const operations = await interrupt('', (operation) => READING.test(operation));
      expect(operations).toContain('ip link add');
      expect(operations).toContain('wireguard-go wg3');
      expect(operations).toContain('ip link delete');
    });
  });
});

/**
 * Puts a server before the database that passes on so many of its messages, and then none, for the time of `work`.
 * @param work is given the address of the database there
 */
async function silentAfter(
  { context, folder }: VpnLab,
  answers: number,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const { hostname, port, pathname, username, password } = new URL(context.url);
  const sockets: Socket[] = [];
  let passed = 0;
  const server = createServer((client) => {
    const database = connect(Number(port), hostname);
    sockets.push(client, database);
    for (const socket of [client, database]) socket.on('error', () => {});
    client.pipe(database);
    database.on('data', (chunk) => {
      passed += 1;
      if (passed <= answers) client.write(chunk);
    });
  });
  const place = await mkdtemp(join(folder, 'server-'));
  await new Promise<void>((resolve) => server.listen(join(place, '.s.PGSQL.5432'), resolve));
  try {
    await work(`postgres://${username}:${password}@localhost${pathname}?host=${place}`);
    expect(passed).toBeGreaterThan(answers);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

/** Every operation fails before its effect, those that have one also after it, and some are never reached. */
function faultsOf(operations: readonly string[]): (Fault & { at: number })[] {
  const every = operations.length / KILLS;
  return operations.flatMap((operation, index) => {
    const at = index + 1;
    const isSampled = Math.floor(at / every) > Math.floor(index / every);
    return [
      { at, moment: 'before' as const },
      ...(READING.test(operation) ? [] : [{ at, moment: 'after' as const }]),
      ...(isSampled ? [{ at, moment: 'killed' as const }] : []),
    ];
  });
}

/** What is on a host: all that a run may change, what is not ours, and who is connected. */
async function lookAt({ host, directory }: VpnLab) {
  const [dump = '', links = '', routes = '', foreign = ''] = host
    .run(
      'sh',
      `wg show all dump; echo ---; ip -json link show; echo ---; ip -6 route show; echo ---
      wg show wg7 dump; ip -o link show wg7; ip -6 route show dev wg7; ip -6 route show dev cable0`,
    )
    .split('---\n');
  const lines = dump.trim().split('\n').sort();
  const names = (await readdir(directory)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(directory, name), 'utf8')));
  const notOurs = await Promise.all(
    ['wg7.conf', 'notes.txt'].map(async (name) => {
      const { ino, mode, mtimeMs, ctimeMs } = await stat(join(directory, name));
      return [ino, mode, mtimeMs, ctimeMs];
    }),
  );
  const parsed = JSON.parse(links) as { ifname: string; ifalias?: string; flags: string[] }[];
  return {
    state: {
      devices: lines.map((line) => line.split('\t')).map(withoutSession),
      links: parsed
        .map(({ ifname, ifalias = '', flags }) => `${ifname} ${ifalias} ${flags.includes('UP')}`)
        .sort(),
      routes: routes.split('\n').sort(),
    },
    files: Object.fromEntries(names.map((name, at) => [name, texts[at]])),
    foreign: [...notOurs, foreign],
    /** Handshakes by client; an interface or a peer that is made anew has none. */
    sessions: lines
      .map((line) => line.split('\t'))
      .filter((fields) => fields.length === 9 && fields[5] !== '0')
      .map((fields) => `${fields[1]} ${fields[5]}`),
  };
}

/** A line of `wg show all dump` without endpoint, handshake and traffic. */
function withoutSession(fields: readonly string[]): string {
  return (fields.length === 9 ? [...fields.slice(0, 3), fields[4]] : fields).join(' ');
}
