import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The database; `sqlite:…` or `postgres://…`. */
  readonly url?: string;
  readonly stdin?: string | Uint8Array;
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** A command that runs it, such as `nsenter …`. */
  readonly via?: readonly string[];
}

/** Runs the built program as a child, as a shell would: `await uncloud(['bill', 'list'], { url })`. */
export async function uncloud(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { url, stdin, environment = {}, cwd, via = [] } = options;
  const [command = '', ...rest] = [...via, process.execPath, PROGRAM, ...args];
  const child = spawn(command, rest, {
    cwd,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: '/nonexistent',
      XDG_CACHE_HOME: process.env.XDG_CACHE_HOME ?? '/tmp',
      NODE_ENV: 'production',
      ...(url === undefined ? {} : { UNCLOUD_DATABASE_URL: url }),
      ...environment,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(stdin ?? '');
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() };
}

/** Runs with `--json` and returns the document; fails when the exit code is not the expected one. */
export async function uncloudJson(
  args: readonly string[],
  options: RunOptions & { code?: number } = {},
): Promise<Record<string, unknown>> {
  const { code = 0, ...rest } = options;
  const outcome = await uncloud([...args, '--json'], rest);
  if (outcome.code !== code) {
    throw new Error(
      `${args.join(' ')} ended with ${outcome.code}, not ${code}\n${outcome.stdout}${outcome.stderr}`,
    );
  }
  return JSON.parse(outcome.stdout) as Record<string, unknown>;
}
