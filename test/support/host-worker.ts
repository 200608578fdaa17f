// Runs `reconcileHost` in a process of a machine of the lab, as often as it is told by messages.
import { readConfig } from '../../src/lib/core/config.ts';
import { parseDatabaseUrl } from '../../src/lib/core/database-url.ts';
import { UserError } from '../../src/lib/core/errors.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import { authorOf } from '../../src/lib/io/author.ts';
import type { Database } from '../../src/lib/io/db/database.ts';
import { openDatabase } from '../../src/lib/io/db/open.ts';
import { runner } from '../../src/lib/io/run.ts';
import { type HostRequest, type InterfaceOutcome, reconcileHost } from '../../src/lib/ops/vpn-host.ts';
import { breakDatabase } from './broken-database.ts';
import { type Fault, Operations } from './faults.ts';

/** One or more runs, each with a connection to the database of its own, as a process has. */
export interface HostCall {
  readonly url: string;
  readonly keyFile: string;
  readonly request: HostRequest;
  /** How often; the answer is that of the last run. */
  readonly times?: number;
  /** The file operation or program that goes wrong. */
  readonly fault?: Fault;
  /** The statement at which the database goes away. */
  readonly statement?: number;
  /** How long a statement may take, where the 30 seconds of the op are too long for a test. */
  readonly statementSeconds?: number;
}

/** What came of it. */
export interface HostAnswer {
  readonly outcomes: readonly (Omit<InterfaceOutcome, 'refused'> & { refused: readonly string[] })[];
  readonly error: { readonly code: string; readonly exit: number; readonly message: string } | null;
  /** All that was asked of files and programs. */
  readonly operations: readonly string[];
  /** Whether the fault came. */
  readonly wasHit: boolean;
  /** The command lines that were run. */
  readonly commands: readonly string[];
}

async function answer(call: HostCall): Promise<HostAnswer> {
  const operations = new Operations(call.fault ?? null);
  const commands: string[] = [];
  let outcomes: InterfaceOutcome[] = [];
  let error: HostAnswer['error'] = null;
  let wasBroken = false;
  const work = async () => {
    try {
      for (let time = 0; time < (call.times ?? 1); time += 1)
        outcomes = await runOnce(call, operations, commands);
    } catch (thrown) {
      error =
        thrown instanceof UserError
          ? { code: thrown.code, exit: thrown.exit, message: thrown.message }
          : { code: 'BUG', exit: 70, message: String(thrown instanceof Error ? thrown.stack : thrown) };
    }
  };
  if (call.statement === undefined) await operations.files(work);
  else wasBroken = await breakDatabase((_, count) => count === call.statement, 'before', work);
  return {
    outcomes: outcomes.map((outcome) => ({ ...outcome, refused: outcome.refused.map(({ code }) => code) })),
    error,
    operations: operations.names,
    wasHit: operations.wasHit || wasBroken,
    commands,
  };
}

async function runOnce(
  call: HostCall,
  operations: Operations,
  commands: string[],
): Promise<InterfaceOutcome[]> {
  const { url, keyFile, request } = call;
  const show = (command: string) => commands.push(command);
  let database: Promise<Database> | undefined;
  const now = Math.floor(Date.now() / 1000) as Instant;
  const context = {
    ...readConfig([], {}, { 'database.url': url, 'secrets.key_file': keyFile }),
    now,
    asUser: null,
    db: (options = {}) => {
      const seconds = call.statementSeconds;
      const limits = seconds === undefined ? options : { ...options, statementSeconds: seconds };
      database ??= openDatabase(parseDatabaseUrl(url), authorOf('test', now), limits);
      return database;
    },
    ldap: () => Promise.reject(new Error('no directory')),
    run: operations.run(runner({ useSudo: false, show })),
    showsProgress: false,
    progress: () => {},
  };
  try {
    return await reconcileHost(context, request);
  } finally {
    await database?.then(
      (opened) => opened.close(),
      () => {},
    );
  }
}

process.on('message', async (call: HostCall) => process.send?.(await answer(call)));
process.on('disconnect', () => process.exit());
