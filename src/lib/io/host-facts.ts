import { createSocket } from 'node:dgram';
import { access, constants, readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { readIfPresent } from './files.ts';

/** Position of CAP_NET_ADMIN in the sets of /proc/PID/status (capabilities(7)). */
const CAP_NET_ADMIN = 12n;

/** Whether this process may configure interfaces: root may, and who was given that capability. */
export async function mayConfigureNetwork(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8');
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

/** Whether the kernel serves WireGuard: the module is loaded, built in, or there to be loaded. */
export async function kernelHasWireguard(): Promise<boolean> {
  if (await isThere('/sys/module/wireguard', constants.F_OK)) return true;
  for (const list of ['modules.builtin', 'modules.dep']) {
    const modules = await readIfPresent(`/lib/modules/${release()}/${list}`);
    if (modules?.includes('/wireguard.ko') === true) return true;
  }
  return false;
}

/** Whether files can be made in a folder. */
export function isWritable(folder: string): Promise<boolean> {
  return isThere(folder, constants.W_OK | constants.X_OK);
}

/** Whether somebody listens on a UDP port, of IPv6 or IPv4; unknown where this account may not try. */
export function tryUdpPort(port: number): Promise<'free' | 'taken' | 'unknown'> {
  const socket = createSocket('udp6');
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code === 'EADDRINUSE' ? 'taken' : 'unknown');
    });
    socket.bind(port, () => socket.close(() => resolve('free')));
  });
}

async function isThere(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
