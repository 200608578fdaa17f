import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { parseInterfaceName, parseListenPort } from '../../src/lib/core/interface-name.ts';
import { formatPrefix } from '../../src/lib/core/prefix.ts';
import { openerFor, poolKeyPlace } from '../../src/lib/io/secrets.ts';
import { deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { deletePool, listPools, rotatePoolKey, showPool, updatePool } from '../../src/lib/ops/vpn-pools.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { POOL, testKey } from '../support/served-pool.ts';
import { addNetwork, addPool, addUser, HOST } from '../support/vpn.ts';

describeDatabases('pools', (databases) => {
  const keyFile = async (name: string, text: string, mode = 0o600) => {
    const file = join(databases.folder, name);
    await writeFile(file, text, { mode });
    return file;
  };

  it('take the next interface and port of their host', async () => {
    const context = await databases.context();
    await addPool(context);
    await addPool(context, '2a0a:e5c1:300::/40');
    await addPool(context, '2a0a:e5c1:400::/40', { hostname: parseHostname('vpn-2.example.net') });
    const named = { interface: parseInterfaceName('clients'), listenPort: parseListenPort('443') };
    await addPool(context, '2a0a:e5c1:500::/40', named);
    const pools = await listPools(context, undefined);
    expect(pools.map((pool) => [pool.id, pool.interface, pool.listenPort])).toEqual([
      [1, 'wg0', 51820],
      [2, 'wg1', 51821],
      [3, 'wg0', 51820],
      [4, 'clients', 443],
    ]);
    expect((await listPools(context, HOST)).map(({ id }) => id)).toEqual([1, 2, 4]);
  });

  it('seal a private key that is given, or one that is made', async () => {
    const context = await databases.context();
    const file = await keyFile('pool.key', `${POOL.privateKey}\n`);
    const given = await addPool(context, '2a0a:e5c1:200::/40', { privateKeyFile: file });
    expect(given.publicKey).toBe(POOL.publicKey);
    const made = await addPool(context, '2a0a:e5c1:300::/40');
    expect(made.publicKey).not.toBe(given.publicKey);
    const database = await context.db();
    const rows = await database.kysely.selectFrom('vpn_pools').selectAll().orderBy('id').execute();
    expect(JSON.stringify(rows)).not.toContain(POOL.privateKey);
    const secrets = context.config['secrets.key_file'];
    expect((await stat(secrets)).mode & 0o777).toBe(0o600);
    await database.read(async (tx) => {
      const opener = await openerFor(tx, secrets);
      const sealed = rows[0]?.private_key ?? '';
      expect(opener.open(sealed, poolKeyPlace(1))).toBe(POOL.privateKey);
      expect(() => opener.open(sealed, poolKeyPlace(2))).toThrow(/does not open/);
    });
  });

  it('refuse a key file that others may read, and text that is no key, without showing it', async () => {
    const context = await databases.context();
    const open = await keyFile('open.key', POOL.privateKey, 0o644);
    await expect(addPool(context, undefined, { privateKeyFile: open })).rejects.toMatchObject({
      code: 'SECRET_FILE_MODE',
    });
    const wrong = await keyFile('wrong.key', `x${POOL.privateKey}`);
    const refusal = await addPool(context, undefined, { privateKeyFile: wrong }).catch(
      (error: unknown) => error,
    );
    expect(refusal).toMatchObject({ code: 'INVALID_KEY' });
    expect(String(refusal)).not.toContain(POOL.privateKey.slice(0, 20));
    expect(await listPools(context, undefined)).toEqual([]);
  });

  it('refuse the key of another pool and of a client', async () => {
    const context = await databases.context();
    const file = await keyFile('twice.key', POOL.privateKey);
    await addUser(context);
    await addPool(context);
    await addNetwork(context, POOL.publicKey);
    const again = addPool(context, '2a0a:e5c1:300::/40', { privateKeyFile: file });
    await expect(again).rejects.toMatchObject({
      code: 'POOL_KEY_TAKEN',
      message: 'The private key already belongs to the client of network 1.',
    });
    await deleteNetworks(context, [1]);
    await addPool(context, '2a0a:e5c1:300::/40', { privateKeyFile: file });
    const third = addPool(context, '2a0a:e5c1:400::/40', { privateKeyFile: file });
    await expect(third).rejects.toMatchObject({
      code: 'POOL_KEY_TAKEN',
      message: 'The private key already belongs to pool 2.',
    });
  });

  it('get another key pair, which nobody else has', async () => {
    const context = await databases.context();
    const file = await keyFile('rotated.key', POOL.privateKey);
    await addUser(context);
    const before = await addPool(context);
    const other = await addPool(context, '2a0a:e5c1:300::/40', { privateKeyFile: file });
    await addNetwork(context, testKey(1), { poolId: 1 });
    await expect(rotatePoolKey(context, 1, file)).rejects.toMatchObject({ code: 'POOL_KEY_TAKEN' });
    await expect(rotatePoolKey(context, 3, null)).rejects.toMatchObject({ code: 'UNKNOWN_POOL' });
    expect(await rotatePoolKey(context, 2, file)).toEqual({ pool: other, changed: false });
    const made = await rotatePoolKey(context, 1, null);
    const { publicKey } = made.pool;
    expect(made).toEqual({ pool: { ...before, publicKey, nextSlot: 1n, used: 1n }, changed: true });
    expect(publicKey).not.toBe(before.publicKey);
    await deletePool(context, 2);
    const given = await rotatePoolKey(context, 1, file);
    expect(given).toMatchObject({ changed: true, pool: { publicKey: POOL.publicKey } });
    expect((await showPool(context, 1)).pool).toEqual(given.pool);
    const database = await context.db();
    const rows = await database.kysely.selectFrom('vpn_pools').select('private_key').execute();
    await database.read(async (tx) => {
      const opener = await openerFor(tx, context.config['secrets.key_file']);
      expect(opener.open(rows[0]?.private_key ?? '', poolKeyPlace(1))).toBe(POOL.privateKey);
    });
  });

  it('are served on another host, interface or port, and stay what they are otherwise', async () => {
    const context = await databases.context();
    await addUser(context);
    await addPool(context);
    await addNetwork(context, testKey(1));
    const second = await addPool(context, '2a0a:e5c1:300::/40');
    const { pool: first } = await showPool(context, 1);
    const hostname = parseHostname('vpn-2.example.net');
    await addPool(context, '2a0a:e5c1:400::/40', { hostname });
    await expect(updatePool(context, 9, {})).rejects.toMatchObject({ code: 'UNKNOWN_POOL' });
    const unchanged = { pool: first, before: first, changed: [], leftBehind: 1 };
    expect(await updatePool(context, 1, { hostname: HOST })).toEqual(unchanged);
    await expect(updatePool(context, 1, { interface: second.interface })).rejects.toMatchObject({
      code: 'INTERFACE_TAKEN',
      data: { pool_id: 2, free: 'wg0' },
    });
    await expect(updatePool(context, 1, { hostname })).rejects.toMatchObject({
      code: 'INTERFACE_TAKEN',
      data: { pool_id: 3, free: 'wg1' },
    });
    const change = { hostname, interface: parseInterfaceName('wg1') };
    await expect(updatePool(context, 1, change)).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      data: { pool_id: 3, free: 51821 },
    });
    const whole = { ...change, listenPort: parseListenPort('443') };
    const expected = {
      pool: { ...first, ...whole },
      before: first,
      changed: ['hostname', 'interface', 'listenPort'],
      leftBehind: 1,
    };
    expect(await updatePool(context, 1, whole, { dryRun: true })).toEqual(expected);
    expect((await showPool(context, 1)).pool).toEqual(first);
    expect(await updatePool(context, 1, whole)).toEqual(expected);
    expect((await showPool(context, 1)).pool).toEqual(expected.pool);
    expect(await updatePool(context, 2, { hostname, interface: parseInterfaceName('wg2') })).toMatchObject({
      changed: ['hostname', 'interface'],
      leftBehind: 0,
    });
    expect((await listPools(context, HOST)).length).toBe(0);
  });

  it('are created once: the same again changes nothing, anything else is refused by what differs', async () => {
    const context = await databases.context();
    const privateKeyFile = await keyFile('again.key', POOL.privateKey);
    const prefix = '2a0a:e5c1:200::/40';
    const first = await addPool(context, prefix, { privateKeyFile });
    const named = { interface: first.interface, listenPort: first.listenPort };
    for (const same of [{ privateKeyFile }, {}, named]) {
      expect(await addPool(context, prefix, same)).toEqual(first);
    }
    expect(await listPools(context, undefined)).toEqual([first]);
    const other = {
      subnetworkSize: 56,
      hostname: parseHostname('vpn-2.example.net'),
      interface: parseInterfaceName('wg7'),
      listenPort: parseListenPort('443'),
      privateKeyFile: await keyFile('other.key', 'XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=\n'),
    };
    await expect(addPool(context, prefix, other)).rejects.toMatchObject({
      code: 'POOL_EXISTS',
      hint: expect.stringContaining('uncloud vpn pool rotate-key 1'),
      data: {
        pool_id: 1,
        differences: [
          'the length of its networks',
          'its hostname',
          'its interface',
          'its port',
          'its private key',
        ],
      },
    });
  });

  it('refuse to overlap, naming the other', async () => {
    const context = await databases.context();
    await addPool(context);
    for (const prefix of ['2a0a:e5c1:280::/41', '2a0a:e5c1::/32']) {
      await expect(addPool(context, prefix)).rejects.toMatchObject({
        code: 'POOL_OVERLAPS',
        data: { pool_id: 1, network: '2a0a:e5c1:200::/40' },
      });
    }
  });

  it('of 2^62 networks can be made and shown', async () => {
    const context = await databases.context();
    await addUser(context);
    await addPool(context, '2001:db8::/48', { subnetworkSize: 110 });
    await addNetwork(context, testKey(1), { size: 110 });
    const { pool, usedSlots } = await showPool(context, 1);
    expect([formatPrefix(pool.prefix), pool.used, usedSlots]).toEqual(['2001:db8::/48', 1n, [0n]]);
  });

  it('are deleted when they lend nothing, and their ids are not given again', async () => {
    const context = await databases.context();
    await addUser(context);
    await addPool(context);
    await addNetwork(context, testKey(1));
    await expect(deletePool(context, 1)).rejects.toMatchObject({
      code: 'POOL_IN_USE',
      data: { networks: 1 },
    });
    await deleteNetworks(context, [1]);
    await deletePool(context, 1);
    await expect(showPool(context, 1)).rejects.toMatchObject({ code: 'UNKNOWN_POOL' });
    expect((await addPool(context)).id).toBe(2);
  });

  it('need the key file under which the first was sealed', async () => {
    const config = (name: string) => ({ secrets: { key_file: join(databases.folder, name) } });
    const context: TestContext = await databases.context({ config: config('first.key') });
    await addPool(context);
    const other = await databases.context({ url: context.url, config: config('missing.key') });
    await expect(addPool(other, '2a0a:e5c1:300::/40')).rejects.toMatchObject({ code: 'SECRET_KEY_MISSING' });
    await expect(readFile(join(databases.folder, 'missing.key'))).rejects.toThrow(/ENOENT/);
    await keyFile('other.key', `${Buffer.alloc(32, 1).toString('base64')}\n`);
    const wrong = await databases.context({ url: context.url, config: config('other.key') });
    await expect(addPool(wrong, '2a0a:e5c1:300::/40')).rejects.toMatchObject({ code: 'SECRET_KEY_WRONG' });
  });
});
