import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, inject } from 'vitest';
import { readConfig } from '../../src/lib/core/config.ts';
import { parseDatabaseUrl } from '../../src/lib/core/database-url.ts';
import { type Instant, parseInstant } from '../../src/lib/core/instant.ts';
import { parseLdapSettings } from '../../src/lib/core/ldap-settings.ts';
import { parseUsername, type Username } from '../../src/lib/core/user.ts';
import { authorOf } from '../../src/lib/io/author.ts';
import type { Backend, Database } from '../../src/lib/io/db/database.ts';
import { openDatabase } from '../../src/lib/io/db/open.ts';
import { type Directory, openDirectory } from '../../src/lib/io/ldap/directory.ts';
import { runner } from '../../src/lib/io/run.ts';
import type { Context } from '../../src/lib/ops/context.ts';
import { migrate } from '../../src/lib/ops/migrations.ts';
import { TEMPLATE } from './postgres.ts';

/** What a database test works with. */
export interface TestDatabases {
  readonly backend: Backend;
  /** The address of a fresh database with the whole schema and no rows. */
  freshUrl(): Promise<string>;
  /** The address of a fresh database without a schema. */
  emptyUrl(): Promise<string>;
  /** The address of a copy of a database that nobody uses. */
  copyUrl(url: string): Promise<string>;
  /** A context on a fresh migrated database, or on the one at `url`, at the given time. It is closed after the test. */
  context(options?: { now?: string; url?: string; config?: Record<string, unknown> }): Promise<TestContext>;
  /** A folder that is removed after the file. */
  readonly folder: string;
}

export interface TestContext extends Context {
  readonly url: string;
  /** The same world at another time. */
  at(now: string): TestContext;
  /** The same world, in the name of a user. */
  as(username: string): TestContext;
}

let counter = 0;
const directories: Directory[] = [];

/** Runs a suite on SQLite and on PostgreSQL, or only on one where the database makes no difference. */
export function describeDatabases(
  title: string,
  suite: (databases: TestDatabases) => void,
  backends: readonly Backend[] = ['sqlite', 'postgresql'],
): void {
  for (const backend of backends) {
    describe(`${title} [${backend}]`, () => {
      const opened: Promise<Database>[] = [];
      const made: string[] = [];
      const state = { folder: '', template: '' };

      beforeAll(async () => {
        state.folder = await mkdtemp(join(tmpdir(), 'uncloud-test-'));
        if (backend === 'sqlite') {
          state.template = join(state.folder, 'template.db');
          const context = contextOn(`sqlite:${state.template}`, '2026-01-01', {}, state.folder, opened);
          await migrate(context, undefined);
          await Promise.all((await Promise.all(opened.splice(0))).map((database) => database.close()));
        }
      });
      afterEach(async () => {
        for (const directory of directories.splice(0)) directory.close();
        const databases = await Promise.allSettled(opened.splice(0));
        for (const result of databases) if (result.status === 'fulfilled') await result.value.close();
      });
      afterAll(async () => {
        if (backend === 'postgresql') {
          await onCluster(...made.map((name) => `drop database if exists ${name} with (force)`));
        }
        await rm(state.folder, { recursive: true, force: true });
      }, 300_000);

      const make = async (template: string | undefined): Promise<string> => {
        counter += 1;
        const name = `test_${process.pid}_${counter}`;
        if (backend === 'sqlite') {
          const file = join(state.folder, `${name}.db`);
          if (template !== undefined) await copyFile(template, file);
          return `sqlite:${file}`;
        }
        await onCluster(`create database ${name} template ${template ?? 'template0'} strategy file_copy`);
        made.push(name);
        return `${inject('postgresUrl')}/${name}`;
      };
      const databases: TestDatabases = {
        backend,
        get folder() {
          return state.folder;
        },
        freshUrl: () => make(backend === 'sqlite' ? state.template : TEMPLATE),
        emptyUrl: () => make(undefined),
        copyUrl: (url) => make(backend === 'sqlite' ? url.replace('sqlite:', '') : url.split('/').at(-1)),
        async context({ now = '2025-01-01T00:00:00Z', url, config = {} } = {}) {
          return contextOn(url ?? (await databases.freshUrl()), now, config, state.folder, opened);
        },
      };
      suite(databases);
    });
  }
}

function contextOn(
  url: string,
  now: string,
  tables: Record<string, unknown>,
  folder: string,
  opened: Promise<Database>[],
): TestContext {
  const { config, origins } = readConfig(
    [{ origin: 'test', tables }],
    {},
    {
      'database.url': url,
      'secrets.key_file': join(folder, 'secrets.key'),
    },
  );
  let database: Promise<Database> | undefined;
  const at = (time: string, asUser: Username | null = null): TestContext => ({
    url,
    now: parseInstant(time, 0 as Instant),
    asUser,
    config,
    origins,
    db: (options) => {
      if (database === undefined) {
        database = openDatabase(
          parseDatabaseUrl(url),
          authorOf('test', parseInstant(time, 0 as Instant)),
          options,
        );
        opened.push(database);
      }
      return database;
    },
    ldap: async () => {
      const directory = await openDirectory(parseLdapSettings(config));
      directories.push(directory);
      return directory;
    },
    run: runner({ useSudo: false, show: null }),
    showsProgress: true,
    progress: () => {},
    at,
    as: (username) => at(time, parseUsername(username)),
  });
  return at(now);
}

async function onCluster(...statements: string[]): Promise<void> {
  const client = new pg.Client(`${inject('postgresUrl')}/postgres`);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
