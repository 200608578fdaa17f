import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { refuse } from '../core/errors.ts';

const WAIT_SECONDS = 30;
const RETRY_MILLISECONDS = 50;

/**
 * Runs `work` while no other process works in the same directory.
 * The lock is a listening socket in Linux's abstract namespace (unix(7)): it is no file, and the kernel frees its
 * name when the process ends, however it ends. Each network namespace has names of its own.
 * @param directory its real path
 * @throws HOST_BUSY when another process does not finish within `waitSeconds`
 */
export async function withHostLock<T>(
  directory: string,
  work: () => Promise<T>,
  waitSeconds: number = WAIT_SECONDS,
): Promise<T> {
  const name = `\0uncloud-vpn-${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`;
  let held = await listen(name);
  for (let waited = 0; held === null; waited += RETRY_MILLISECONDS) {
    if (waited >= waitSeconds * 1000) throw refuse.HOST_BUSY({ directory, seconds: waitSeconds });
    await sleep(RETRY_MILLISECONDS);
    held = await listen(name);
  }
  try {
    return await work();
  } finally {
    held.close();
  }
}

/** Takes the name; null when another process has it. */
function listen(name: string): Promise<Server | null> {
  const server = createServer((connection) => connection.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    server.listen(name, () => resolve(server));
  });
}
