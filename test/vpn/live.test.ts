import { mkdtemp, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generatePrivateKey, publicKeyOf } from '../../src/lib/io/wireguard-keys.ts';
import { deleteNetwork } from '../../src/lib/ops/vpn-networks.ts';
import { uncloud } from '../support/cli.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { INSIDE, Lab, type Machine, whyNoLab } from '../support/lab.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork, addPool, addUser } from '../support/vpn.ts';

const reason = whyNoLab();
if (reason !== null) process.stderr.write(`Live interfaces are not tested: ${reason}.\n`);

const POOL = '2a0a:e5c1:200::/40';
const RUN = 'vpn --hostname vpn-1.example.net';
/** What a run may do when nothing differs. */
const READING = /^Running: \S*\/(wg show all dump|ip -json link show|ip -json -6 route show proto 188)$/;

describe.runIf(reason === null)('a host', () => {
  describeDatabases('with clients', (databases) => {
    let lab: Lab;
    let host: Machine;
    let context: TestContext;
    let directory: string;
    let environment: Record<string, string>;

    beforeEach(async () => {
      lab = await Lab.start(2);
      host = lab.host;
      context = await databases.context();
      directory = await mkdtemp(join(databases.folder, 'wireguard-'));
      environment = {
        UNCLOUD_WIREGUARD_CONFIG_DIRECTORY: directory,
        UNCLOUD_SECRETS_KEY_FILE: context.config['secrets.key_file'],
      };
      await addUser(context);
      const pool = await addPool(context);
      for (const [at, client] of lab.clients.entries()) {
        const key = generatePrivateKey();
        const { network } = await addNetwork(context, publicKeyOf(key));
        await client.serve(
          'wg0',
          `[Interface]\nPrivateKey = ${key}\n[Peer]\nPublicKey = ${pool.publicKey}\nAllowedIPs = ::/0
Endpoint = [fd00:${at}::1]:${pool.listenPort}`,
        );
        client.run(`ip address add ${network.replace('::/', '::1/')} dev wg0`);
        client.run(`ip -6 route add ${POOL} dev wg0`);
        client.run(`ip -6 route add ${INSIDE}/128 dev wg0`);
      }
    });
    afterEach(() => lab.stop());

    const run = (words = '', replaced: Record<string, string> = {}) =>
      uncloud([...RUN.split(' '), ...words.split(' ').filter(Boolean)], {
        url: reachable(context.url),
        environment: { ...environment, ...replaced },
        via: host.via,
      });
    /** Runs, expects it to go well and then to have nothing left to do, and returns what it changed. */
    const repair = async (words = '') => {
      const { code, stdout, stderr } = await run(words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(await run()).toEqual({ code: 0, stdout: '', stderr: '' });
      return stdout.split('\n').filter(Boolean);
    };
    const ping = (client: Machine | undefined, words = '-c 1 -W 5') =>
      client?.run(`ping -6 -q ${words} ${INSIDE}`) ?? '';
    const peers = () => host.run('wg show wg0 peers').split('\n').filter(Boolean).sort();
    const fileOf = (name = 'wg0') => readFile(join(directory, `${name}.conf`), 'utf8');

    it('is brought to what the database says, and then left alone', async () => {
      const keys = peersOf(await fileOrNone());
      expect(keys).toEqual([]);
      const { code, stdout, stderr } = await run();
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.split('\n').filter(Boolean);
      expect(lines.map((line) => line.replace(/peer .*/, 'peer …'))).toEqual([
        'wg0: create file wg0.conf',
        'wg0: add peer …',
        'wg0: add peer …',
        'wg0: create link wg0',
        `wg0: add route ${POOL}`,
      ]);
      expect(peers()).toEqual(peersOf(await fileOf()).sort());
      for (const client of lab.clients) expect(ping(client)).toContain(' 0% packet loss');
      lab.clients[0]?.run('ping -6 -c 1 -W 5 2a0a:e5c1:201::1');

      const before = await stat(join(directory, 'wg0.conf'));
      const second = await run('-v');
      expect([second.code, second.stdout]).toEqual([0, '']);
      const commands = second.stderr.split('\n').filter((line) => line.startsWith('Running: '));
      expect(commands).toHaveLength(3);
      for (const command of commands) expect(command).toMatch(READING);
      const after = await stat(join(directory, 'wg0.conf'));
      expect([after.ino, after.mtimeMs, after.ctimeMs]).toEqual([before.ino, before.mtimeMs, before.ctimeMs]);
    });

    const fileOrNone = () => fileOf().catch(() => '');

    if (databases.backend === 'postgresql') return;

    it('loses no packet of a client while others come and go', async () => {
      await repair();
      const [client] = lab.clients;
      for (const each of lab.clients) ping(each);
      const pinging = client?.start(`ping -6 -q -i 0.004 -c 2500 ${INSIDE}`);
      if (pinging === undefined) throw new Error('no client');
      const said: Buffer[] = [];
      pinging.stdout.on('data', (chunk: Buffer) => said.push(chunk));
      const ended = new Promise((resolve) => pinging.once('close', resolve));
      const handshakes = handshakesOf(host);
      let changes = 0;
      while (pinging.exitCode === null) {
        const { id } = await addNetwork(context, testKey(changes));
        expect((await run()).stdout).toBe(`wg0: update file wg0.conf\nwg0: add peer ${testKey(changes)}\n`);
        await deleteNetwork(context, id);
        expect((await run()).stdout).toMatch(/^wg0: update file wg0.conf\nwg0: remove peer \S+\n$/);
        changes += 2;
      }
      await ended;
      expect(Buffer.concat(said).toString()).toContain(
        '2500 packets transmitted, 2500 received, 0% packet loss',
      );
      expect(changes).toBeGreaterThanOrEqual(20);
      expect(handshakesOf(host)).toEqual(handshakes);
    });
  });
});

/** The same database by its Unix socket: a network namespace has a loopback of its own. */
function reachable(url: string): string {
  return url.replace(/@127\.0\.0\.1:(\d+)\/(.*)$/, '@localhost:$1/$2?host=/tmp');
}

function handshakesOf(host: Machine): string[] {
  return host.run('wg show wg0 latest-handshakes').split('\n').sort();
}

function peersOf(text: string): string[] {
  return [...text.matchAll(/^PublicKey = (.*)$/gm)].map(([, key = '']) => key);
}
