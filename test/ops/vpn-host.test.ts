import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { parseInterfaceName } from '../../src/lib/core/interface-name.ts';
import type { PublicKey } from '../../src/lib/core/wireguard-key.ts';
import { withHostLock } from '../../src/lib/io/host-lock.ts';
import { type HostRequest, reconcileHost } from '../../src/lib/ops/vpn-host.ts';
import { deleteNetworks, rotateNetworkKey } from '../../src/lib/ops/vpn-networks.ts';
import { deletePool, updatePool } from '../../src/lib/ops/vpn-pools.ts';
import { describeDatabases, type TestContext } from '../support/databases.ts';
import { POOL, testKey } from '../support/served-pool.ts';
import { addNetwork, addPool, addUser, HOST } from '../support/vpn.ts';

describeDatabases('the files of a host', (databases) => {
  let context: TestContext;
  let directory: string;

  beforeEach(async () => {
    context = await databases.context();
    directory = await mkdtemp(join(databases.folder, 'wireguard-'));
    await addUser(context);
    await addPool(context);
    for (const number of [0, 1, 2, 3]) await addNetwork(context, testKey(number));
  });

  const run = (request: Partial<HostRequest> = {}, on: TestContext = context) =>
    reconcileHost(on, {
      hostname: HOST,
      directory,
      renderOnly: true,
      dryRun: false,
      prune: false,
      ...request,
    });
  const fileOf = (name = 'wg0') => readFile(join(directory, `${name}.conf`), 'utf8');
  const keysIn = (text: string) => [...text.matchAll(/^PublicKey = (.*)$/gm)].map(([, key]) => key);
  const codes = (outcomes: Awaited<ReturnType<typeof run>>) =>
    outcomes.map(({ refused }) => refused.map(({ code }) => code));

  it('are written with mode 0600 whatever the umask, and hold what the database says', async () => {
    const before = process.umask(0);
    try {
      const changes = [
        { kind: 'file', subject: 'wg0.conf', action: 'create' },
        ...[0, 1, 2, 3].map((number) => ({ kind: 'peer', subject: testKey(number), action: 'add' })),
      ];
      const outcome = { interface: 'wg0', poolId: 1, due: true, applied: true, refused: [], warnings: [] };
      expect(await run()).toEqual([{ ...outcome, changes, done: changes }]);
    } finally {
      process.umask(before);
    }
    expect((await stat(join(directory, 'wg0.conf'))).mode & 0o7777).toBe(0o600);
    expect(await readdir(directory)).toEqual(['wg0.conf']);
    expect((await fileOf()).replace(/(PrivateKey = ).*/, '$1…')).toBe(
      `# Managed by uncloud vpn --hostname vpn-1.example.net: pool 1, 2a0a:e5c1:200::/40
# The next run overwrites what is changed here.

[Interface]
PrivateKey = …
ListenPort = 51820
${[0, 1, 2, 3]
  .map(
    (number) => `
# network ${number + 1}
[Peer]
PublicKey = ${testKey(number)}
AllowedIPs = 2a0a:e5c1:20${number}::/48
`,
  )
  .join('')}`,
    );
  });

  it('hold the private key that the pool was given', async () => {
    const key = join(directory, 'pool.key');
    await writeFile(key, POOL.privateKey, { mode: 0o600 });
    await addPool(context, '2a0a:e5c1:300::/40', { privateKeyFile: key });
    await run();
    expect(await fileOf('wg1')).toContain(`PrivateKey = ${POOL.privateKey}\n`);
  });

  it('are not touched when nothing is to change', async () => {
    await run();
    const before = [await stat(join(directory, 'wg0.conf')), await stat(directory)];
    const [outcome] = await run();
    expect(outcome).toMatchObject({ changes: [], due: false, applied: false, refused: [] });
    const after = [await stat(join(directory, 'wg0.conf')), await stat(directory)];
    for (const [at, stats] of after.entries()) {
      expect([stats.ino, stats.mtimeMs, stats.ctimeMs]).toEqual([
        before[at]?.ino,
        before[at]?.mtimeMs,
        before[at]?.ctimeMs,
      ]);
    }
  });

  it('are only planned by a dry run', async () => {
    expect(await run({ dryRun: true })).toMatchObject([{ due: true, applied: false }]);
    expect(await readdir(directory)).toEqual([]);
  });

  it('are repaired when somebody edited them or opened them to others', async () => {
    await run();
    const sound = await fileOf();
    const file = join(directory, 'wg0.conf');
    await writeFile(file, sound.replace(testKey(2), testKey(99)));
    const [edited] = await run();
    expect(edited?.changes).toEqual([
      { kind: 'file', subject: 'wg0.conf', action: 'update' },
      { kind: 'peer', subject: testKey(2), action: 'add' },
      { kind: 'peer', subject: testKey(99), action: 'remove' },
    ]);
    expect(await fileOf()).toBe(sound);
    await chmod(file, 0o644);
    const [opened] = await run();
    expect(opened?.changes).toEqual([{ kind: 'file_mode', subject: 'wg0.conf', action: 'update' }]);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('lose what a killed run left unfinished', async () => {
    await writeFile(join(directory, '.wg0.conf.4711.new'), 'half a fi', { mode: 0o600 });
    await writeFile(join(directory, '.wg1.conf.4711.new'), 'of others', { mode: 0o600 });
    await run();
    expect((await readdir(directory)).sort()).toEqual(['.wg1.conf.4711.new', 'wg0.conf']);
  });

  it('keep most of their peers unless --prune', async () => {
    await run();
    const before = await fileOf();
    await deleteNetworks(context, [1, 2, 3, 4]);
    const [braked] = await run();
    expect(braked).toMatchObject({ due: false, applied: false, refused: [{ code: 'BRAKED' }] });
    expect(braked?.changes).toHaveLength(5);
    expect(await fileOf()).toBe(before);
    expect(await run({ prune: true })).toMatchObject([{ applied: true, refused: [] }]);
    expect(keysIn(await fileOf())).toEqual([]);
  });

  it('stay when no pool names the host', async () => {
    await run();
    const before = await fileOf();
    const hostname = parseHostname('vpn-9.example.net');
    await expect(run({ hostname })).rejects.toMatchObject({ code: 'NO_POOL_FOR_HOST', exit: 1 });
    await deleteNetworks(context, [1, 2, 3, 4]);
    await deletePool(context, 1);
    await expect(run({ prune: true })).rejects.toMatchObject({ code: 'NO_POOL_FOR_HOST' });
    expect(await fileOf()).toBe(before);
  });

  it('take another name with their pool, whatever the number of peers', async () => {
    await run();
    const before = await fileOf();
    await updatePool(context, 1, { interface: parseInterfaceName('wg5') });
    expect((await run()).map((outcome) => [outcome.interface, outcome.applied, outcome.refused])).toEqual([
      ['wg5', true, []],
      ['wg0', true, []],
    ]);
    expect(await readdir(directory)).toEqual(['wg5.conf']);
    expect(await fileOf('wg5')).toBe(before);
  });

  it('keep their name while the brake holds or the new one is in the way', async () => {
    await run();
    const before = await fileOf();
    await updatePool(context, 1, { interface: parseInterfaceName('wg5') });
    await writeFile(join(directory, 'wg5.conf'), '[Interface]\n', { mode: 0o600 });
    expect(codes(await run({ prune: true }))).toEqual([['FILE_NOT_OURS']]);
    expect(await fileOf()).toBe(before);
    await rm(join(directory, 'wg5.conf'));
    await deleteNetworks(context, [1, 2, 3]);
    expect(codes(await run())).toEqual([[], []]);
    expect(keysIn(await fileOf('wg5'))).toEqual([testKey(3)]);
    await updatePool(context, 1, { interface: parseInterfaceName('wg0') });
    await addNetwork(context, testKey(5));
    await addNetwork(context, testKey(6));
    expect(codes(await run())).toEqual([[], []]);
    await deleteNetworks(context, [4, 5, 6]);
    await updatePool(context, 1, { interface: parseInterfaceName('wg5') });
    expect(codes(await run())).toEqual([[], ['BRAKED']]);
    expect(await readdir(directory)).toEqual(['wg0.conf']);
    await run({ prune: true });
    expect(await readdir(directory)).toEqual(['wg5.conf']);
  });

  it('follow their pool to another host name', async () => {
    await run();
    const before = await fileOf();
    const hostname = parseHostname('vpn-2.example.net');
    await updatePool(context, 1, { hostname });
    await expect(run()).rejects.toMatchObject({ code: 'NO_POOL_FOR_HOST' });
    expect(await fileOf()).toBe(before);
    expect(await run({ hostname })).toMatchObject([
      { interface: 'wg0', changes: [{ kind: 'file', action: 'update' }], refused: [] },
    ]);
    expect(await fileOf()).toBe(before.replace('vpn-1.example.net', 'vpn-2.example.net'));
  });

  it('go with their pool when the host serves another', async () => {
    await addPool(context, '2a0a:e5c1:300::/40');
    await run();
    await deleteNetworks(context, [3, 4]);
    await run();
    await deleteNetworks(context, [1, 2]);
    await deletePool(context, 1);
    await writeFile(join(directory, 'wg9.conf'), '[Interface]\nListenPort = 1\n');
    await writeFile(join(directory, '.wg0.conf.4711.new'), 'half a fi', { mode: 0o600 });
    const outcomes = await run();
    expect(outcomes.map((outcome) => [outcome.interface, outcome.applied])).toEqual([
      ['wg1', false],
      ['wg0', true],
    ]);
    expect((await readdir(directory)).sort()).toEqual(['wg1.conf', 'wg9.conf']);
  });

  it('of a killed run do not stay, also where nothing is written in their place', async () => {
    await run();
    const text = await fileOf();
    await writeFile(join(directory, '.wg5.conf.4711.new'), text, { mode: 0o600 });
    await writeFile(join(directory, '.wg6.conf.4711.new'), text.replaceAll('vpn-1', 'vpn-2'), {
      mode: 0o600,
    });
    expect(await run()).toMatchObject([{ changes: [] }]);
    expect((await readdir(directory)).sort()).toEqual(['.wg6.conf.4711.new', 'wg0.conf']);
  });

  it('keep the peer of a row whose key is bad, and take all others', async () => {
    await run();
    await addNetwork(context, testKey(4));
    const { kysely } = await context.db();
    const allow =
      databases.backend === 'sqlite'
        ? sql`pragma ignore_check_constraints = on`
        : sql`alter table vpn_networks drop constraint vpn_networks_public_key_check`;
    await allow.execute(kysely);
    await sql`update vpn_networks set public_key = 'nonsense' where id = 2`.execute(kysely);
    const outcomes = await run();
    expect(codes(outcomes)).toEqual([['INVALID_KEY']]);
    expect(outcomes[0]?.refused[0]).toMatchObject({
      message: expect.stringMatching(/^network 2: /),
      hint: 'On the main node: uncloud vpn network rotate-key 2 --public-key KEY',
    });
    expect(keysIn(await fileOf())).toEqual([0, 1, 2, 3, 4].map(testKey));
    expect(await run()).toMatchObject([{ changes: [], refused: [{ code: 'INVALID_KEY' }] }]);
    await rotateNetworkKey(context, 2, testKey(5) as PublicKey);
    expect(codes(await run())).toEqual([[]]);
    expect(keysIn(await fileOf())).toEqual([0, 5, 2, 3, 4].map(testKey));
  });

  it('of a pool that cannot be opened stay, and the others are written', async () => {
    await addPool(context, '2a0a:e5c1:300::/40');
    await run();
    const before = await fileOf();
    const { kysely } = await context.db();
    await sql`update vpn_pools set private_key = 'v1:AAAA' where id = 1`.execute(kysely);
    await addNetwork(context, testKey(7), { poolId: 2 });
    const outcomes = await run({ prune: true });
    expect(codes(outcomes)).toEqual([['SECRET_DAMAGED'], []]);
    expect(outcomes[0]?.refused[0]?.message).toMatch(/^pool 1: .*vpn_pools\/1\/private_key is damaged/);
    expect(outcomes.map(({ applied }) => applied)).toEqual([false, true]);
    expect(await fileOf()).toBe(before);
    expect(keysIn(await fileOf('wg1'))).toEqual([testKey(7)]);
    await sql`update vpn_pools set interface = 'wg 7' where id = 1`.execute(kysely);
    expect(codes(await run({ prune: true }))).toEqual([['INVALID_INTERFACE_NAME'], []]);
    expect(await fileOf()).toBe(before);
  });

  it('are not written over a link, a folder or a file of somebody else', async () => {
    await addPool(context, '2a0a:e5c1:300::/40');
    await addPool(context, '2a0a:e5c1:400::/40');
    await addPool(context, '2a0a:e5c1:500::/40');
    const target = join(directory, 'precious');
    await writeFile(target, 'precious');
    await symlink(target, join(directory, 'wg0.conf'));
    await mkdir(join(directory, 'wg1.conf'));
    await writeFile(join(directory, 'wg2.conf'), '[Interface]\n', { mode: 0o600 });
    const outcomes = await run({ prune: true });
    expect(codes(outcomes)).toEqual([['SYMLINK_IN_THE_WAY'], ['FILE_NOT_OURS'], ['FILE_NOT_OURS'], []]);
    expect(outcomes.flatMap(({ refused }) => refused.map(({ exit }) => exit))).toEqual([3, 3, 3]);
    expect(outcomes.map(({ applied }) => applied)).toEqual([false, false, false, true]);
    expect(await readFile(target, 'utf8')).toBe('precious');
    expect(await fileOf('wg2')).toBe('[Interface]\n');
  });

  it('are not written where others may write', async () => {
    for (const mode of [0o777, 0o1777, 0o770]) {
      await chmod(directory, mode);
      await expect(run()).rejects.toMatchObject({ code: 'UNSAFE_CONFIG_DIRECTORY', exit: 1 });
    }
    await chmod(directory, 0o755);
    await run();
    await rm(directory, { recursive: true });
    await expect(run()).rejects.toMatchObject({ code: 'CONFIG_DIRECTORY_MISSING' });
  });

  it.runIf(process.getuid?.() === 0)('are not written into what belongs to somebody else', async () => {
    await chown(directory, 65534, 65534);
    const refusal = {
      code: 'UNSAFE_CONFIG_DIRECTORY',
      message: expect.stringContaining('belongs to somebody else'),
    };
    await expect(run()).rejects.toMatchObject(refusal);
    expect(await readdir(directory)).toEqual([]);
  });

  it('are not written by two runs at once', async () => {
    const events: string[] = [];
    let finish: () => void = () => {};
    const held = withHostLock(directory, () => new Promise<void>((resolve) => (finish = resolve)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    const second = run().then(() => events.push('second'));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(await readdir(directory)).toEqual([]);
    events.push('first');
    finish();
    await Promise.all([held, second]);
    expect(events).toEqual(['first', 'second']);
  });

  it('need the key file, which reading never makes', async () => {
    const missing = join(databases.folder, 'no.key');
    const other = await databases.context({ url: context.url, config: { secrets: { key_file: missing } } });
    await expect(run({}, other)).rejects.toMatchObject({ code: 'SECRET_KEY_MISSING' });
    const { kysely } = await context.db();
    await kysely.deleteFrom('secret_keys').execute();
    await expect(run({}, other)).rejects.toMatchObject({ code: 'SECRET_KEY_MISSING' });
    await expect(stat(missing)).rejects.toThrow(/ENOENT/);
    expect(await readdir(directory)).toEqual([]);
  });

  it('are repaired when they were cut off', async () => {
    await run();
    const sound = await fileOf();
    for (const length of [0, 1, 40, 90, sound.length - 1]) {
      await writeFile(join(directory, 'wg0.conf'), sound.slice(0, length));
      expect(await run()).toMatchObject([{ applied: true, refused: [] }]);
      expect(await fileOf()).toBe(sound);
    }
  });
});
