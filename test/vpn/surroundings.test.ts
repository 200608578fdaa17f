import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { grantHost } from '../../src/lib/ops/vpn-host-roles.ts';
import { deleteNetworks } from '../../src/lib/ops/vpn-networks.ts';
import { deletePool } from '../../src/lib/ops/vpn-pools.ts';
import { uncloud } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { type Machine, whyNoLab } from '../support/lab.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork, addPool, HOST } from '../support/vpn.ts';
import { VpnLab } from '../support/vpn-lab.ts';

const NOTHING = { code: 0, stdout: '', stderr: '' };

describe.runIf(whyNoLab() === null)('a host', { timeout: 60_000 }, () => {
  describeDatabases('whose surroundings are not as they should be', (databases) => {
    let vpn: VpnLab;
    let host: Machine;

    beforeEach(async () => {
      vpn = await VpnLab.start(databases, 1);
      host = vpn.host;
    });
    afterEach(() => vpn.stop());

    if (databases.backend === 'postgresql') {
      it('is served by an account that is not root, once sudo lets it, with the role of this host only', async () => {
        await addPool(vpn.context, '2a0a:e5c1:300::/40');
        await addPool(vpn.context, '2a0a:e5c1:400::/40', { hostname: parseHostname('vpn-2.example.net') });
        host.ownSystem();
        host.run(
          'sh',
          `echo 'uncloud:x:4711:4711::/nonexistent:/bin/sh' >>/etc/passwd
          echo 'uncloud:x:4711:' >>/etc/group
          echo 'uncloud:*:19000:0:99999:7:::' >>/etc/shadow
          install -d -m 0700 /etc/wireguard
          install -d -m 0755 /etc/uncloud
          install -m 0600 -o uncloud ${vpn.environment.UNCLOUD_SECRETS_KEY_FILE} /etc/uncloud/secrets.key`,
        );
        const environment = {
          UNCLOUD_WIREGUARD_CONFIG_DIRECTORY: '/etc/wireguard',
          UNCLOUD_SECRETS_KEY_FILE: '/etc/uncloud/secrets.key',
          UNCLOUD_DATABASE_URL: await roleUrl(vpn),
        };
        const account = ['setpriv', '--reuid=uncloud', '--regid=uncloud', '--init-groups'];
        const asAccount = (replaced: Record<string, string> = {}) =>
          vpn.reconcile('', { ...environment, ...replaced }, [...host.via, ...account]);

        // wireguard-go itself needs root, unlike the kernel's WireGuard.
        expect((await vpn.reconcile('', environment)).code).toBe(0);
        const served = () => [host.run('wg show all allowed-ips'), host.run('ip -6 route')];
        const before = served();
        expect(await asAccount()).toMatchObject({
          code: 1,
          stdout: '',
          stderr: expect.stringMatching(
            /may not read and write "\/etc\/wireguard"[\s\S]*Run as root, or, as root, give/,
          ),
        });
        host.run('chown -R uncloud: /etc/wireguard');
        for (const replaced of [{}, { UNCLOUD_WIREGUARD_USE_SUDO: 'false' }]) {
          expect(await asAccount(replaced)).toMatchObject({
            code: 1,
            stdout: '',
            stderr: expect.stringMatching(
              /"wg" may not be run: [\s\S]*Run as root, or let sudo run ip and wg/,
            ),
          });
        }
        expect(served()).toEqual(before);
        const { stdout: findings } = await uncloud(['doctor', '--hostname', HOST], {
          url: environment.UNCLOUD_DATABASE_URL,
          environment,
          via: [...host.via, ...account],
        });
        expect(findings).toMatch(/ERROR +wireguard.*wireguard-go serves it only for root/);

        const sudoers = fileURLToPath(new URL('../../packaging/sudoers', import.meta.url));
        host.run(`install -m 0440 ${sudoers} /etc/sudoers.d/uncloud-vpn`);
        host.run('visudo -c');
        expect(await asAccount()).toEqual(NOTHING);
        await addNetwork(vpn.context, testKey(1), { poolId: 1 });
        const { id } = await addNetwork(vpn.context, testKey(2), { poolId: 2 });
        const [key] = vpn.peers();
        host.run(
          'sh',
          `wg genpsk >/run/wireguard/psk
          wg set wg0 peer ${key} preshared-key /run/wireguard/psk
          wg set wg0 peer ${testKey(9)} allowed-ips 2a0a:e5c1:2ff::/48
          ip link set wg0 alias ''
          ip -6 route add 2a0a:e5c1:2ff::/48 dev wg0 proto 188
          wg set wg0 listen-port 0
          wg set wg1 listen-port 51820
          wg set wg0 listen-port 51821
          ip link set wg1 down`,
        );
        const repaired = await asAccount();
        expect([repaired.code, repaired.stderr]).toEqual([0, '']);
        expect(repaired.stdout.split('\n').filter(Boolean)).toHaveLength(12);
        expect(await asAccount()).toEqual(NOTHING);
        await deleteNetworks(vpn.context, [id]);
        await deletePool(vpn.context, 2);
        expect((await asAccount()).stdout).toContain('wg1: remove link wg1');
        expect(host.run('wg show interfaces').trim()).toBe('wg0');

        vpn.reconnect();
        expect(vpn.ping()).toContain(' 0% packet loss');
        const ofAccount = { environment, via: [...host.via, ...account] };
        const status = await uncloud(['vpn', 'status', '--hostname', HOST, '--json'], ofAccount);
        expect(status).toMatchObject({ code: 0, stderr: '' });
        expect(JSON.parse(status.stdout)).toMatchObject({ tunnels: [{ state: 'live' }, { state: 'never' }] });
        for (const words of [['vpn'], ['vpn', 'status']]) {
          const other = await uncloud([...words, '--hostname', 'vpn-2.example.net'], ofAccount);
          expect(other).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('No pool') });
        }

        for (const forbidden of [
          'wg show wg0 private-key',
          'wg set wg0 private-key /etc/shadow',
          'wg syncconf wg0 /etc/shadow',
          'ip link add dev wg5 type dummy',
          'ip link set dev cable0 down',
          'ip netns exec x sh',
          'ip -6 route replace default dev wg0',
        ]) {
          const { status, stderr } = host.try(`${account.join(' ')} sudo -n ${forbidden}`);
          expect([status, stderr], forbidden).toEqual([1, expect.stringContaining('a password is required')]);
        }
      });
      return;
    }

    /** Runs by way of a shell on the host. */
    const reconcile = (via: string[], environment: Record<string, string> = {}) =>
      vpn.reconcile('', environment, [...host.via, ...via]);
    /** The file as the host has it, whose folder may be a mount of its own. */
    const fileOnHost = () => host.run(`cat ${join(vpn.directory, 'wg0.conf')}`);

    it('writes files that only their owner may read, whatever the umask', async () => {
      expect((await reconcile(['sh', '-c', 'umask 000; exec "$@"', 'sh'])).code).toBe(0);
      expect((await stat(join(vpn.directory, 'wg0.conf'))).mode & 0o7777).toBe(0o600);
      expect(vpn.ping()).toContain(' 0% packet loss');
    });

    it('finds its programs where the PATH of cron does not look', async () => {
      expect((await reconcile(['env', 'PATH=/nonexistent'])).code).toBe(0);
      expect(await reconcile(['env', '-u', 'PATH'])).toEqual(NOTHING);
      expect(vpn.ping()).toContain(' 0% packet loss');
    });

    it('keeps file and peers when the disk is full or read-only, and goes on when it is not', async () => {
      host.run(`mount -t tmpfs -o size=64k,mode=0700 tmpfs ${vpn.directory}`);
      expect((await vpn.reconcile()).code).toBe(0);
      const before = [fileOnHost(), vpn.peers()];
      const { id } = await addNetwork(vpn.context, testKey(1));

      host.run('sh', `cat /dev/zero >${vpn.directory}/ballast 2>&1; true`);
      const full = await vpn.reconcile();
      expect([full.code, full.stdout]).toEqual([3, '']);
      expect(full.stderr).toContain('no space left on the disk');
      expect([fileOnHost(), vpn.peers()]).toEqual(before);
      expect(host.run(`ls -A ${vpn.directory}`)).toBe('ballast\nwg0.conf\n');
      // The file has room now. A folder for temporary files that is full is in nobody's way.
      const scratch = join(vpn.directory, 'full');
      host.run(
        'sh',
        `rm ${vpn.directory}/ballast; mkdir ${scratch}; mount -t tmpfs -o nr_inodes=1 tmpfs ${scratch}`,
      );
      const { code, stdout } = await vpn.reconcile('', { TMPDIR: scratch });
      expect([code, stdout]).toEqual([0, `wg0: update file wg0.conf\nwg0: add peer ${testKey(1)}\n`]);
      expect(fileOnHost()).toContain(testKey(1));
      expect(await vpn.reconcile()).toEqual(NOTHING);

      host.run(`mount -o remount,ro ${vpn.directory}`);
      expect(await vpn.reconcile()).toEqual(NOTHING);
      const at = { url: vpn.url, environment: vpn.environment, via: host.via };
      expect((await uncloud(['doctor', '--hostname', HOST], at)).stdout).toContain(
        `See which with: findmnt --target ${vpn.directory}; lsattr -d ${vpn.directory}`,
      );
      await deleteNetworks(vpn.context, [id]);
      const locked = await vpn.reconcile();
      expect([locked.code, locked.stdout]).toEqual([3, '']);
      expect(locked.stderr).toContain('the file system is read-only');
      expect(vpn.peers()).toContain(testKey(1));
      host.run(`mount -o remount,rw ${vpn.directory}`);
      expect((await vpn.reconcile()).code).toBe(0);
      expect([fileOnHost(), vpn.peers()]).toEqual(before);
    });

    it('follows no link that stands in the place of a file, and a folder only where nobody else may write', async () => {
      await addPool(vpn.context, '2a0a:e5c1:300::/40');
      const precious = join(vpn.folder, 'precious');
      await writeFile(precious, 'precious\n');
      await symlink(precious, join(vpn.directory, 'wg0.conf'));
      const { code, stdout, stderr } = await vpn.reconcile();
      expect([code, stdout.match(/^wg0/m), stdout.match(/^wg1: create link wg1$/m)?.length]).toEqual([
        3,
        null,
        1,
      ]);
      expect(stderr).toContain('wg0.conf" is a symbolic link and was not followed.');
      expect(await readFile(precious, 'utf8')).toBe('precious\n');
      expect(host.run('wg show interfaces').trim()).toBe('wg1');

      const real = join(vpn.folder, 'real');
      await mkdir(real, { mode: 0o700 });
      const link = join(vpn.folder, 'link');
      await symlink(real, link);
      const elsewhere = { UNCLOUD_WIREGUARD_CONFIG_DIRECTORY: link };
      expect((await vpn.reconcile('', elsewhere)).code).toBe(0);
      expect((await stat(join(real, 'wg0.conf'))).mode & 0o7777).toBe(0o600);
      host.run(`chmod 0770 ${real}`);
      const open = await vpn.reconcile('', elsewhere);
      expect([open.code, open.stdout]).toEqual([1, '']);
      expect(open.stderr).toContain('others may write into it (mode 0770)');
    });
  });
});

/** The address of the database for the role of the host, on the host. */
async function roleUrl({ context, folder, url }: VpnLab): Promise<string> {
  const passwordFile = join(folder, 'password');
  const { host } = await grantHost(context, { hostname: HOST, passwordFile });
  const password = (await readFile(passwordFile, 'utf8')).trim();
  return url.replace('postgres:postgres@', `${host.role}:${password}@`);
}
