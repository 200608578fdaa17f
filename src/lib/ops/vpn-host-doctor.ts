import { refuse, UserError } from '../core/errors.ts';
import { asFinding, doubtful, type Finding, faulty, refused, sound } from '../core/finding.ts';
import type { Hostname } from '../core/hostname.ts';
import { shellWord } from '../core/shell-word.ts';
import { isRoot } from '../io/account.ts';
import { serverClock } from '../io/db/server.ts';
import { findServedRows, type ServedRow } from '../io/db/vpn-host-roles.ts';
import { isWritable, kernelHasWireguard, mayConfigureNetwork, tryUdpPort } from '../io/host-facts.ts';
import { isForwarding } from '../io/host-links.ts';
import { type HostTools, hostTools } from '../io/host-tools.ts';
import { type Opener, openerFor, poolKeyPlace } from '../io/secrets.ts';
import { readDevices } from '../io/wireguard.ts';
import { configPath, safeDirectory } from '../io/wireguard-files.ts';
import type { Context } from './context.ts';

/** WireGuard refuses handshakes that are older than the last one (TAI64N): a clock that was ahead locks clients out. */
const CLOCK_SECONDS = 60;

/** Looks at everything that `uncloud vpn` relies on where it runs, on the VPN host itself. Nothing is changed. */
export async function examineHost(context: Context, hostname: Hostname): Promise<Finding[]> {
  const tools = hostTools(context.run, context.config);
  return [
    ...(await programs(context, tools)),
    ...(await rights(context)),
    await directory(context),
    await wireguard(context),
    await forwarding(),
    ...(await served(context, tools, hostname)),
  ];
}

/** busybox has an `ip` too, which does not know `-json`. */
async function programs({ config }: Context, { ip, wg }: HostTools): Promise<Finding[]> {
  const look = (command: string, work: Promise<string>) =>
    work.then(
      () => sound('tools', command, 'is there and answers'),
      (error: unknown) => asFinding('tools', command, error),
    );
  return [
    await look(
      config['wireguard.ip_command'],
      ip(['-json', 'link', 'show', 'dev', 'lo'], { privileged: false }),
    ),
    await look(config['wireguard.wg_command'], wg(['--version'], { privileged: false })),
  ];
}

async function rights(context: Context): Promise<Finding[]> {
  const { config } = context;
  if (await mayConfigureNetwork()) return [sound('rights', 'interfaces', 'may be configured by us')];
  if (!config['wireguard.use_sudo']) {
    const message =
      'may not be configured: we are not root, lack CAP_NET_ADMIN, and wireguard.use_sudo is off';
    return [faulty('rights', 'interfaces', message, 'Run as root, from the systemd unit, or with sudo.')];
  }
  const findings: Finding[] = [];
  for (const command of commandsOf(context)) {
    const words = command.join(' ');
    try {
      const { code } = await context.run('sudo', ['-n', '-l', ...command]);
      if (code !== 0) {
        const fix = 'Install packaging/sudoers as /etc/sudoers.d/uncloud-vpn; docs/vpn-host.md says how.';
        findings.push(faulty('rights', words, 'sudo does not run it without a password', fix));
      }
    } catch (error) {
      return [asFinding('rights', 'sudo', error)];
    }
  }
  return findings.length > 0 ? findings : [sound('rights', 'sudo', 'runs ip and wg without a password')];
}

/** One of each kind of command that a run gives to sudo. */
function commandsOf({ config }: Context): string[][] {
  const [ip, wg] = [config['wireguard.ip_command'], config['wireguard.wg_command']];
  const protocol = String(config['wireguard.route_protocol']);
  return [
    [ip, 'link', 'add', 'dev', 'wg0', 'type', 'wireguard'],
    [ip, 'link', 'set', 'dev', 'wg0', 'alias', 'uncloud:pool=1'],
    [ip, 'link', 'set', 'dev', 'wg0', 'up'],
    [ip, 'link', 'delete', 'dev', 'wg0'],
    [ip, '-6', 'route', 'replace', '2001:db8::/32', 'dev', 'wg0', 'proto', protocol],
    [wg, 'show', 'all', 'dump'],
    [wg, 'syncconf', 'wg0', configPath(config['wireguard.config_directory'], 'wg0')],
    [wg, 'set', 'wg0', 'peer', `${'A'.repeat(43)}=`, 'allowed-ips', '2001:db8::/48'],
  ];
}

