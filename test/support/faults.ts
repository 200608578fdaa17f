import { type FileHandle, open } from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Run } from '../../src/lib/io/run.ts';

/** What happens at an operation: it fails, it takes effect and then fails, or the process is killed before it. */
export type Moment = 'before' | 'after' | 'killed';

/** Which operation goes wrong; the first is 1. */
export interface Fault {
  readonly at: number;
  readonly moment: Moment;
}

/** Counts what a piece of work asks of files and programs, and lets one such operation go wrong. */
export class Operations {
  /** What was asked, in order: `rename`, `file.sync`, `wg addconf`. */
  readonly names: string[] = [];
  readonly #fault: Fault | null;

  constructor(fault: Fault | null) {
    this.#fault = fault;
  }

  /** Whether the operation that was to go wrong has come. */
  get wasHit(): boolean {
    return this.#fault !== null && this.names.length >= this.#fault.at;
  }

  /**
   * @param fail ends the operation as a failure, after what it did when it took effect
   * @returns what the operation gives
   */
  async around<T>(name: string, operation: () => Promise<T>, fail: (done?: T) => Promise<T> | T): Promise<T> {
    this.names.push(name);
    if (this.names.length !== this.#fault?.at) return operation();
    if (this.#fault.moment === 'killed') process.kill(process.pid, 'SIGKILL');
    return this.#fault.moment === 'after' ? fail(await operation()) : fail();
  }

  /** Programs, as an op is given them to run. */
  run(run: Run): Run {
    return (command, args, options) => {
      const words = [command.replace(/.*\//, ''), ...args.filter((word) => !word.startsWith('-'))];
      const fail = () => ({ code: 1, stdout: '', stderr: 'injected failure\n' });
      return this.around(words.slice(0, 3).join(' '), () => run(command, args, options), fail);
    };
  }

  /** Does the work while every function of `node:fs/promises` and every method of an open file is counted. */
  async files<T>(work: () => Promise<T>): Promise<T> {
    const undo = [this.#count('', fileFunctions()), this.#count('file.', await handleMethods())];
    syncBuiltinESMExports();
    try {
      return await work();
    } finally {
      for (const restore of undo) restore();
      syncBuiltinESMExports();
    }
  }

  /** Puts a counting function in the place of each, and returns what puts the old ones back. */
  #count(
    prefix: string,
    { owner, names }: { owner: Record<string, Operation>; names: string[] },
  ): () => void {
    const originals = names.map((name) => [name, owner[name]] as const);
    const operations = this;
    for (const [name, original] of originals) {
      if (original === undefined) continue;
      owner[name] = function (this: unknown, ...args) {
        return operations.around(prefix + name, () => original.apply(this, args), failFile);
      };
    }
    return () => Object.assign(owner, Object.fromEntries(originals));
  }
}

type Operation = (...args: unknown[]) => Promise<unknown>;

function fileFunctions() {
  const owner = createRequire(import.meta.url)('node:fs/promises') as Record<string, Operation>;
  const names = ['access', 'appendFile', 'chmod', 'copyFile', 'link', 'lstat', 'mkdir', 'mkdtemp', 'open'];
  names.push('readFile', 'readdir', 'readlink', 'realpath', 'rename', 'rm', 'stat', 'unlink', 'writeFile');
  return { owner, names };
}

async function handleMethods() {
  const handle = await open('/dev/null');
  await handle.close();
  const owner = Object.getPrototypeOf(handle) as Record<string, Operation>;
  // An open file always closes: a close that fails has closed all the same (close(2)).
  return { owner, names: ['chmod', 'readFile', 'stat', 'sync', 'write', 'writeFile'] };
}

async function failFile(done?: unknown): Promise<never> {
  if (isHandle(done)) await done.close();
  throw Object.assign(new Error('EIO: i/o error, injected'), { code: 'EIO', errno: -5 });
}

function isHandle(value: unknown): value is FileHandle {
  return typeof value === 'object' && value !== null && 'fd' in value && 'close' in value;
}
