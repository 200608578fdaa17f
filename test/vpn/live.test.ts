import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseInterfaceName, parseListenPort } from '../../src/lib/core/interface-name.ts';
import { generatePrivateKey } from '../../src/lib/io/wireguard-keys.ts';
import { deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { deletePool, updatePool } from '../../src/lib/ops/vpn-pools.ts';
import { uncloud } from '../support/cli.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { kill, type Lab, type Machine, whyNoLab } from '../support/lab.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork, addPool } from '../support/vpn.ts';
import { POOL, VpnLab } from '../support/vpn-lab.ts';

const reason = whyNoLab();
if (reason !== null) process.stderr.write(`Live interfaces are not tested: ${reason}.\n`);

/** What a run may do when nothing differs. */
const READING = [
  /^Running: \S*\/wg show all dump$/m,
  /^Running: \S*\/ip -json -6 -batch - <<<\$'route show proto 188\\nlink show\\n'$/m,
];

describe.runIf(reason === null)('a host', { timeout: 60_000 }, () => {
  describeDatabases('with clients', (databases) => {
    let vpn: VpnLab;
    let lab: Lab;
    let host: Machine;
    let context: TestContext;
    let directory: string;

    beforeEach(async () => {
      vpn = await VpnLab.start(databases);
      ({ lab, host, context, directory } = vpn);
    });
    afterEach(() => vpn.stop());

    const run = (words = '', environment: Record<string, string> = {}) => vpn.reconcile(words, environment);
    /** Runs, expects it to go well and then to have nothing left to do, and returns what it changed. */
    const repair = async (words = '') => {
      const { code, stdout, stderr } = await run(words);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(await run()).toEqual({ code: 0, stdout: '', stderr: '' });
      return stdout.split('\n').filter(Boolean);
    };
    const reconnect = (client?: Machine) => vpn.reconnect(client);
    const ping = (client?: Machine, words?: string) => vpn.ping(client, words);
    const peers = () => vpn.peers();
    const fileOf = (name?: string) => vpn.fileOf(name);

    it('is brought to what the database says, and then left alone', async () => {
      const keys = peersOf(await fileOrNone());
      expect(keys).toEqual([]);
      const { code, stdout, stderr } = await run();
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.split('\n').filter(Boolean);
      expect(lines.map((line) => line.replace(/peer .*/, 'peer …'))).toEqual([
        'wg0: create file wg0.conf',
        'wg0: create link wg0',
        'wg0: add peer …',
        'wg0: add peer …',
        `wg0: add route ${POOL}`,
      ]);
      expect(peers()).toEqual(peersOf(await fileOf()).sort());
      for (const client of lab.clients) reconnect(client);
      for (const client of lab.clients) expect(ping(client)).toContain(' 0% packet loss');
      lab.clients[0]?.run('ping -6 -c 1 -W 5 2a0a:e5c1:201::1');

      const before = await stat(join(directory, 'wg0.conf'));
      const second = await run('-v');
      expect([second.code, second.stdout]).toEqual([0, '']);
      expect(second.stderr.match(/^Running: /gm)).toHaveLength(READING.length);
      for (const command of READING) expect(second.stderr).toMatch(command);
      const after = await stat(join(directory, 'wg0.conf'));
      expect([after.ino, after.mtimeMs, after.ctimeMs]).toEqual([before.ino, before.mtimeMs, before.ctimeMs]);
    });

    it('shows which clients are there', async () => {
      const states = async () => {
        const { code, stdout } = await uncloud(
          ['vpn', 'status', '--hostname', 'vpn-1.example.net', '--json'],
          { url: vpn.url, environment: vpn.environment, via: host.via },
        );
        expect(code).toBe(0);
        const { tunnels } = JSON.parse(stdout) as { tunnels: Record<string, unknown>[] };
        return tunnels;
      };
      expect(await states()).toMatchObject([{ state: 'absent' }, { state: 'absent' }]);
      await run();
      reconnect(lab.clients[0]);
      ping(lab.clients[0]);
      const [tunnel] = await states();
      expect(tunnel).toMatchObject({ network: '2a0a:e5c1:200::/48', state: 'live' });
      expect(tunnel?.endpoint).toMatch(/^\[fd00::2\]:\d+$/);
      expect(tunnel?.received_bytes).toBeGreaterThan(100);
      expect(tunnel?.sent_bytes).toBeGreaterThan(100);
    });

    const fileOrNone = () => fileOf().catch(() => '');

    if (databases.backend === 'postgresql') return;

    /** Damages of a running host, and what the run that repairs them says. */
    const damages: [string, () => unknown, (string | RegExp)[]][] = [
      ['link down', () => host.run('ip link set wg0 down'), ['raise link wg0', `add route ${POOL}`]],
      [
        'link deleted',
        () => host.run('ip link delete wg0'),
        ['create link wg0', /^add peer /, /^add peer /, `add route ${POOL}`],
      ],
      ['another port', () => host.run('wg set wg0 listen-port 4711'), ['update listen port 51820']],
      [
        'another key',
        () => host.run('sh', 'wg genkey | (cat >/run/wireguard/k; wg set wg0 private-key /run/wireguard/k)'),
        [/^update private key /],
      ],
      [
        'a peer of nobody',
        () => host.run(`wg set wg0 peer ${testKey(9)} allowed-ips 2a0a:e5c1:2ff::/48`),
        [`remove peer ${testKey(9)}`],
      ],
      ['a peer gone', () => host.run(`wg set wg0 peer ${peers()[0]} remove`), [/^add peer /]],
      [
        'a peer with more networks',
        () => host.run(`wg set wg0 peer ${peers()[0]} allowed-ips 2a0a:e5c1:2fe::/48,2a0a:e5c1:2ff::/48`),
        [/^update peer /],
      ],
      [
        'a preshared key',
        () =>
          host.run(
            'sh',
            `wg genpsk | (cat >/run/wireguard/p; wg set wg0 peer ${peers()[0]} preshared-key /run/wireguard/p)`,
          ),
        [/^remove preshared key /],
      ],
      ['route removed', () => host.run(`ip -6 route delete ${POOL} dev wg0`), [`add route ${POOL}`]],
      [
        'route of another pool',
        () => host.run('ip -6 route add 2a0a:e5c1:300::/40 dev wg0 proto 188'),
        ['remove route 2a0a:e5c1:300::/40'],
      ],
      ['alias removed', () => host.run('sh', 'ip link set wg0 alias ""'), ['add alias uncloud:pool=1']],
      [
        'file cut off',
        async () => writeFile(join(directory, 'wg0.conf'), (await fileOf()).split('# network 2')[0] ?? ''),
        ['update file wg0.conf'],
      ],
      ['file emptied', () => writeFile(join(directory, 'wg0.conf'), ''), ['update file wg0.conf']],
      ['file removed', () => rm(join(directory, 'wg0.conf')), ['create file wg0.conf']],
      [
        'file and alias removed',
        async () => {
          await rm(join(directory, 'wg0.conf'));
          host.run('sh', 'ip link set wg0 alias ""');
        },
        ['create file wg0.conf', 'add alias uncloud:pool=1'],
      ],
      [
        'file edited',
        async () =>
          writeFile(
            join(directory, 'wg0.conf'),
            (await fileOf()).replace('51820', '1').replaceAll('::/48', '::/49'),
          ),
        ['update file wg0.conf'],
      ],
      [
        'wireguard-go killed',
        async () => {
          for (const pid of host.processes()) kill(pid);
          while (host.try('ip link show wg0').status === 0) await sleep(10);
        },
        ['create link wg0', /^add peer /, /^add peer /, `add route ${POOL}`],
      ],
    ];

    it('is repaired by one run, which says what was wrong', async () => {
      await repair();
      const sound = await fileOf();
      const [client] = lab.clients;
      for (const [what, damage, said] of damages) {
        await damage();
        const lines = await repair();
        expect(lines, what).toEqual(
          said.map((line) =>
            typeof line === 'string'
              ? `wg0: ${line}`
              : expect.stringMatching(new RegExp(line.source.replace('^', '^wg0: '))),
          ),
        );
        expect(await fileOf(), what).toBe(sound);
      }
      reconnect(client);
      expect(ping(client, '-c 3 -i 0.1 -W 5')).toContain(' 0% packet loss');
    });

    it('is not there when the program for it fails, and says how', async () => {
      const failures = {
        '/bin/false': 'it ended with 1',
        '/bin/true': 'it did not open its socket within 5 seconds',
      };
      for (const [program, reason] of Object.entries(failures)) {
        const failed = await run('', { UNCLOUD_WIREGUARD_USERSPACE_IMPLEMENTATION: program });
        const said = `"${program}" does not serve wg0: ${reason}.`;
        expect([failed.code, failed.stderr]).toEqual([3, expect.stringContaining(said)]);
        expect(host.try('ip link show wg0').status).not.toBe(0);
      }
      expect((await repair())[0]).toBe('wg0: create link wg0');
    });

    it('keeps what is not ours, and is named for it', async () => {
      host.run('ip link add wg0 type veth peer name other');
      const before = host.run('ip -json link show wg0');
      const cable = await run();
      expect([cable.code, cable.stdout]).toEqual([3, '']);
      expect(cable.stderr).toContain('Left wg0 as it is: it is not a WireGuard interface');
      expect(host.run('ip -json link show wg0')).toBe(before);
      await expect(fileOf()).rejects.toThrow(/ENOENT/);
      host.run('ip link delete wg0');

      const key = generatePrivateKey();
      await host.serve('wg0', `[Interface]\nPrivateKey = ${key}\n[Peer]\nPublicKey = ${testKey(1)}`);
      const dump = host.run('wg show all dump');
      expect((await run()).stderr).toContain('Left wg0 as it is: it does not carry our alias');
      expect(host.run('wg show all dump')).toBe(dump);
      host.run('ip link delete wg0');

      host.run(`ip -6 route add ${POOL} dev cable0`);
      host.run('ip -6 route add 2a0a:e5c1:300::/40 dev cable0 proto 188');
      await host.serve('wg7', `[Interface]\nPrivateKey = ${key}`);
      await writeFile(join(directory, 'wg7.conf'), '[Interface]\n', { mode: 0o600 });
      const taken = await run();
      expect([taken.code, taken.stderr]).toEqual([
        3,
        expect.stringContaining(`${POOL} is not routed to wg0: somebody else made a route for it.`),
      ]);
      expect(host.run(`ip -6 route show ${POOL}`)).toMatch(/dev cable0/);
      host.run(`ip -6 route delete ${POOL} dev cable0`);
      expect(await repair()).toEqual([`wg0: add route ${POOL}`]);
      expect(host.run('ip -6 route show proto 188')).toContain('2a0a:e5c1:300::/40 dev cable0');
      expect(host.run('wg show wg7 private-key').trim()).toBe(key);
      expect(await fileOf('wg7')).toBe('[Interface]\n');
    });

    it('keeps its clients when the database is emptied, the host renamed or a row bad', async () => {
      const { id: third } = await addNetwork(context, testKey(3));
      await repair();
      const { kysely } = await context.db();
      await sql`pragma ignore_check_constraints = on`.execute(kysely);
      await sql`update vpn_networks set public_key = 'nonsense' where id = ${third}`.execute(kysely);
      const quarantined = await run();
      expect([quarantined.code, quarantined.stdout]).toEqual([3, '']);
      expect(quarantined.stderr).toContain(`network ${third}: `);
      expect(peers()).toContain(testKey(3));

      for (const id of [1, 2, third]) await deleteNetworks(context, [id]);
      const before = [await fileOf(), peers()];
      const braked = await run();
      expect([braked.code, braked.stdout]).toEqual([3, '']);
      expect(braked.stderr).toContain('this would remove 3 of its 3 peers');
      expect([await fileOf(), peers()]).toEqual(before);
      host.run('ip link delete wg0');
      const boot = await run();
      expect([boot.code, boot.stdout]).toEqual([3, `wg0: create link wg0\nwg0: add route ${POOL}\n`]);
      expect([await fileOf(), peers()]).toEqual(before);
      const [client] = lab.clients;
      reconnect(client);
      expect(ping(client)).toContain(' 0% packet loss');
      await sql`update vpn_pools set hostname = 'vpn-9.example.net'`.execute(kysely);
      expect((await run('--prune')).code).toBe(1);
      expect([await fileOf(), peers()]).toEqual(before);
      host.run('ip link delete wg0');
      expect((await run('--dry-run')).stderr).not.toContain('Raised');
      const renamed = await run();
      expect([renamed.code, renamed.stdout]).toEqual([1, '']);
      expect(renamed.stderr).toContain('No pool is served by vpn-1.example.net');
      expect(renamed.stderr).toContain('Raised wg0 as last written.');
      expect([await fileOf(), peers()]).toEqual(before);
      expect(host.run('ip -6 route show proto 188')).toContain(POOL);
      await sql`update vpn_pools set hostname = 'vpn-1.example.net'`.execute(kysely);
      expect((await run('--prune')).stdout).toMatch(
        /^wg0: update file wg0.conf\n(wg0: remove peer \S+\n){3}$/,
      );
      expect(peers()).toEqual([]);
    });

    it('goes on without its database, and is raised from its file after a boot', async () => {
      await repair();
      const [client] = lab.clients;
      const away = { UNCLOUD_DATABASE_URL: 'postgres://uncloud@127.0.0.1:1/uncloud' };
      const file = await fileOf();
      const foreign = join(directory, 'wg8.conf');
      await writeFile(foreign, file.replace('vpn-1.example.net', 'vpn-2.example.net'));
      const state = () => [peers(), host.run('wg show wg0 listen-port'), host.run('ip -6 route')];
      const before = state();
      expect(await run('', away)).toMatchObject({ code: 75, stdout: '' });
      expect(state()).toEqual(before);
      host.run('ip link delete wg0');
      const boot = await run('', away);
      expect([boot.code, boot.stdout]).toEqual([75, '']);
      expect(boot.stderr).toContain('Raised wg0 as last written.');
      expect(host.run('ip -6 route show proto 188')).toContain(POOL);
      expect([await fileOf(), host.run('wg show interfaces')]).toEqual([file, 'wg0\n']);
      await rm(foreign);
      reconnect(client);
      expect(ping(client, '-c 3 -i 0.1 -W 5')).toContain(' 0% packet loss');
      expect(await run()).toEqual({ code: 0, stdout: '', stderr: '' });
    });

    it('is raised from its files after a boot when the keys of its pools do not open', async () => {
      await addPool(context, '2a0a:e5c1:300::/40');
      await repair();
      const before = [await fileOf(), await fileOf('wg1')];
      const boot = () => {
        for (const name of ['wg0', 'wg1']) host.try(`ip link delete ${name}`);
      };
      const isServed = () => {
        expect(host.run('wg show interfaces').trim().split(/\s+/).sort()).toEqual(['wg0', 'wg1']);
        expect(host.run('ip -6 route show proto 188').trim().split('\n')).toHaveLength(2);
        reconnect();
        expect(ping()).toContain(' 0% packet loss');
      };
      const otherKey = join(vpn.folder, 'other.key');
      await writeFile(otherKey, `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
      for (const [file, code] of [
        [otherKey, 'does not open the secrets'],
        [join(vpn.folder, 'no.key'), 'no.key'],
      ] as const) {
        boot();
        const keyless = await run('', { UNCLOUD_SECRETS_KEY_FILE: file });
        expect([keyless.code, keyless.stdout]).toEqual([1, '']);
        expect(keyless.stderr).toContain(code);
        expect(keyless.stderr).toContain('Raised wg0, wg1 as last written.');
        isServed();
      }

      const { kysely } = await context.db();
      const { private_key: sealed } = await kysely
        .selectFrom('vpn_pools')
        .select('private_key')
        .where('id', '=', 1)
        .executeTakeFirstOrThrow();
      await sql`update vpn_pools set private_key = 'v1:AAAA' where id = 1`.execute(kysely);
      for (const name of ['wg0', 'not a name']) {
        await sql`update vpn_pools set interface = ${name} where id = 1`.execute(kysely);
        boot();
        const unsealed = await run();
        expect([unsealed.code, unsealed.stdout.split('\n').sort().slice(1)]).toEqual([
          3,
          [
            `wg0: add route ${POOL}`,
            'wg0: create link wg0',
            'wg1: add route 2a0a:e5c1:300::/40',
            'wg1: create link wg1',
          ],
        ]);
        expect(unsealed.stderr).toContain('pool 1: ');
        isServed();
        expect(await run()).toMatchObject({ code: 3, stdout: '' });
      }
      await sql`update vpn_pools set private_key = ${sealed}, interface = 'wg0' where id = 1`.execute(kysely);
      expect(await run()).toEqual({ code: 0, stdout: '', stderr: '' });
      expect([await fileOf(), await fileOf('wg1')]).toEqual(before);
    });

    it('serves its other pools while the brake holds one', async () => {
      await addPool(context, '2a0a:e5c1:300::/40');
      for (const number of [3, 4, 5]) await addNetwork(context, testKey(number), { poolId: 1 });
      await repair();
      for (const id of [1, 2, 3, 4, 5]) await deleteNetworks(context, [id]);
      const before = [await fileOf(), peers()];
      await addNetwork(context, testKey(6), { poolId: 2 });
      const { code, stdout, stderr } = await run();
      expect([code, stdout]).toEqual([3, `wg1: update file wg1.conf\nwg1: add peer ${testKey(6)}\n`]);
      expect(stderr).toContain('this would remove 5 of its 5 peers');
      expect([await fileOf(), peers()]).toEqual(before);
      expect(vpn.peers('wg1')).toEqual([testKey(6)]);
    });

    it('takes the route of a pool back from the interface of another one', async () => {
      await addPool(context, '2a0a:e5c1:300::/40');
      await repair();
      host.run(`ip -6 route replace ${POOL} dev wg1 proto 188`);
      expect(await repair()).toEqual([`wg0: add route ${POOL}`, `wg1: remove route ${POOL}`]);
    });

    it('lets two pools swap their ports', async () => {
      const other = await addPool(context, '2a0a:e5c1:300::/40');
      await repair();
      for (const [id, port] of [
        [1, 4711],
        [other.id, vpn.pool.listenPort],
        [1, other.listenPort],
      ] as const) {
        await updatePool(context, id, { listenPort: parseListenPort(String(port)) });
      }
      expect((await repair()).filter((line) => !line.includes(' file '))).toEqual([
        `wg0: update listen port ${other.listenPort}`,
        `wg1: update listen port ${vpn.pool.listenPort}`,
      ]);
    });

    it('loses the link of a pool that is gone, and no other', async () => {
      await addPool(context, '2a0a:e5c1:300::/40');
      await repair();
      await deletePool(context, 2);
      expect(await repair()).toEqual(['wg1: remove file wg1.conf', 'wg1: remove link wg1']);
      expect(host.try('ip link show wg1').status).not.toBe(0);
      expect(host.run('wg show interfaces').trim()).toBe('wg0');
    });

    it('moves to another interface with all its clients, and pauses for them', async () => {
      for (const number of [3, 4, 5]) await addNetwork(context, testKey(number), { poolId: 1 });
      await repair();
      const before = peers();
      await updatePool(context, 1, { interface: parseInterfaceName('wg5') });
      expect((await repair()).filter((line) => !line.includes(' peer '))).toEqual([
        'wg0: remove file wg0.conf',
        'wg0: remove link wg0',
        'wg5: create file wg5.conf',
        'wg5: create link wg5',
        `wg5: add route ${POOL}`,
      ]);
      expect(host.run('wg show interfaces').trim()).toBe('wg5');
      expect(vpn.peers('wg5')).toEqual(before);

      await updatePool(context, 1, { interface: parseInterfaceName('wg6') });
      await rm(join(directory, 'wg5.conf'));
      expect((await repair()).filter((line) => !line.includes(' peer '))).toEqual([
        'wg5: remove link wg5',
        'wg6: create file wg6.conf',
        'wg6: create link wg6',
        `wg6: add route ${POOL}`,
      ]);
      expect(host.run('wg show interfaces').trim()).toBe('wg6');
      expect(vpn.peers('wg6')).toEqual(before);
      const [client] = lab.clients;
      reconnect(client);
      expect(ping(client)).toContain(' 0% packet loss');
    });

    it('names the port that another process has', async () => {
      await host.serve('wg7', `[Interface]\nPrivateKey = ${generatePrivateKey()}\nListenPort = 51820`);
      const done = [];
      for (const _ of [1, 2]) {
        const { code, stdout, stderr } = await run();
        expect([code, stderr]).toEqual([3, expect.stringContaining('wg0 does not listen on UDP port 51820')]);
        done.push(stdout.split('\n').slice(0, 2));
      }
      expect(done).toEqual([['wg0: create file wg0.conf', 'wg0: create link wg0'], ['']]);
      host.run('ip link delete wg7');
      await repair();
      for (const client of lab.clients) reconnect(client);
      for (const client of lab.clients) expect(ping(client)).toContain(' 0% packet loss');
    });

    it('marks its route with the number of the configuration, in place of the one before', async () => {
      await repair();
      const other = { UNCLOUD_WIREGUARD_ROUTE_PROTOCOL: '200' };
      const { code, stdout } = await run('', other);
      expect([code, stdout]).toEqual([0, `wg0: add route ${POOL}\n`]);
      expect(await run('', other)).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(host.run('ip -6 route show proto 188')).toBe('');
      expect(host.run('ip -6 route show proto 200')).toContain(`${POOL} dev wg0`);
    });

    it('names what it did not take over although the commands went well', async () => {
      await repair();
      const key = peers()[0] ?? '';
      const damage = {
        wg: [`wg set wg0 peer ${key} remove peer ${testKey(9)} allowed-ips 2a0a:e5c1:2ff::/48`, ' set '],
        ip: [`ip -6 route delete ${POOL} dev wg0`, ' route replace '],
      };
      const lacking = { wg: `add peer ${key}, remove peer ${testKey(9)}`, ip: `add route ${POOL}` };
      for (const tool of ['wg', 'ip'] as const) {
        const [command, ignored] = damage[tool];
        host.run('sh', command);
        const deaf = join(vpn.folder, `deaf-${tool}`);
        const script = `#!/bin/sh\ncase " $* " in *'${ignored}'*) ;; *) exec ${tool} "$@";; esac\n`;
        await writeFile(deaf, script, { mode: 0o755 });
        const { code, stdout, stderr } = await run('', {
          [`UNCLOUD_WIREGUARD_${tool.toUpperCase()}_COMMAND`]: deaf,
        });
        expect([code, stdout]).toEqual([3, '']);
        expect(stderr.replace(/\s+/g, ' ')).toContain(`wg0 did not take these changes: ${lacking[tool]}.`);
        expect(await repair()).not.toEqual([]);
      }
    });

    it('says that it wrote the file when the link then fails', async () => {
      const failing = { UNCLOUD_WIREGUARD_USERSPACE_IMPLEMENTATION: '/bin/false' };
      const done = [];
      for (const _ of [1, 2]) {
        const { code, stdout, stderr } = await run('', failing);
        expect([code, stderr]).toEqual([3, expect.stringContaining('"/bin/false" does not serve wg0')]);
        done.push(stdout);
      }
      expect(done).toEqual(['wg0: create file wg0.conf\n', '']);
    });

    it('only plans a dry run, and warns of a kernel that does not forward', async () => {
      const plan = await run('--dry-run --exit-code');
      expect(plan).toMatchObject({ code: 4, stdout: expect.stringContaining('wg0: create link wg0') });
      expect(host.run('wg show interfaces')).toBe('');
      host.run('sysctl -qw net.ipv6.conf.all.forwarding=0');
      expect((await run()).stderr).toContain('does not pass IPv6 packets on');
      expect(await run()).toEqual({ code: 0, stdout: '', stderr: '' });
    });
  });
});

function peersOf(text: string): string[] {
  return [...text.matchAll(/^PublicKey = (.*)$/gm)].map(([, key = '']) => key);
}
