import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isInstalled } from './installed.ts';

/** The namespaces end by themselves when a test run dies before it can end them. */
const LIFETIME_SECONDS = 600;
const COMMAND_SECONDS = 30;
const TOOLS = ['unshare', 'nsenter', 'ip', 'wg', 'wireguard-go', 'ping'];

/** Why the lab cannot run here; null when it can. In CI it has to run. */
export function whyNoLab(): string | null {
  if (process.env.CI !== undefined) return null;
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const missing = TOOLS.filter((tool) => !isInstalled(tool));
  return missing.length > 0 ? `${missing.join(', ')} not installed` : null;
}

/**
 * A machine of the lab: a network namespace, and a mount namespace with a socket directory of its own, which a
 * network namespace alone does not separate.
 */
export class Machine {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  static async start(): Promise<Machine> {
    const script = `mkdir -p /var/run/wireguard && mount -t tmpfs tmpfs /var/run/wireguard &&
      ip link set lo up && echo ready && exec sleep ${LIFETIME_SECONDS}`;
    const holder = spawn('unshare', ['--net', '--mount', 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    await once(holder.stdout, 'data');
    return new Machine(holder);
  }

  get pid(): number {
    return this.#holder.pid ?? 0;
  }

  /** What runs a command on this machine. */
  get via(): string[] {
    return ['nsenter', `--target=${this.pid}`, '--net', '--mount'];
  }

  /** Runs a command and returns what it printed; fails when it does. */
  run(words: string, input = ''): string {
    const { status, stdout, stderr } = this.try(words, input);
    if (status !== 0) throw new Error(`${words} ended with ${status}: ${stderr}`);
    return stdout;
  }

  /** Runs a command, whatever comes of it. */
  try(words: string, input = ''): { status: number | null; stdout: string; stderr: string } {
    const [program = '', ...args] = [...this.via, ...words.split(' ')];
    return spawnSync(program, args, { encoding: 'utf8', input, timeout: COMMAND_SECONDS * 1000 });
  }

  /** Lets this machine change its own system folders: what it writes there goes to memory and ends with it. */
  ownSystem(): void {
    this.run(
      'sh',
      `mkdir /run/wireguard/own
      for folder in etc var/lib usr/local; do
        upper=/run/wireguard/own/$folder; work=/run/wireguard/own/$folder.work
        mkdir -p $upper $work
        mount -t overlay overlay -o lowerdir=/$folder,upperdir=$upper,workdir=$work /$folder || exit 1
      done`,
    );
  }

  /** Starts a command that goes on. */
  start(words: string): ChildProcess & { stdout: NonNullable<ChildProcess['stdout']> } {
    const [program = '', ...args] = [...this.via, ...words.split(' ')];
    return spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** Starts a WireGuard interface in userspace, and gives it its configuration. */
  async serve(name: string, config: string): Promise<void> {
    const [program = '', ...args] = [...this.via, 'wireguard-go', name];
    spawnSync(program, args, { stdio: 'ignore' });
    while (!this.run('wg show interfaces').split(/\s/).includes(name)) await sleep(10);
    this.run(`sh`, `wg setconf ${name} /dev/fd/3 3<<'END'\n${config}\nEND\n`);
    this.run(`ip link set ${name} up`);
  }

  /** The processes that run on this machine, but for the one that holds it. */
  processes(): number[] {
    const own = namespaceOf(this.pid);
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
      .filter((pid) => pid !== this.pid && namespaceOf(pid) === own);
  }

  /** Ends every process of this machine, and with the last of them the machine. */
  async stop(): Promise<void> {
    for (const pid of this.processes()) kill(pid);
    if (this.#holder.exitCode !== null) return;
    const ended = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await ended;
  }
}

/** Ends a process at once. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
}

/** The address of the host that clients ping through their tunnels. */
export const INSIDE = 'fd00:ffff::1';

/** A host with clients around it, each on a cable of its own: client *n* reaches it at `fd00:n::1`. */
export class Lab {
  readonly host: Machine;
  readonly clients: readonly Machine[];

  private constructor(host: Machine, clients: readonly Machine[]) {
    this.host = host;
    this.clients = clients;
  }

  static async start(clientCount: number): Promise<Lab> {
    const [host, ...clients] = await Promise.all(
      Array.from({ length: clientCount + 1 }, () => Machine.start()),
    );
    if (host === undefined) throw new Error('no host');
    host.run('sysctl -qw net.ipv6.conf.all.forwarding=1');
    host.run(`ip address add ${INSIDE}/128 dev lo`);
    for (const [at, client] of clients.entries()) {
      host.run(`ip link add cable${at} type veth peer name cable netns ${client.pid}`);
      host.run(`ip address add fd00:${at}::1/64 dev cable${at} nodad`);
      host.run(`ip link set cable${at} up`);
      // A client that nobody uses says nothing: what it sent by itself could begin a session anew.
      client.run('sysctl -qw net.ipv6.conf.default.router_solicitations=0');
      client.run(`ip address add fd00:${at}::2/64 dev cable nodad`);
      client.run('ip link set cable up');
    }
    return new Lab(host, clients);
  }

  async stop(): Promise<void> {
    await Promise.all([this.host, ...this.clients].map((machine) => machine.stop()));
  }
}
