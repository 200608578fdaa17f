import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { type RunOptions, uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { POOL, testKey } from '../support/served-pool.ts';
import { addUser } from '../support/vpn.ts';

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;

describeDatabases('the VPN at the command line', (databases) => {
  let options: RunOptions & { readonly url: string };
  let directory: string;

  beforeEach(async () => {
    const context = await databases.context();
    await addUser(context);
    const environment = { UNCLOUD_SECRETS_KEY_FILE: context.config['secrets.key_file'] };
    options = { url: context.url, environment };
    directory = await mkdtemp(join(databases.folder, 'wireguard-'));
  });

  /** Runs a command; instants of its output become …, as they are those of the run. */
  const run = async (args: string, stdin = '') => {
    const { code, stdout, stderr } = await uncloud(args.split(' '), { ...options, stdin });
    return { code, stdout: stdout.replace(INSTANT, '…'), stderr };
  };
  const json = (args: string, code = 0, stdin = '') =>
    uncloudJson(args.split(' '), { ...options, code, stdin });
  const createPool = () =>
    run(
      'vpn pool create 2a0a:e5c1:200::/40 --hostname VPN-1.example.net. --private-key-file -',
      POOL.privateKey,
    );
  const lend = (first: number, count: number) => {
    const keys = Array.from({ length: count }, (_, at) => `${testKey(first + at)}\n`).join('');
    return run('vpn network create --user anna --public-keys-file -', keys);
  };
  const render = (flags = '') =>
    `vpn --hostname vpn-1.example.net --render-only --config-directory ${directory}${flags}`;

  it('creates, lists, draws and deletes pools', async () => {
    expect(await createPool()).toEqual({
      code: 0,
      stderr: 'Created pool 1.\n',
      stdout: `Id           1
Network      2a0a:e5c1:200::/40
Hostname     vpn-1.example.net
Interface    wg0
Listen port  51820
Public key   ${POOL.publicKey}
Created      …
Used         0 of 256 /48 (0.0 %)
Free         256 /48
`,
    });
    expect(await createPool()).toMatchObject({
      code: 0,
      stderr: 'Pool 1 exists already; nothing changed.\n',
    });
    const older = '--network 2a0a:e5c1:300:: --network-size 40 --subnetwork-size 56';
    const { pool, created } = await json(
      `vpn pool create ${older} --vpn-hostname vpn-1.example.net --private-key-file ${await secret()}`,
    );
    expect(pool).toEqual({
      id: 2,
      network: '2a0a:e5c1:300::/40',
      subnetwork_size: 56,
      hostname: 'vpn-1.example.net',
      interface: 'wg1',
      listen_port: 51821,
      public_key: '3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=',
      capacity: '65536',
      used: '0',
      created_at: expect.stringMatching(INSTANT) as unknown,
    });
    expect(created).toBe(true);
    await lend(0, 5);
    await run('vpn network delete 2 --yes');
    expect(await run('vpn pool list --hostname vpn-1.example.net')).toEqual({
      code: 0,
      stderr: '',
      stdout: `ID  NETWORK             SIZE  HOSTNAME           INTERFACE   PORT  USED   FREE
 1  2a0a:e5c1:200::/40  /48   vpn-1.example.net  wg0        51820     4    252
 2  2a0a:e5c1:300::/40  /56   vpn-1.example.net  wg1        51821     0  65536
`,
    });
    const shown = await run('vpn pool show 1');
    expect(shown.stdout.split('\n').slice(7, 12)).toEqual([
      'Used         4 of 256 /48 (1.6 %)',
      'Free         252 /48, 1 of them lent before',
      '',
      '2a0a:e5c1:200::  #.###........... ................',
      '2a0a:e5c1:220::  ................ ................',
    ]);
    expect(await json('vpn pool show 1')).toMatchObject({ pools: [{ id: 1, used: '4' }] });
    expect(await run('vpn pool delete 1 --yes')).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: Pool 1 lends 4 networks and cannot be deleted.
  Delete its networks first; see them with: uncloud vpn network list --pool 1
`,
    });
    expect(await run('vpn pool delete 2')).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: Delete pool 2, 2a0a:e5c1:300::/40 on vpn-1.example.net, with its private key? There is no terminal to ask on.
  Answer beforehand with --yes.
`,
    });
    expect(await run('vpn pool delete 2 --yes')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Deleted pool 2, 2a0a:e5c1:300::/40 on vpn-1.example.net.\n',
    });
    expect(await json('vpn pool list')).toMatchObject({ pools: [{ id: 1 }] });

    async function secret(): Promise<string> {
      const file = join(directory, 'bob.key');
      await writeFile(file, 'XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=\n', { mode: 0o600 });
      return file;
    }
  });

  it('says what is wrong with a request', async () => {
    const create = 'vpn pool create 2a0a:e5c1:200::/40 --hostname vpn-1.example.net';
    for (const [args, message] of [
      [create, 'One of these flags is missing: --generate-key, --private-key-file.'],
      ['vpn pool create --hostname vpn-1.example.net --generate-key', 'Give the prefix once'],
      [`${create} --network 2001:db8:: --generate-key`, 'Give the prefix once'],
      ['vpn pool create 10.0.0.0/8 --hostname vpn-1.example.net --generate-key', 'it is IPv4'],
      [
        'vpn pool create --network 2001:db8:: --hostname vpn-1.example.net --generate-key',
        'length is missing',
      ],
      ['vpn pool create 2a0a:e5c1:200::1/40 --hostname vpn-1.example.net --generate-key', 'bits behind'],
      ['vpn pool create 2a0a:e5c1:200::/40 --hostname vpn --generate-key', 'one label only'],
      ['vpn network create --user anna', 'One of these flags is missing: --public-key, --public-keys-file.'],
      [`vpn network create --user anna --public-key ${'A'.repeat(43)}=`, 'point of low order'],
      ['vpn --render-only', 'The flag --hostname is missing: The host whose pools are served.'],
    ] as const) {
      const { code, stderr, stdout } = await run(args);
      expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)]);
    }
  });

  it('lends networks and takes them back', async () => {
    await createPool();
    expect(await json(`vpn network create --user anna --public-key ${testKey(7)} --reference seven`)).toEqual(
      {
        schema_version: 1,
        created: true,
        network: {
          id: 1,
          network: '2a0a:e5c1:200::/48',
          username: 'anna',
          pool_id: 1,
          public_key: testKey(7),
          reference: 'seven',
          created_at: expect.stringMatching(INSTANT) as unknown,
        },
      },
    );
    const again = `vpn network create --user anna --wireguard-public-key ${testKey(7)} --network-size 48 --reference seven`;
    expect((await run(again)).stderr).toBe('Network 1 exists already; nothing changed.\n');
    expect(await lend(0, 2)).toEqual({
      code: 0,
      stderr: 'Created 2 networks.\n',
      stdout: `ID  NETWORK             USER  POOL  PUBLIC KEY                                    CREATED               REFERENCE
 2  2a0a:e5c1:201::/48  anna     1  ${testKey(0)}  …
 3  2a0a:e5c1:202::/48  anna     1  ${testKey(1)}  …
`,
    });
    expect((await run('vpn network show 3')).stdout).toBe(
      `Id                      3
Network                 2a0a:e5c1:202::/48
User                    anna
Public key              ${testKey(1)}
Reference               –
Created                 …
Pool                    1, 2a0a:e5c1:200::/40
Endpoint                vpn-1.example.net:51820
Public key of the pool  ${POOL.publicKey}
`,
    );
    expect(await json('vpn network delete 2 --yes')).toMatchObject({ networks: [{ id: 2 }] });
    expect(await json('vpn network list --user anna --pool 1')).toMatchObject({
      networks: [{ id: 1 }, { id: 3 }],
    });
    expect(await json(`vpn network create --user anna --public-key ${testKey(1)}`, 1)).toMatchObject({
      error: { code: 'KEY_IN_USE', network_id: 3, exit: 1 },
    });
  });

  it('writes the file of a host once, and is silent after that', async () => {
    await createPool();
    await lend(0, 2);
    const changes = `wg0: create file wg0.conf
wg0: add peer ${testKey(0)}
wg0: add peer ${testKey(1)}
`;
    expect(await run(render(' --dry-run --exit-code'))).toEqual({
      code: 4,
      stdout: changes,
      stderr: 'This is the plan; nothing was changed.\n',
    });
    expect(await readdir(directory)).toEqual([]);
    expect(await run(render())).toEqual({ code: 0, stdout: changes, stderr: '' });
    const before = await stat(join(directory, 'wg0.conf'));
    expect(await run(render())).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await run(render(' --dry-run --exit-code'))).toEqual({ code: 0, stdout: '', stderr: '' });
    const after = await stat(join(directory, 'wg0.conf'));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
    expect(await json(render())).toEqual({
      schema_version: 1,
      hostname: 'vpn-1.example.net',
      interfaces: [{ interface: 'wg0', pool_id: 1, changes: [], applied: false, refused: [], warnings: [] }],
      changed: false,
    });
  });

  it('counts the peers that come or go when they are many, and lists them with --verbose', async () => {
    await createPool();
    await lend(0, 21);
    const listed = (stdout: string) => stdout.split('\n').slice(1, -1);
    expect(listed((await run(render(' --dry-run --verbose'))).stdout)).toEqual(
      Array.from({ length: 21 }, (_, at) => `wg0: add peer ${testKey(at)}`),
    );
    expect(listed((await run(render())).stdout)).toEqual(['wg0: add 21 peers']);
    await lend(21, 20);
    expect(listed((await run(render())).stdout)).toHaveLength(20);
    await lend(41, 1);
    expect(listed((await run(render())).stdout)).toEqual([`wg0: add peer ${testKey(41)}`]);
  });

  it('says what follows when a pool is served elsewhere, before and after', async () => {
    await createPool();
    await lend(0, 1);
    const endpoint =
      'vpn-1.example.net:443 takes the place of vpn-1.example.net:51820 for its 1 client: send each its new file, of uncloud vpn network config ID.\n';
    const update = 'vpn pool update 1 --listen-port 443';
    expect((await run(`${update} --dry-run`)).stderr).toBe(`Would change: listen_port.\n${endpoint}`);
    expect((await run(update)).code).toBe(2);
    expect((await run(`${update} --yes`)).stderr).toBe(`Changed: listen_port.\n${endpoint}`);
    expect((await run('vpn pool update 1 --interface wg5')).stderr).toBe(
      'Changed: interface.\nThe next run of uncloud vpn there puts wg5 in the place of wg0: clients notice a pause.\n',
    );
    expect((await run('vpn pool update 1 --hostname vpn-2.example.net --yes')).stderr).toContain(
      'vpn-1.example.net serves no other pool: its runs are refused and leave wg5 up. Remove it there by hand.\n',
    );
  });

  it('leaves most peers of an interface alone, says so, and ends with 3', async () => {
    await createPool();
    await lend(0, 3);
    await run(render());
    expect(await run('vpn network delete 1 2 3')).toEqual({
      code: 2,
      stdout: '',
      stderr: `Error: Delete 3 networks of anna? There is no terminal to ask on.
  Answer beforehand with --yes.
`,
    });
    const plan = await run('vpn network delete 1 2 3 --dry-run');
    expect(plan.stdout.split('\n').slice(1, -1)).toHaveLength(3);
    expect(plan.stderr).toBe('Would delete 3 networks of anna.\n');
    expect((await run('vpn network delete 1 2 3 --yes')).stderr).toBe('Deleted 3 networks of anna.\n');
    expect(await run(render())).toEqual({
      code: 3,
      stdout: '',
      stderr: `Warning: Left wg0 as it is: this would remove 3 of its 3 peers.
  On the main node see what is lent: uncloud vpn network list; if the removal is meant, run again with --prune.
`,
    });
    expect(await json(render(), 3)).toMatchObject({
      interfaces: [{ applied: false, refused: [{ code: 'BRAKED' }] }],
      changed: false,
    });
    expect((await run(render(' --prune'))).code).toBe(0);
  });

  it('refuses a host without pools, and waits for a database that is away', async () => {
    await createPool();
    await run(render());
    const before = await readFile(join(directory, 'wg0.conf'));
    const other = `vpn --hostname vpn-2.example.net --render-only --config-directory ${directory}`;
    expect(await run(other)).toEqual({
      code: 1,
      stdout: '',
      stderr: `Error: No pool is served by vpn-2.example.net; nothing was changed.
  Hosts with pools: vpn-1.example.net; see them on the main node with: uncloud vpn pool list
`,
    });
    const away = { ...options, url: 'postgres://uncloud@127.0.0.1:1/uncloud' };
    const { code, stdout } = await uncloud(render().split(' '), away);
    expect([code, stdout]).toEqual([75, '']);
    expect(await readFile(join(directory, 'wg0.conf'))).toEqual(before);
  });

  it('never shows a private key', async () => {
    const outcomes = [await createPool()];
    const create = 'vpn pool create 2a0a:e5c1:300::/40 --hostname vpn-1.example.net';
    const bent = `${POOL.privateKey.slice(0, -2)}p=`;
    for (const flags of ['', ' --json', ' -v']) {
      outcomes.push(await run(`${create}${flags} --private-key-file -`, POOL.privateKey));
      outcomes.push(await run(`${create}${flags} --private-key-file -`, bent));
      for (const args of ['vpn pool list', 'vpn pool show 1', render(' --dry-run'), render()]) {
        outcomes.push(await run(`${args}${flags}`));
      }
      await writeFile(
        join(directory, 'wg0.conf'),
        (await readFile(join(directory, 'wg0.conf'), 'utf8')).replace(
          /PrivateKey = .*/,
          `PrivateKey = ${bent}`,
        ),
      );
    }
    expect(outcomes.map(({ code }) => code)).toContain(0);
    expect(await readFile(join(directory, 'wg0.conf'), 'utf8')).toContain(bent);
    for (const { stdout, stderr } of outcomes) {
      expect(stdout + stderr).not.toContain(POOL.privateKey.slice(0, 40));
    }
  });
});
