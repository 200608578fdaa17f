import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { formatInstant, instant } from '../../src/lib/core/instant.ts';
import { type RunOptions, uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { POOL, testKey } from '../support/served-pool.ts';
import { addNetwork, addPool, addUser } from '../support/vpn.ts';

/** Whoever runs the tests may run what stands in for `wg`. */
const ANYBODY = { UNCLOUD_WIREGUARD_USE_SUDO: 'false' };

describeDatabases('uncloud vpn status', (databases) => {
  const now = Math.floor(Date.now() / 1000);
  let options: RunOptions & { readonly url: string };

  /** A `wg` that prints what the real one would, with the private key that it really prints. */
  const wgThatShows = async (...peers: (readonly [interface_: string, ...fields: (string | number)[]])[]) => {
    const folder = await mkdtemp(join(databases.folder, 'wg-'));
    const device = (name: string) => [name, POOL.privateKey, POOL.publicKey, 51820, 'off'];
    const lines = [device('wg0'), ...peers.filter(([name]) => name === 'wg0'), device('other')];
    lines.push(...peers.filter(([name]) => name === 'other').map((peer) => [...peer]));
    await writeFile(join(folder, 'dump'), lines.map((line) => `${line.join('\t')}\n`).join(''));
    const script = `#!/bin/sh\n[ "$*" = "show all dump" ] || exit 1\nexec cat ${join(folder, 'dump')}\n`;
    await writeFile(join(folder, 'wg'), script, { mode: 0o755 });
    return join(folder, 'wg');
  };

  beforeEach(async () => {
    const context = await databases.context();
    await addUser(context);
    await addPool(context);
    for (const number of [1, 2, 3, 4]) await addNetwork(context, testKey(number));
    await addPool(context, '2a0a:e5c1:300::/40', { hostname: parseHostname('vpn-2.example.net') });
    await addPool(context, '2a0a:e5c1:400::/40', { hostname: parseHostname('vpn-3.example.net') });
    await addNetwork(context, testKey(5), { poolId: 3 });
    const at = '[2001:db8::7]:40000';
    const wg = await wgThatShows(
      ['wg0', testKey(1), '(none)', at, '2a0a:e5c1:200::/48', now - 60, 148, 3_355_443, 25],
      ['wg0', testKey(2), '(none)', at, '2a0a:e5c1:201::/48', now - 7300, 2048, 0, 'off'],
      ['wg0', testKey(3), '(none)', '(none)', '2a0a:e5c1:202::/48', 0, 0, 92, 'off'],
      ['wg0', testKey(9), '(none)', at, '2a0a:e5c1:209::/48', now - 7300, 1, 1, 'off'],
      ['other', testKey(4), '(none)', at, '2a0a:e5c1:203::/48', now, 1, 1, 'off'],
    );
    options = { url: context.url, environment: { ...ANYBODY, UNCLOUD_WIREGUARD_WG_COMMAND: wg } };
  });

  const run = (args: string) => uncloud(args.split(' '), options);

  it('shows the tunnels of the networks of this host', async () => {
    const { code, stdout, stderr } = await run('vpn status --hostname vpn-1.example.net');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr:
        'Without an id: not in the database (1). The next run of uncloud vpn removes them or says why not.\n',
    });
    expect(stdout).toBe(`ID  NETWORK             INTERFACE  STATE   HANDSHAKE  RECEIVED     SENT
 1  2a0a:e5c1:200::/48  wg0        live    1 min ago     148 B  3.2 MiB
 2  2a0a:e5c1:201::/48  wg0        stale     2 h ago   2.0 KiB      0 B
 3  2a0a:e5c1:202::/48  wg0        never                   0 B     92 B
 4  2a0a:e5c1:203::/48  wg0        absent                  0 B      0 B
    2a0a:e5c1:209::/48  wg0        stale     2 h ago       1 B      1 B
`);
  });

  it('gives everything but secrets to scripts', async () => {
    const args = ['vpn', 'status', '--hostname', 'vpn-1.example.net'];
    const document = await uncloudJson(args, options);
    expect(document).toMatchObject({
      schema_version: 1,
      hostname: 'vpn-1.example.net',
      tunnels: [
        {
          network_id: 1,
          network: '2a0a:e5c1:200::/48',
          public_key: testKey(1),
          interface: 'wg0',
          state: 'live',
          latest_handshake: formatInstant(instant(now - 60)),
          endpoint: '[2001:db8::7]:40000',
          received_bytes: 148,
          sent_bytes: 3_355_443,
        },
        { network_id: 2, state: 'stale' },
        { network_id: 3, state: 'never', latest_handshake: null, endpoint: null },
        { network_id: 4, state: 'absent', latest_handshake: null, received_bytes: 0 },
        { network_id: null, network: '2a0a:e5c1:209::/48', public_key: testKey(9), interface: 'wg0' },
      ],
    });
    const verbose = await run('vpn status --hostname vpn-1.example.net -v');
    expect(JSON.stringify([document, verbose])).not.toContain(POOL.privateKey.slice(0, 40));
  });

  it('says so when there is nothing to show, and where the hosts are', async () => {
    const idle = { ...ANYBODY, UNCLOUD_WIREGUARD_WG_COMMAND: await wgThatShows() };
    const words = ['vpn', 'status', '--hostname', 'vpn-2.example.net'];
    expect(await uncloud(words, { ...options, environment: idle })).toEqual({
      code: 0,
      stdout: '',
      stderr: 'The pools of vpn-2.example.net lend no network.\n',
    });
    const other = await run('vpn status --hostname vpn-9.example.net');
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toContain(
      'Hosts with pools: vpn-1.example.net, vpn-2.example.net, vpn-3.example.net',
    );
    const environment = { UNCLOUD_WIREGUARD_WG_COMMAND: '/nonexistent/wg' };
    const without = await uncloud(['vpn', 'status', '--hostname', 'vpn-1.example.net'], {
      ...options,
      environment,
    });
    expect(without).toMatchObject({ code: 1, stdout: '' });
    expect(without.stderr).toContain('/nonexistent/wg');
  });
});
