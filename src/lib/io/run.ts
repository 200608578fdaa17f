import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { refuse } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';
import { isRoot } from './account.ts';

/** cron's PATH lacks them, and `ip` and `wg` may be there. */
const MORE_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
const SECONDS = 30;
/** Variables that may hold the password of the database; a userspace WireGuard would keep them as long as it runs. */
const OURS = /^(UNCLOUD_|PG)/;

/** How a program is run other than with an empty input, our own rights, and for as long as we wait. */
export interface RunOptions {
  /** What the program reads from its standard input; nothing else is ever there. */
  readonly input?: string;
  /** Needs root: run through `sudo -n` by anybody else, where the configuration allows it. */
  readonly privileged?: boolean;
  /** Starts a service that outlives us: a session of its own, and nothing it says is read. */
  readonly service?: boolean;
}

/** How a program ended: its exit code, null when it was stopped, and all it said. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program without a shell, with messages in English, for at most 30 seconds.
 * Arguments are visible to every user of the machine: secrets go through files of mode 0600.
 * @throws TOOL_MISSING; NOT_PERMITTED where root is needed and there is no sudo; COMMAND_FAILED when it does not
 *   even start
 */
export type Run = (command: string, args: readonly string[], options?: RunOptions) => Promise<Ran>;

/**
 * The only place that starts processes. It uses Node's own module: the run that changes nothing starts two of
 * them each minute, and loading a library for that would cost more than they do.
 * @param show is told each command as it is run
 */
export function runner({
  useSudo,
  show,
}: {
  useSudo: boolean;
  show: ((command: string) => void) | null;
}): Run {
  return async (command, args, { input, privileged = false, service = false } = {}) => {
    const viaSudo = privileged && useSudo && !isRoot();
    const argv = [...(viaSudo ? [locateSudo(command), '-n'] : []), locate(command), ...args];
    show?.(argv.map(shellWord).join(' ') + (input === undefined ? '' : ` <<<${shellWord(input)}`));
    return start(argv, input, service);
  };
}

function start(
  [program = '', ...args]: readonly string[],
  input: string | undefined,
  service: boolean,
): Promise<Ran> {
  const output = service ? 'ignore' : 'pipe';
  const child = spawn(program, args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', output, output],
    env: { ...environment(), PATH: folders().join(':'), LC_ALL: 'C' },
    detached: service,
    timeout: SECONDS * 1000,
    killSignal: 'SIGKILL',
  });
  // A program that ends before it has read all of it says why by itself.
  child.stdin?.on('error', () => {}).end(input);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(refuse.COMMAND_FAILED({ command: program, reason: error.message })),
    );
    child.once('close', (code, signal) => {
      if (signal === 'SIGKILL') stderr.push(Buffer.from(`it was stopped after ${SECONDS} seconds\n`));
      resolve({
        code,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      });
    });
  });
}

function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !OURS.test(name)));
}

function folders(): string[] {
  return [
    ...new Set([...(process.env.PATH ?? '').split(':').filter((folder) => folder !== ''), ...MORE_FOLDERS]),
  ];
}

function locate(command: string): string {
  const candidates = command.includes('/') ? [command] : folders().map((folder) => join(folder, command));
  const found = candidates.find(isExecutable);
  if (found === undefined) throw refuse.TOOL_MISSING({ command });
  return found;
}

function locateSudo(command: string): string {
  try {
    return locate('sudo');
  } catch {
    throw refuse.NOT_PERMITTED({ command, reason: 'sudo is not installed' });
  }
}

function isExecutable(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
