import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Outcome, uncloud } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { INSIDE, Lab, type Machine, whyNoLab } from '../support/lab.ts';
import { addUser } from '../support/vpn.ts';
import { reachable } from '../support/vpn-lab.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const UNCLOUD = `#!/bin/sh\nexec ${process.execPath} ${ROOT}bin/run.js "$@"\n`;
const NPM = '#!/bin/sh\necho /usr/local/lib/node_modules\n';
/** The commands of the guide that are for another system than this. */
const ALPINE = /# Alpine|^adduser -S/;

describe.runIf(whyNoLab() === null)('the guide', { timeout: 60_000 }, () => {
  describeDatabases(
    'to a VPN host',
    (databases) => {
      let lab: Lab;
      let folder: string;
      beforeEach(async () => {
        lab = await Lab.start(1);
        folder = await mkdtemp(join(databases.folder, 'guide-'));
      });
      afterEach(() => lab.stop());

      it('leads from nothing to a client that is served, to the letter', async () => {
        const guide = await readFile(join(ROOT, 'docs/vpn-host.md'), 'utf8');
        const { host } = lab;
        const [client] = lab.clients;
        if (client === undefined) throw new Error('no client');
        for (const machine of [host, client]) machine.ownSystem();
        await install(host, folder);
        const context = await databases.context();
        await addUser(context, 'nico');

        /** Runs commands of the guide on the main node, one after the other. */
        const onMainNode = async (commands: string) => {
          const said: string[] = [];
          for (const line of commands.trim().split('\n')) {
            const [, ...args] = line.split(' ').map((word) => word.replaceAll('"', ''));
            const environment = { UNCLOUD_SECRETS_KEY_FILE: join(folder, 'secrets.key') };
            said.push(done(await uncloud(args, { url: context.url, environment, cwd: folder })));
          }
          return said.join('');
        };

        const [create = ''] = blocksOf(guide, '1. On the main node');
        const granted = await onMainNode(create);
        const password = (await readFile(join(folder, 'vpn-1.password'), 'utf8')).trim();
        const [, role = ''] = /postgres:\/\/(uncloud_host_vpn_1_[0-9a-f]{12})@/.exec(granted) ?? [];
        expect(role).not.toBe('');

        const [account = '', key = '', config = ''] = blocksOf(guide, '4. Account');
        host.run(
          'sh',
          account.replace(/^.*\n/gm, (line) => (ALPINE.test(line) ? '' : line)),
        );
        host.run(
          'sh',
          key.replace(/^scp .*$/m, `install -m 0644 ${folder}/secrets.key /etc/uncloud/secrets.key`),
        );
        const address = reachable(context.url).replace('postgres:postgres@', `${role}:${password}@`);
        const written = config.replace(/postgres:[^"]*/, address);
        expect(written).toContain(password);
        host.run('sh', /`(install [^`]* \/etc\/uncloud\/config.toml)`/.exec(guide)?.[1] ?? '');
        host.run('sh', `cat >/etc/uncloud/config.toml <<'END'\n${written}END\n`);
        expect(
          host.run('stat -c %U:%a /etc/uncloud/config.toml /etc/uncloud/secrets.key /etc/wireguard'),
        ).toBe('root:640\nroot:640\nuncloud:700\n');

        const [rights = ''] = blocksOf(guide, '5. The rights');
        host.run('sh', rights);
        const [forwarding = ''] = blocksOf(guide, '6. Forwarding');
        host.run('sysctl -qw net.ipv6.conf.all.forwarding=0');
        host.run('ip link add eth0 type veth peer name uplink');
        host.run('sh', forwarding);
        expect(host.run('sysctl -n net.ipv6.conf.all.forwarding net.ipv6.conf.eth0.accept_ra')).toBe(
          '1\n2\n',
        );

        // Without sudo, as the cron of root runs it: its home is closed to the account.
        const crontab = await readFile(join(ROOT, 'packaging/crontab'), 'utf8');
        const [, job = ''] = /^# \* \* \* \* \* +(\S.*)$/m.exec(crontab) ?? [];
        host.run('install -d -m 0700 /etc/root');
        expect(host.run('sh', `export HOME=/etc/root\n${job} --dry-run\n`)).toContain('wg0: create link wg0');

        const [first = ''] = blocksOf(guide, '7. First look');
        const firstRun = servesKernel(host) ? first : first.replaceAll('sudo -u uncloud ', '');
        if (firstRun !== first) host.run('chown root: /etc/wireguard');
        const shown = host.run('sh', `set -e\n${firstRun}`);
        expect(shown).not.toMatch(/^(error|warning)/im);
        expect(shown).toContain('wg0: create link wg0\nwg0: add route 2a0a:e5c1:200::/40');
        expect(shown).toContain('listening port: 51820');
        host.run('chown -R uncloud: /etc/wireguard');
        const serve = 'sudo -u uncloud uncloud vpn --hostname vpn-1.example.net';
        expect(host.try(serve)).toMatchObject({ status: 0, stdout: '', stderr: '' });
        // Without the kernel's WireGuard the account lacks one thing, and nothing else.
        const { stdout: looked } = host.try('sudo -u uncloud uncloud doctor --hostname vpn-1.example.net');
        const faults = looked.split('\n').filter((line) => /^error/i.test(line));
        expect(faults.filter((line) => servesKernel(host) || !line.includes('only for root'))).toEqual([]);

        // The client, as docs/vpn.md has it.
        const manual = await readFile(join(ROOT, 'docs/vpn.md'), 'utf8');
        const [, makeKeys = ''] = /gives us the public one: `([^`]*)`/.exec(manual) ?? [];
        client.run('sh', `cd ${folder}; ${makeKeys} >nico.pub`);
        const publicKey = (await readFile(join(folder, 'nico.pub'), 'utf8')).trim();
        await onMainNode(`uncloud vpn network create --user nico --public-key ${publicKey}`);
        await onMainNode('uncloud vpn network config 1 --private-key-file privatekey --output nico.conf');
        expect(host.try(serve)).toMatchObject({ status: 0, stderr: '' });
        client.run('sh', `echo 'fd00::1 vpn-1.example.net' >>/etc/hosts`);
        client.run(`wg-quick up ${folder}/nico.conf`);
        expect(client.run(`ping -6 -q -c 3 -i 0.1 -W 5 ${INSIDE}`)).toContain(' 0% packet loss');
        client.run('ip address add 2a0a:e5c1:200:1::1/64 dev lo');
        expect(host.run('ping -6 -q -c 1 -W 5 2a0a:e5c1:200:1::1')).toContain(' 0% packet loss');
        client.run(`wg-quick down ${folder}/nico.conf`);

        // The same with the placeholder, which the client replaces.
        const printed = await onMainNode('uncloud vpn network config 1');
        const whole = printed.replace(/REPLACE_\w+/, await privateKeyOf(folder));
        await writeFile(join(folder, 'wg0.conf'), whole, { mode: 0o600 });
        client.run(`wg-quick up ${folder}/wg0.conf`);
        expect(client.run(`ping -6 -q -c 1 -W 5 ${INSIDE}`)).toContain(' 0% packet loss');

        const [stop = '', onMain = '', onHost = ''] = blocksOf(guide, 'Removing a host');
        expect(stop).toContain('disable --now');
        const removed = await onMainNode(onMain.replace('delete 7 8 9', 'delete 1'));
        expect(removed).toContain('2a0a:e5c1:200::/48');
        host.run('sh', `set -e\n${onHost}`);
        expect(host.run('wg show interfaces')).toBe('');
        expect(host.run('ls -A /etc/wireguard /etc/uncloud')).toBe('/etc/uncloud:\n\n/etc/wireguard:\n');
      });
    },
    ['postgresql'],
  );
});

/** The blocks of code of a section of the guide, in order. */
function blocksOf(guide: string, title: string): string[] {
  const section = guide.split(/^## /m).find((text) => text.startsWith(title)) ?? '';
  return [...section.matchAll(/^```(?:sh|toml)\n([^`]*)^```$/gm)].map(([, block = '']) => block);
}

/** Puts the program where npm would, which is not asked for it here. */
async function install(host: Machine, folder: string): Promise<void> {
  for (const [name, script] of Object.entries({ uncloud: UNCLOUD, npm: NPM })) {
    await writeFile(join(folder, name), script);
    host.run(`install -m 0755 ${join(folder, name)} /usr/local/bin/${name}`);
  }
  host.run('sh', `mkdir -p /usr/local/lib/node_modules; ln -s ${ROOT} /usr/local/lib/node_modules/uncloud`);
}

function done({ code, stdout, stderr }: Outcome): string {
  expect({ code, stderr }).toEqual({ code: 0, stderr });
  return stdout + stderr;
}

function servesKernel(host: Machine): boolean {
  return host.try('ip link add probe type wireguard').status === 0 && host.run('ip link delete probe') === '';
}

async function privateKeyOf(folder: string): Promise<string> {
  return (await readFile(join(folder, 'privatekey'), 'utf8')).trim();
}
