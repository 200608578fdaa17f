import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generatePrivateKey, publicKeyOf } from '../../src/lib/io/wireguard-keys.ts';
import { uncloud } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';
import { whyNoLab } from '../support/lab.ts';
import { addNetwork, HOST } from '../support/vpn.ts';
import { VpnLab } from '../support/vpn-lab.ts';

describe.runIf(whyNoLab() === null)('private keys', { timeout: 60_000 }, () => {
  describeDatabases(
    'on a host',
    (databases) => {
      let vpn: VpnLab;
      let tools: string;

      beforeEach(async () => {
        vpn = await VpnLab.start(databases, 1);
        tools = join(vpn.folder, 'tools');
        await mkdir(tools);
        for (const tool of ['ip', 'wg']) {
          // Tells what it is given, and what it is given to read, and fails when it is told to.
          const script = `#!/bin/sh
{ printf '%s\n' "$0 $*"; case "$*" in *stdin*) cat;; esac; tr '\\0' '\n' </proc/$PPID/cmdline; } >>${tools}/log
[ -e ${tools}/fail ] && case "$*" in *show*|*-batch*) ;; *) echo "$(cat ${tools}/fail) $*" >&2; exit 1;; esac
exec ${tool} "$@"
`;
          await writeFile(join(tools, tool), script, { mode: 0o755 });
        }
      });
      afterEach(() => vpn.stop());

      it('are in the file with mode 0600 and nowhere else, whatever happens', async () => {
        const { context, host, folder, directory } = vpn;
        const canaries = {
          first: generatePrivateKey(),
          second: generatePrivateKey(),
          client: generatePrivateKey(),
        };
        for (const [name, key] of Object.entries(canaries)) {
          await writeFile(join(folder, `${name}.secret`), `${key}\n`, { mode: 0o600 });
        }
        const environment = {
          ...vpn.environment,
          UNCLOUD_DATABASE_URL: vpn.url,
          UNCLOUD_LOGGING_FILE: join(folder, 'uncloud.log'),
          UNCLOUD_WIREGUARD_IP_COMMAND: join(tools, 'ip'),
          UNCLOUD_WIREGUARD_WG_COMMAND: join(tools, 'wg'),
          HOME: join(folder, 'home'),
          XDG_CACHE_HOME: join(folder, 'cache'),
          TMPDIR: folder,
        };
        const said: string[] = [];
        const run = async (words: string, code: number, replaced: Record<string, string> = {}) => {
          for (const format of ['-vvv', '--json']) {
            const args = [...words.split(' '), format];
            const outcome = await uncloud(args, {
              environment: { ...environment, ...replaced },
              via: host.via,
            });
            expect([args, outcome.code, outcome.stderr]).toEqual([args, code, outcome.stderr]);
            said.push(outcome.stdout, outcome.stderr);
          }
        };
        const serve = `vpn --hostname ${HOST}`;
        const { id } = await addNetwork(context, publicKeyOf(canaries.client));
        await uncloud(
          ['vpn', 'pool', 'rotate-key', '1', '--private-key-file', join(folder, 'first.secret'), '--yes'],
          {
            environment,
          },
        );
        await run(`${serve} --dry-run`, 0);
        await run(serve, 0);
        await run(`vpn status --hostname ${HOST}`, 0);
        await run(`doctor --hostname ${HOST}`, 0);
        await run(`vpn pool show 1`, 0);
        await run('vpn pool rotate-key 1 --private-key-file no.secret --yes', 1);
        expect(await vpn.fileOf()).toContain(canaries.first);

        // Another key by hand, a peer with a preshared key, a file that was opened and edited.
        host.run(
          'sh',
          `wg set wg0 private-key ${folder}/second.secret listen-port 1
        chmod 0644 ${directory}/wg0.conf; sed -i 's/^ListenPort.*/ListenPort = 2/' ${directory}/wg0.conf`,
        );
        await writeFile(join(tools, 'fail'), 'Line unrecognized:');
        await run(serve, 3);
        await writeFile(join(tools, 'fail'), 'Operation not permitted:');
        await run(serve, 3);
        host.run(`rm ${tools}/fail`);
        await run(serve, 0);
        // Secrets that do not open, a database that is away, a port that is taken, a row that is wrong.
        await run(serve, 1, { UNCLOUD_SECRETS_KEY_FILE: join(folder, 'client.secret') });
        await run(serve, 75, { UNCLOUD_DATABASE_URL: 'postgres://uncloud@127.0.0.1:1/uncloud' });
        await run(serve, 1, { UNCLOUD_WIREGUARD_WG_COMMAND: join(tools, 'none') });
        host.run('ip link delete wg0');
        await host.serve(
          'wg7',
          `[Interface]\nPrivateKey = ${canaries.second}\nListenPort = ${vpn.pool.listenPort}`,
        );
        await run(serve, 3);
        host.run('ip link delete wg7');
        const { kysely } = await context.db();
        await sql`update vpn_pools set private_key = ${`v1:${canaries.first}`}`.execute(kysely);
        await run(serve, 3);
        await run(`doctor --hostname ${HOST}`, 1);
        await run(`vpn network config ${id} --private-key-file ${join(folder, 'first.secret')}`, 1);
        await run(`vpn network show ${id}`, 0);

        const texts = [...said, await readFile(join(tools, 'log'), 'utf8')];
        expect(texts.join('\n')).toContain('syncconf');
        const files = await filesBelow(folder, directory);
        expect(files.map(({ name }) => name)).toContain('uncloud.log');
        for (const key of Object.values(canaries)) {
          const forms = [
            key.slice(0, -1),
            Buffer.from(key, 'base64').toString('hex'),
            Buffer.from(key, 'base64'),
          ];
          for (const form of forms) {
            expect(texts.filter((text) => Buffer.from(text).includes(form))).toEqual([]);
            const holders = files.filter(({ content }) => content.includes(form));
            expect(
              holders.filter(({ name, mode }) => mode !== 0o600 || !/^wg0\.conf$|\.secret$/.test(name)),
            ).toEqual([]);
          }
        }
      });
    },
    ['sqlite'],
  );
});

/** Every file below some folders, with what is in it. */
async function filesBelow(...folders: string[]) {
  const entries = await Promise.all(
    folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })),
  );
  return Promise.all(
    entries
      .flat()
      .filter((entry) => entry.isFile())
      .map(async ({ name, parentPath }) => ({
        name,
        mode: (await stat(join(parentPath, name))).mode & 0o7777,
        content: await readFile(join(parentPath, name)),
      })),
  );
}
