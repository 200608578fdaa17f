import { type FileHandle, open } from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Run } from '../../src/lib/io/run.ts';

/** What happens at an operation: it fails, it takes effect and then fails, or the process is killed before it. */
export type Moment = 'before' | 'after' | 'killed';

/** Which operation goes wrong: by its number, the first is 1, or by its name. */
export interface Fault {
  readonly at: number | string;
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
    if (this.#fault === null) return false;
    const { at } = this.#fault;
    return typeof at === 'string' ? this.names.includes(at) : this.names.length >= at;
  }

  /** Programs, as an op is given them to run. */
  run(run: Run): Run {
    return async (command, args, options) => {
      const words = [command.replace(/.*\//, ''), ...args.filter((word) => !word.startsWith('-'))];
      const moment = this.#begin(words.slice(0, 3).join(' '));
      if (moment === null) return run(command, args, options);
      if (moment === 'after') await run(command, args, options);
      return { code: 1, stdout: '', stderr: 'injected failure\n' };
    };
  }

  /** Counts a statement, at which the process can be killed. */
  statement(sql: string): void {
    this.#begin(sql);
  }

  /** Does the work while every function of `node:fs` and every method of an open file is counted. */
  async files<T>(work: () => Promise<T>): Promise<T> {
    const undo = [
      this.#count(FUNCTIONS, moduleOf('node:fs/promises'), ''),
      this.#count(METHODS, await handleMethods(), 'file.'),
      this.#count(SYNCHRONOUS, moduleOf('node:fs'), ''),
    ];
    syncBuiltinESMExports();
    try {
      return await work();
    } finally {
      for (const restore of undo) restore();
      syncBuiltinESMExports();
    }
  }

  /** Counts an operation, and says what is to go wrong with it; null: nothing. */
  #begin(name: string): 'before' | 'after' | null {
    this.names.push(name);
    if (this.#fault === null || ![name, this.names.length].includes(this.#fault.at)) return null;
    if (this.#fault.moment === 'killed') process.kill(process.pid, 'SIGKILL');
    return this.#fault.moment === 'after' ? 'after' : 'before';
  }

  /** Puts a counting function in the place of each, and returns what puts the old ones back. */
  #count(names: readonly string[], owner: Record<string, Operation>, prefix: string): () => void {
    const originals = names.map((name) => [name, owner[name]] as const);
    const operations = this;
    for (const [name, original] of originals) {
      if (original === undefined) throw new Error(`there is no ${name}`);
      owner[name] = function (this: unknown, ...args) {
        if (isCode(args[0])) return original.apply(this, args);
        const moment = operations.#begin(prefix + name);
        if (moment === null) return original.apply(this, args);
        const done = moment === 'after' ? original.apply(this, args) : undefined;
        if (name.endsWith('Sync')) throw failure();
        return failAfter(done);
      };
    }
    return () => Object.assign(owner, Object.fromEntries(originals));
  }
}

type Operation = (...args: unknown[]) => unknown;

const FUNCTIONS = [
  ...['access', 'appendFile', 'chmod', 'copyFile', 'link', 'lstat', 'mkdir', 'mkdtemp', 'open', 'readFile'],
  ...['readdir', 'readlink', 'realpath', 'rename', 'rm', 'stat', 'unlink', 'writeFile'],
];
/** An open file always closes: a close that fails has closed all the same (close(2)). */
const METHODS = ['chmod', 'read', 'readFile', 'stat', 'sync', 'write', 'writeFile'];
const SYNCHRONOUS = ['fstatSync', 'lstatSync', 'openSync', 'readFileSync', 'renameSync', 'unlinkSync'];

function moduleOf(name: string): Record<string, Operation> {
  return createRequire(import.meta.url)(name) as Record<string, Operation>;
}

async function handleMethods(): Promise<Record<string, Operation>> {
  const handle = await open('/dev/null');
  await handle.close();
  return Object.getPrototypeOf(handle) as Record<string, Operation>;
}

/** What Node itself reads to load a module is no part of the work. */
function isCode(path: unknown): boolean {
  return typeof path === 'string' && /node_modules|\.(js|mjs|cjs|ts|json|node)$/.test(path);
}

async function failAfter(done: unknown): Promise<never> {
  const value = await done;
  if (isHandle(value)) await value.close();
  throw failure();
}

function failure(): Error {
  return Object.assign(new Error('EIO: i/o error, injected'), { code: 'EIO', errno: -5 });
}

function isHandle(value: unknown): value is FileHandle {
  return typeof value === 'object' && value !== null && 'fd' in value && 'close' in value;
}
