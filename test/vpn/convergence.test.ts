import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/lib/core/errors.ts';
import { parseHostname } from '../../src/lib/core/hostname.ts';
import { parseInterfaceName, parseListenPort } from '../../src/lib/core/interface-name.ts';
import { formatPrefix } from '../../src/lib/core/prefix.ts';
import { deleteNetworks, rotateNetworkKey } from '../../src/lib/ops/vpn-networks.ts';
import { deletePool, listPools, rotatePoolKey, updatePool } from '../../src/lib/ops/vpn-pools.ts';
import { describeDatabases } from '../support/databases.ts';
import { kill, whyNoLab } from '../support/lab.ts';
import { listNetworks } from '../support/lists.ts';
import { testKey } from '../support/served-pool.ts';
import { addNetwork, addPool, HOST } from '../support/vpn.ts';
import { VpnLab } from '../support/vpn-lab.ts';

/** Set both for a long night with other histories. */
const ROUNDS = Number(process.env.CONVERGENCE_ROUNDS ?? 60);
const SEED = Number(process.env.CONVERGENCE_SEED ?? 1);

const ELSEWHERE = parseHostname('vpn-2.example.net');
const EVERY = { username: undefined, poolId: undefined };

describe.runIf(whyNoLab() === null)('a host', { timeout: 590_000 }, () => {
  describeDatabases(
    'whatever befalls it',
    (databases) => {
      let vpn: VpnLab;
      let keys = 100;
      beforeEach(async () => {
        vpn = await VpnLab.start(databases, 1);
      });
      afterEach(() => vpn.stop());

      const sh = (script: string) => vpn.host.run('sh', script);
      const interfaces = () => vpn.host.run('wg show interfaces').split(/\s+/).filter(Boolean);
      const pools = () => listPools(vpn.context, undefined);
      const networks = () => listNetworks(vpn.context, EVERY);
      const ofPeer = (name: string, which: number, damage: (peer: string) => void) => {
        const peer = pick(vpn.peers(name), which);
        if (peer !== undefined) damage(peer);
      };
      const inFile = async (name: string, damage: (text: string) => string) => {
        const file = join(vpn.directory, `${name}.conf`);
        const text = await readFile(file, 'utf8').catch(() => null);
        if (text !== null) await writeFile(file, damage(text));
      };

      /** What people do to an interface of ours, or what happens to it. */
      const damages: Record<string, (name: string, which: number) => unknown> = {
        'link down': (name) => sh(`ip link set ${name} down`),
        'link deleted': (name) => sh(`ip link delete ${name}`),
        'another port': (name, which) => vpn.host.try(`wg set ${name} listen-port ${40_000 + (which % 6)}`),
        'another key': (name) =>
          sh(`wg genkey | (cat >/run/wireguard/k; wg set ${name} private-key /run/wireguard/k)`),
        'a peer of nobody': (name) => sh(`wg set ${name} peer ${testKey(9)} allowed-ips 2a0a:e5c1:2ff::/48`),
        'a peer in the place of a client': async (name, which) => {
          const network = pick(await networks(), which);
          if (network !== undefined) sh(`wg set ${name} peer ${testKey(10)} allowed-ips ${network.network}`);
        },
        'a peer gone': (name, which) =>
          ofPeer(name, which, (peer) => sh(`wg set ${name} peer ${peer} remove`)),
        'a peer with every network': (name, which) =>
          ofPeer(name, which, (peer) =>
            sh(`wg set ${name} peer ${peer} allowed-ips 2a0a:e5c1:2fe::/48,::/0`),
          ),
        'a peer without a network': (name, which) =>
          ofPeer(name, which, (peer) => sh(`wg set ${name} peer ${peer} allowed-ips ""`)),
        'a preshared key': (name, which) =>
          ofPeer(name, which, (peer) => {
            sh(`wg genpsk | (cat >/run/wireguard/p
              wg set ${name} peer ${peer} preshared-key /run/wireguard/p)`);
          }),
        'no route': (name) => vpn.host.try(`ip -6 route flush dev ${name} proto 188`),
        'a route of nobody': (name) =>
          vpn.host.try(`ip -6 route add 2a0a:e5c1:f00::/40 dev ${name} proto 188`),
        'the route of another pool': async (name, which) => {
          const pool = pick(await pools(), which);
          if (pool !== undefined)
            vpn.host.try(`ip -6 route add ${formatPrefix(pool.prefix)} dev ${name} proto 188`);
        },
        'no file': (name) => rm(join(vpn.directory, `${name}.conf`), { force: true }),
        'half a file': (name, which) =>
          // Without its first line it would be somebody else's.
          inFile(name, (text) => text.slice(0, Math.max(text.indexOf('\n') + 1, (which * 7) % text.length))),
        'an edited file': (name) => inFile(name, (text) => text.replaceAll('::/48', '::/49')),
        'wireguard-go killed': async () => {
          for (const pid of vpn.host.processes()) {
            if ((await programOf(pid)).startsWith('wireguard-go')) kill(pid);
          }
          while (interfaces().length > 0) await sleep(10);
        },
      };

      /** What staff do to the database. */
      const changes: Record<string, (which: number) => unknown> = {
        'a network': async (which) => {
          const pool = pick(await pools(), which);
          await addNetwork(vpn.context, testKey(keys++), { poolId: pool?.id ?? null });
        },
        'a network back': async (which) => {
          const network = pick(await networks(), which);
          if (network !== undefined) await deleteNetworks(vpn.context, [network.id]);
        },
        'the key of a network': async (which) => {
          const network = pick(await networks(), which);
          if (network !== undefined) await rotateNetworkKey(vpn.context, network.id, testKey(keys++));
        },
        'the keys of two networks': async (which) => {
          const [one, other] = [pick(await networks(), which), pick(await networks(), which + 1)];
          if (one === undefined || other === undefined || one.id === other.id) return;
          await rotateNetworkKey(vpn.context, one.id, testKey(keys++));
          await rotateNetworkKey(vpn.context, other.id, one.publicKey);
        },
        'a pool': (which) => addPool(vpn.context, `2a0a:e5c1:${3 + (which % 6)}00::/40`),
        'a pool gone': async (which) => {
          if (await isLastPool()) return;
          await ofPool(which, (id) => deletePool(vpn.context, id));
        },
        'the key of a pool': (which) => ofPool(which, (id) => rotatePoolKey(vpn.context, id, null)),
        'the port of a pool': (which) =>
          ofPool(which, (id) =>
            updatePool(vpn.context, id, { listenPort: parseListenPort(String(40_000 + (which % 6))) }),
          ),
        'the interface of a pool': (which) =>
          ofPool(which, (id) =>
            updatePool(vpn.context, id, { interface: parseInterfaceName(`wg${which % 5}`) }),
          ),
        'the host of a pool': async (which) => {
          if (which % 3 === 0 && (await isLastPool())) return;
          await ofPool(which, (id) =>
            updatePool(vpn.context, id, { hostname: which % 3 === 0 ? ELSEWHERE : HOST }),
          );
        },
      };
      /** A host for which there is no pool is left as it is. */
      const isLastPool = async () => (await listPools(vpn.context, HOST)).length < 2;
      const ofPool = async (which: number, change: (id: number) => Promise<unknown>) => {
        const pool = pick(await pools(), which);
        if (pool !== undefined) await change(pool.id);
      };

      const befall = async (what: string, which: number) => {
        try {
          const name = pick(interfaces(), which);
          if (what in changes) await changes[what]?.(which);
          else if (name !== undefined) await damages[what]?.(name, which);
        } catch (error) {
          // A pool that is taken, full, or in use.
          if (!(error instanceof UserError)) throw error;
        }
      };

      /** The host is what the database says: links, ports, keys, peers, routes and files, and nothing else of ours. */
      const expectServed = async () => {
        const served = await listPools(vpn.context, HOST);
        const lines = vpn.host.run('wg show all dump').split('\n').filter(Boolean);
        const found = lines
          .map((line) => line.split('\t'))
          .map((fields) => fields.filter((_, at) => SHOWN[fields.length]?.includes(at)));
        const wanted = [];
        for (const pool of served) {
          wanted.push([pool.interface, pool.publicKey, String(pool.listenPort)]);
          for (const { publicKey, network } of await listNetworks(vpn.context, {
            ...EVERY,
            poolId: pool.id,
          })) {
            wanted.push([pool.interface, publicKey, '(none)', network]);
          }
        }
        expect(sorted(found)).toEqual(sorted(wanted));
        const routes = vpn.host.run('ip -6 route show proto 188').split('\n').filter(Boolean);
        expect(sorted(routes.map((line) => line.split(' ').slice(0, 3).join(' ')))).toEqual(
          sorted(served.map(({ prefix, interface: name }) => `${formatPrefix(prefix)} dev ${name}`)),
        );
        expect(sorted(await readdir(vpn.directory))).toEqual(
          sorted(served.map((pool) => `${pool.interface}.conf`)),
        );
        for (const pool of served) {
          const link = vpn.host.run(`ip link show ${pool.interface}`);
          expect(link).toMatch(/[<,]UP[,>]/);
          expect(link).toContain(`alias uncloud:pool=${pool.id}`);
          const file = await vpn.fileOf(pool.interface);
          const lent = await listNetworks(vpn.context, { ...EVERY, poolId: pool.id });
          expect(file.match(/^(?:ListenPort|PublicKey|AllowedIPs) = .*$/gm)).toEqual([
            `ListenPort = ${pool.listenPort}`,
            ...lent.flatMap(({ publicKey, network }) => [
              `PublicKey = ${publicKey}`,
              `AllowedIPs = ${network}`,
            ]),
          ]);
        }
      };

      it('is what the database says after one run, and the next one finds nothing to do', async () => {
        const names = [...Object.keys(damages), ...Object.keys(changes)];
        const event = fc.tuple(fc.constantFrom(...names), fc.nat({ max: 999 }));
        const rounds = fc.sample(fc.array(event, { minLength: 1, maxLength: 4 }), {
          numRuns: ROUNDS,
          seed: SEED,
        });
        for (const [round, events] of rounds.entries()) {
          const isMoved = events.some(([what]) => MOVES.has(what));
          for (const [what, which] of events) if (!(isMoved && what === 'no file')) await befall(what, which);
          const story = `seed ${SEED}, round ${round}: ${events.map(([what]) => what).join(', ')}`;
          const first = await vpn.op({}, { prune: true });
          expect(
            { error: first?.error, refused: first?.outcomes.flatMap(({ refused }) => refused) },
            story,
          ).toEqual({
            error: null,
            refused: [],
          });
          await expectServed().catch((error: Error) => {
            throw new Error(`${story}: ${error.message}`, { cause: error });
          });
          const second = await vpn.op({}, { prune: true });
          expect(
            second?.outcomes.flatMap((outcome) => outcome.changes),
            story,
          ).toEqual([]);
        }
      });
    },
    ['sqlite'],
  );
});

/** After these the link before is found by its file. */
const MOVES: ReadonlySet<string> = new Set(['a pool gone', 'the interface of a pool', 'the host of a pool']);

/** Of a line of `wg show all dump`, by its length: interface, public key and port; of a peer also preshared key and networks. */
const SHOWN: Readonly<Record<number, readonly number[]>> = { 5: [0, 2, 3], 9: [0, 1, 2, 4] };

function pick<T>(items: readonly T[], which: number): T | undefined {
  return items[which % items.length];
}

function sorted<T>(items: readonly T[]): T[] {
  return items.toSorted((one, other) => (String(one) < String(other) ? -1 : 1));
}

async function programOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
}