async function directory({ config }: Context): Promise<Finding> {
  const folder = config['wireguard.config_directory'];
  try {
    const real = await safeDirectory(folder);
    if (await isWritable(real)) return sound('directory', folder, 'is closed to others, and ours to write');
    // One that this account may not write to is refused above.
    const word = shellWord(folder);
    const fix = `See which with: findmnt --target ${word}; lsattr -d ${word}`;
    return faulty(
      'directory',
      folder,
      'cannot be written: it is immutable, or its file system read-only',
      fix,
    );
  } catch (error) {
    return asFinding('directory', folder, error);
  }
}

async function wireguard({ run, config }: Context): Promise<Finding> {
  if (await kernelHasWireguard()) return sound('wireguard', 'WireGuard', 'is served by the kernel');
  const program = config['wireguard.userspace_implementation'];
  try {
    await run(program, ['--version']);
    if (!isRoot()) {
      const fix = 'Run uncloud vpn as root here, or boot a kernel with WireGuard: docs/vpn-host.md, step 3.';
      const message = `the kernel has no module for it, and ${program} serves it only for root`;
      return faulty('wireguard', 'WireGuard', message, fix);
    }
    return sound('wireguard', 'WireGuard', `is served by ${program}; the kernel has no module for it`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const fix = `Boot a kernel with WireGuard (Linux 5.6 or newer), or install ${program}.`;
    return faulty('wireguard', 'WireGuard', `neither the kernel nor ${program} serves it`, fix);
  }
}

async function forwarding(): Promise<Finding> {
  if (await isForwarding()) return sound('forwarding', 'IPv6', 'packets are passed on between interfaces');
  const fix =
    'sysctl -w net.ipv6.conf.all.forwarding=1; and the same in a file of /etc/sysctl.d, for the next boot.';
  return faulty('forwarding', 'IPv6', 'the kernel does not pass packets on between interfaces', fix);
}

/** What the database says of this host: its clock, the host's pools, whether their keys open, and their ports. */
async function served(context: Context, { wg }: HostTools, hostname: Hostname): Promise<Finding[]> {
  try {
    const database = await context.db({ anySchema: true });
    const { pools, clock, opener } = await database.read(async (tx) => {
      const pools = await findServedRows(tx, hostname);
      return {
        pools,
        clock: await serverClock(tx),
        // Without a pool there is nothing to be opened, and perhaps no key yet.
        opener: pools.length === 0 ? null : await openerFor(tx, context.config['secrets.key_file']),
      };
    });
    const findings = clock === null ? [] : [clockFinding(clock - context.now)];
    if (opener === null) {
      return [...findings, refused('pools', hostname, refuse.NO_POOL_FOR_HOST({ hostname, hostnames: [] }))];
    }
    const devices = await readDevices(wg).catch(() => null);
    for (const pool of pools) {
      findings.push(keyFinding(pool, opener));
      // Without the rights to look, our own interface would seem to be somebody else.
      if (devices !== null) findings.push(await portFinding(pool, devices.get(pool.interface)?.listenPort));
    }
    return findings;
  } catch (error) {
    return [asFinding('pools', hostname, error)];
  }
}

function keyFinding(pool: ServedRow, opener: Opener): Finding {
  const subject = `pool ${pool.id}, ${pool.network} on ${pool.interface}`;
  try {
    opener.open(pool.private_key, poolKeyPlace(pool.id));
    return sound('pool', subject, 'its private key opens');
  } catch (error) {
    return asFinding('pool', subject, error);
  }
}

async function portFinding(
  { interface: name, listen_port: port }: ServedRow,
  listensOn: number | undefined,
): Promise<Finding> {
  const subject = `UDP port ${port}`;
  if (listensOn === port) return sound('port', subject, `is that of ${name}`);
  switch (await tryUdpPort(port)) {
    case 'free':
      return sound('port', subject, 'is free');
    case 'taken':
      return refused('port', subject, refuse.LISTEN_PORT_IN_USE({ interface: name, port }));
    case 'unknown':
      return doubtful('port', subject, 'cannot be tried by this account', 'See who listens with: ss -lun');
  }
}

/** @param ahead seconds that the clock of the database is ahead of ours */
function clockFinding(ahead: number): Finding {
  const apart = Math.abs(ahead);
  if (apart <= CLOCK_SECONDS) return sound('clock', 'clock', 'agrees with that of the database');
  const message = `is ${apart} seconds ${ahead > 0 ? 'behind' : 'ahead of'} that of the database`;
  return faulty(
    'clock',
    'clock',
    message,
    'Set both by NTP, with chrony for example; clients need a clock that never goes back.',
  );
}
