import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StoredPool } from '../../src/lib/io/db/vpn-pools.ts';
import { generatePrivateKey, publicKeyOf } from '../../src/lib/io/wireguard-keys.ts';
import type { HostRequest } from '../../src/lib/ops/vpn-host.ts';
import { type Outcome, uncloud } from './cli.ts';
import type { TestContext, TestDatabases } from './databases.ts';
import type { HostAnswer, HostCall } from './host-worker.ts';
import { INSIDE, Lab, type Machine } from './lab.ts';
import { addNetwork, addPool, addUser, HOST } from './vpn.ts';

const WORKER = fileURLToPath(new URL('./host-worker.ts', import.meta.url));

/** The prefix of the lab's first pool, from which each client has a network. */
export const POOL = '2a0a:e5c1:200::/40';

/** A host of the lab, its database, and clients that are set up and wait to be served. */
export class VpnLab {
  readonly lab: Lab;
  readonly context: TestContext;
  readonly pool: StoredPool;
  /** Where the WireGuard files of the host are. */
  readonly directory: string;
  /** A folder for whatever else a test needs. */
  readonly folder: string;
  #worker: ChildProcess | undefined;

  private constructor(lab: Lab, context: TestContext, pool: StoredPool, folders: [string, string]) {
    this.lab = lab;
    this.context = context;
    this.pool = pool;
    [this.directory, this.folder] = folders;
  }

  static async start(databases: TestDatabases, clientCount = 2): Promise<VpnLab> {
    const lab = await Lab.start(clientCount);
    try {
      const context = await databases.context();
      const directory = await mkdtemp(join(databases.folder, 'wireguard-'));
      const folder = await mkdtemp(join(databases.folder, 'lab-'));
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
      return new VpnLab(lab, context, pool, [directory, folder]);
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#worker?.disconnect();
    await this.lab.stop();
  }

  get host(): Machine {
    return this.lab.host;
  }

  /** The client with the first network. */
  get client(): Machine {
    const [client] = this.lab.clients;
    if (client === undefined) throw new Error('no client');
    return client;
  }

  /** The address of the database on the host. */
  get url(): string {
    return reachable(this.context.url);
  }

  /** What tells the program where everything is. */
  get environment(): Record<string, string> {
    return {
      UNCLOUD_WIREGUARD_CONFIG_DIRECTORY: this.directory,
      UNCLOUD_SECRETS_KEY_FILE: this.context.config['secrets.key_file'],
    };
  }

  /** Runs `uncloud vpn` for this host. */
  reconcile(
    words = '',
    environment: Record<string, string> = {},
    via: readonly string[] = this.host.via,
  ): Promise<Outcome> {
    return uncloud(['vpn', '--hostname', HOST, ...words.split(' ').filter(Boolean)], {
      url: this.url,
      environment: { ...this.environment, ...environment },
      via,
    });
  }

  /**
   * Runs the same in a process that stays, on the host.
   * @returns null when a fault killed it
   */
  async op(call: Partial<HostCall> = {}, request: Partial<HostRequest> = {}): Promise<HostAnswer | null> {
    const worker = this.#worker ?? this.#startWorker();
    this.#worker = worker;
    const answer = new Promise<HostAnswer | null>((resolve) => {
      const ended = () => {
        this.#worker = undefined;
        resolve(null);
      };
      worker.once('exit', ended);
      worker.once('message', (message) => {
        worker.off('exit', ended);
        resolve(message as HostAnswer);
      });
    });
    const whole: HostRequest = {
      hostname: HOST,
      directory: this.directory,
      renderOnly: false,
      dryRun: false,
      prune: false,
      ...request,
    };
    worker.send({ url: this.url, keyFile: this.context.config['secrets.key_file'], request: whole, ...call });
    return answer;
  }

  #startWorker(): ChildProcess {
    const [program = '', ...args] = [...this.host.via, process.execPath, WORKER];
    return spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  /** Lets a client forget its session, which one that was interrupted does only after some seconds. */
  reconnect(client: Machine = this.client): void {
    client.run('sh', 'wg showconf wg0 >/run/wireguard/c && wg setconf wg0 /run/wireguard/c');
  }

  /** Pings the host through the tunnel of a client. */
  ping(client: Machine = this.client, words = '-c 1 -W 5'): string {
    return client.run(`ping -6 -q ${words} ${INSIDE}`);
  }

  /** The public keys that an interface of the host serves. */
  peers(name = 'wg0'): string[] {
    return this.host.run(`wg show ${name} peers`).split('\n').filter(Boolean).sort();
  }

  /** The text of a WireGuard file of the host. */
  fileOf(name = 'wg0'): Promise<string> {
    return readFile(join(this.directory, `${name}.conf`), 'utf8');
  }
}

/** The same database by its Unix socket: a network namespace has a loopback of its own. */
export function reachable(url: string): string {
  return url.replace(/@127\.0\.0\.1:(\d+)\/(.*)$/, '@localhost:$1/$2?host=/tmp');
}
