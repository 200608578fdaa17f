import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parseDatabaseUrl } from '../../src/lib/core/database-url.ts';
import { instant } from '../../src/lib/core/instant.ts';
import { authorOf } from '../../src/lib/io/author.ts';
import { together } from '../../src/lib/io/db/database.ts';
import { translatePostgresError, translateSqliteError } from '../../src/lib/io/db/errors.ts';
import { openDatabase } from '../../src/lib/io/db/open.ts';
import { uncloud, uncloudJson } from '../support/cli.ts';
import { describeDatabases } from '../support/databases.ts';

const AUTHORITY = fileURLToPath(new URL('../fixtures/tls/ca.pem', import.meta.url));
/** Whatever key file the machine has, doctor looks at none. */
const WITHOUT_KEY = { UNCLOUD_SECRETS_KEY_FILE: '/nonexistent/secrets.key' };
const NO_AUTHORITY = fileURLToPath(new URL('../fixtures/tls/server.pem', import.meta.url));

describeDatabases('the database', (databases) => {
  it('without a schema, outdated and newer: each says what to do', async () => {
    const url = await databases.emptyUrl();
    if (databases.backend === 'postgresql') {
      const { error } = await uncloudJson(['user', 'list'], { url, code: 1 });
      expect(error).toMatchObject({ code: 'SCHEMA_MISSING', hint: 'Create it with: uncloud migrate' });
    }
    await uncloudJson(['migrate', '--to', '0003'], { url });
    const outdated = await uncloudJson(['user', 'list'], { url, code: 1 });
    expect(outdated.error).toMatchObject({ code: 'SCHEMA_OUTDATED' });
    await uncloudJson(['migrate'], { url });
    await uncloudJson(['user', 'list'], { url });
  });

  it('all of a write happens, or nothing', async () => {
    const context = await databases.context();
    const database = await context.db();
    const user = { username: 'ada', created_at: 0 };
    await expect(
      database.write('people', async (tx) => {
        await tx.insertInto('users').values(user).execute();
        throw new RangeError('stop');
      }),
    ).rejects.toThrow('stop');
    expect(await database.kysely.selectFrom('users').selectAll().execute()).toEqual([]);
    await database.write('people', (tx) => tx.insertInto('users').values(user).execute());
    const [row] = await database.kysely.selectFrom('users').selectAll().execute();
    expect(row).toMatchObject({ username: 'ada', is_staff: false, is_active: true, language: 'en' });
  });

  it('works that share a transaction all end before it, with the error of the first that failed', async () => {
    const context = await databases.context();
    let isOver = false;
    const shared = (await context.db()).write('people', (tx) =>
      together([
        setTimeout(100).then(() => {
          isOver = true;
        }),
        sql`select no_such_column from users`.execute(tx),
        sql`select id from users`.execute(tx).then(() => Promise.reject(new Error('a later one'))),
      ]),
    );
    await expect(shared).rejects.toThrow('no_such_column');
    expect(isOver).toBe(true);
  });

  it('a read sees one state of the data and may not write', async () => {
    const context = await databases.context();
    const other = await databases.context({ url: context.url });
    const database = await context.db();
    const second = await other.db();
    const count = async (tx: typeof database.kysely) =>
      (await tx.selectFrom('users').select('id').execute()).length;
    const seen = await database.read(async (tx) => {
      const before = await count(tx);
      await second.write('people', (otherTx) =>
        otherTx.insertInto('users').values({ username: 'ada', created_at: 0 }).execute(),
      );
      return [before, await count(tx)];
    });
    expect(seen).toEqual([0, 0]);
    expect(await count(database.kysely)).toBe(1);
    await expect(
      database.read((tx) => tx.insertInto('users').values({ username: 'bob', created_at: 0 }).execute()),
    ).rejects.toMatchObject({ code: 'DATABASE_PERMISSION' });
  });

  it('a broken rule of the database is a refusal', async () => {
    const { kysely } = await (await databases.context()).db();
    await kysely.insertInto('users').values({ username: 'ada', created_at: 0 }).execute();
    await expect(
      kysely.insertInto('users').values({ username: 'ada', created_at: 0 }).execute(),
    ).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' });
  });

  it('a hundred writers at once all get their turn', async () => {
    const context = await databases.context();
    // Within one process SQLite's own waiting would stop the event loop, and with it the writer that is waited for.
    const others =
      databases.backend === 'sqlite'
        ? Array.from({ length: 10 }, () => context)
        : await Promise.all(Array.from({ length: 10 }, () => databases.context({ url: context.url })));
    await Promise.all(
      others.flatMap((other, process) =>
        Array.from({ length: 10 }, async (_, index) => {
          const database = await other.db();
          await database.write('people', async (tx) => {
            const { count } = await tx
              .selectFrom('users')
              .select((eb) => eb.fn.countAll<number>().as('count'))
              .executeTakeFirstOrThrow();
            await tx
              .insertInto('users')
              .values({ username: `u${process}-${index}`, created_at: Number(count) })
              .execute();
          });
        }),
      ),
    );
    const { kysely } = await context.db();
    const rows = await kysely.selectFrom('users').select('created_at').orderBy('created_at').execute();
    expect(rows.map(({ created_at }) => created_at)).toEqual(
      Array.from({ length: 100 }, (_, index) => index),
    );
  });
});

describe('SQLite', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'uncloud-sqlite-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('a missing file is refused, and made by migrate alone, private in a private folder', async () => {
    const file = join(folder, 'new', 'uncloud.db');
    const url = `sqlite:${file}`;
    const { error } = await uncloudJson(['user', 'list'], { url, code: 1 });
    const hint = `Create it with: uncloud migrate --database ${url}; or correct the path.`;
    expect(error).toMatchObject({ code: 'DATABASE_MISSING', hint });
    expect(existsSync(file)).toBe(false);
    await uncloudJson(['migrate'], { url });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
  });

  it('a file that is no database, and what is no file, are refused', async () => {
    const file = join(folder, 'notes.txt');
    writeFileSync(file, 'These are notes, and not a database at all.\n'.repeat(200));
    const code = async (path: string) =>
      ((await uncloudJson(['user', 'list'], { url: `sqlite:${path}`, code: 1 })).error as { code: string })
        .code;
    expect(await code(file)).toBe('NOT_A_DATABASE');
    expect(await code(folder)).toBe('NOT_A_DATABASE');
    expect(await code('/dev/null')).toBe('NOT_A_DATABASE');
  });

  it('a lock that others were faster at, again and again, is a reason to try again', () => {
    const thrown = Object.assign(new Error('locking protocol'), { code: 'SQLITE_PROTOCOL' });
    expect(translateSqliteError(thrown, 'x')).toMatchObject({ code: 'DATABASE_BUSY', exit: 75 });
  });

  it('a new file that somebody else writes to is waited for', async () => {
    const file = join(folder, 'begun.db');
    const other = new Sqlite(file);
    other.exec('begin immediate');
    const migrated = uncloud(['migrate'], { url: `sqlite:${file}` });
    await setTimeout(1000);
    other.exec('rollback');
    other.close();
    expect(await migrated).toMatchObject({ code: 0, stderr: '' });
  });

  it('a writer that holds the lock too long makes others try again later', async () => {
    const url = `sqlite:${join(folder, 'busy.db')}`;
    await uncloudJson(['migrate'], { url });
    const database = await openDatabase(parseDatabaseUrl(url), authorOf('test', instant(0)));
    const { code, stderr } = await database.write('people', async () =>
      uncloud(['bootstrap-user', '--username', 'ada', '--no-ldap'], { url }),
    );
    await database.close();
    expect(code).toBe(75);
    expect(stderr).toMatch(/^Error: The database ".*" is busy: another command is writing\.\n/);
  });
});

/** Where the cluster of the tests has its Unix socket: PostgreSQL's own default. */
const SOCKETS = '/tmp';

/** A server that answers the request for TLS as PostgreSQL with `ssl = off` does. */
async function notOfferingTls(): Promise<{ port: number; close: () => Promise<unknown> }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('N'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return { port, close: () => new Promise((resolve) => server.close(resolve)) };
}

describe('PostgreSQL', () => {
  const address = (parameters: string, host = '127.0.0.1') =>
    `${inject('postgresUrl').replace('127.0.0.1', host)}/uncloud_template${parameters}`;
  const codeOf = async (url: string) => {
    const outcome = await uncloud(['user', 'list', '--json'], { url });
    return outcome.code === 0
      ? 'fine'
      : (JSON.parse(outcome.stdout) as { error: { code: string } }).error.code;
  };

  it('TLS is verified as sslmode says', async () => {
    expect(await codeOf(address('?sslmode=verify-full'))).toBe('DATABASE_TLS');
    expect(await codeOf(address(`?sslmode=verify-full&sslrootcert=${AUTHORITY}`))).toBe('fine');
    expect(await codeOf(address(`?sslmode=verify-full&sslrootcert=${AUTHORITY}`, 'localhost'))).toBe(
      'DATABASE_TLS',
    );
    expect(await codeOf(address(`?sslmode=verify-ca&sslrootcert=${AUTHORITY}`, 'localhost'))).toBe('fine');
    expect(await codeOf(address('?sslmode=require'))).toBe('fine');
    expect(await codeOf(address(`?sslmode=require&sslrootcert=${AUTHORITY}`, 'localhost'))).toBe('fine');
    expect(await codeOf(address(`?sslmode=require&sslrootcert=${NO_AUTHORITY}`))).toBe('DATABASE_TLS');
    expect(await codeOf(address('?sslrootcert=system'))).toBe('DATABASE_TLS');
    expect(await codeOf(address('?sslmode=prefer'))).toBe('INVALID_DATABASE_URL');
    expect(await codeOf(address('?sslmode=verify-full&sslrootcert=/nonexistent.pem'))).toBe('DATABASE_TLS');
  });

  it('a wrong password, an unknown database and a closed port are told apart', async () => {
    expect(await codeOf(address('').replace('postgres:postgres@', 'postgres:wrong@'))).toBe('DATABASE_LOGIN');
    expect(await codeOf(address('').replace('uncloud_template', 'nothing'))).toBe('DATABASE_MISSING');
    const { code } = await uncloud(['user', 'list'], { url: 'postgres://127.0.0.1:1/uncloud' });
    expect(code).toBe(75);
  });

  it('is reached by a Unix socket with and without a role in the address, as psql reaches it', async () => {
    const { port } = new URL(inject('postgresUrl'));
    const place = `?host=${SOCKETS}&port=${port}`;
    const environment = { PGPASSWORD: 'postgres' };
    const counts = async (url: string, more: Record<string, string> = {}) =>
      uncloud(['user', 'list'], { url, environment: { ...environment, ...more } });
    const reached = { code: 0 };
    expect(await counts(`postgres://postgres@/uncloud_template${place}`)).toMatchObject(reached);
    expect(await counts(`postgres:///uncloud_template${place}`, { PGUSER: 'postgres' })).toMatchObject(
      reached,
    );
    expect(
      await counts('postgres://', {
        PGUSER: 'postgres',
        PGDATABASE: 'uncloud_template',
        PGHOST: SOCKETS,
        PGPORT: port,
      }),
    ).toMatchObject(reached);
    const { code, stderr } = await counts(`postgres:///uncloud_template${place}`, { USER: 'nobody-else' });
    expect(code).toBe(1);
    expect(stderr).toContain(`authentication failed for user "${userInfo().username}"`);
  });

  it('PGHOST is a host as one in the address is: another machine is reached by verified TLS', async () => {
    const without = '//postgres:postgres@/uncloud_template';
    const { port } = new URL(inject('postgresUrl'));
    const codeAt = async (PGHOST: string) => {
      const environment = { PGHOST, PGPORT: port };
      return (await uncloud(['user', 'list'], { url: `postgres:${without}`, environment })).code;
    };
    expect(await codeAt('127.0.0.1')).toBe(0);
    const server = await notOfferingTls();
    // All of 127.0.0.0/8 is this machine, and 0.0.0.0 reaches it too without being one of its addresses.
    const { code, stderr } = await uncloud(['user', 'list'], {
      url: 'postgres://ada@/x',
      environment: { PGHOST: '0.0.0.0', PGPORT: String(server.port) },
    });
    await server.close();
    expect(code).toBe(1);
    expect(stderr).toContain('with ssl = on in its postgresql.conf');
  });

  it('whatever the system says of a connection, the database is away', async () => {
    // The path of a Unix socket has 107 bytes at most: connect(2) ends with EINVAL, as it does on a blackhole route.
    const tooLong = `/tmp/${'a'.repeat(120)}`;
    const invalid = `postgres://ada@/x?host=${tooLong}`;
    const outcome = await uncloud(['doctor', '--json'], { url: invalid, environment: WITHOUT_KEY });
    expect(outcome).toMatchObject({ code: 1, stderr: '' });
    expect(outcome.stdout).toContain('connect EINVAL');
    for (const url of [
      invalid,
      'postgres://ada@/x?host=/nonexistent',
      'postgres://ada@/x?host=/etc/passwd',
      'postgres://ada@nowhere.invalid/x',
    ]) {
      const { code, stderr } = await uncloud(['user', 'list'], { url });
      expect([url, code]).toEqual([url, 75]);
      expect(stderr).toMatch(/^Error: The database ".*" cannot be reached: [^\n]*\.\n {2}Try again later/);
    }
  });

  it.each([
    ['connect', 'EINVAL'],
    ['connect', 'EPERM'],
    ['connect', 'EAFNOSUPPORT'],
    ['getaddrinfo', 'EAI_FAIL'],
    ['read', 'ENETDOWN'],
    ['write', 'ENOBUFS'],
  ])('%s ending with %s means that it is away, alone and with what other addresses say', (syscall, code) => {
    const error = Object.assign(new Error(`${syscall} ${code} 2001:db8::5:5432 - Local (:::0)`), {
      code,
      syscall,
    });
    const login = { origin: 'x', isPasswordThere: false, createdb: 'createdb x', migrate: 'uncloud migrate' };
    for (const thrown of [error, new AggregateError([error])])
      expect(translatePostgresError(thrown, 'postgres://db/x', login)).toMatchObject({
        code: 'DATABASE_UNREACHABLE',
        exit: 75,
        message: `The database "postgres://db/x" cannot be reached: ${syscall} ${code} 2001:db8::5:5432.`,
      });
    const bug = new TypeError('x is not a function');
    expect(translatePostgresError(bug, 'postgres://db/x', login)).toBe(bug);
  });

  it.runIf(process.getuid?.() === 0)('a blackhole route to it is no bug', async () => {
    const server = '2001:db8:1::5';
    const route = `ip link set lo up && ip -6 address add 2001:db8::1/128 dev lo && ip -6 route add blackhole ${server}`;
    const via = ['unshare', '--net', 'sh', '-c', `${route} && exec "$@"`, 'sh'];
    const { code, stderr } = await uncloud(['user', 'list'], { url: `postgres://ada@[${server}]/x`, via });
    expect(code).toBe(75);
    expect(stderr).toContain(`cannot be reached: connect EINVAL ${server}:5432.\n`);
  });

  it('doctor says of each way in which it is away what to look at', async () => {
    const { port } = new URL(inject('postgresUrl'));
    const findingOf = async (url: string) => {
      const { findings } = await uncloudJson(['doctor'], { url, environment: WITHOUT_KEY, code: 1 });
      const found = (findings as { id: string; message: string; fix: string }[]).filter(
        ({ id }) => id !== 'configuration',
      );
      expect(found).toHaveLength(1);
      const [{ message = '', fix = '' } = {}] = found;
      expect(message).not.toContain('secret');
      return [message.replace(/^.*?"[^"]*" ?/, ''), fix];
    };
    const network =
      'See that host and port in UNCLOUD_DATABASE_URL are right, that PostgreSQL runs there, listens (listen_addresses) and is let through by firewalls.';
    const password = 'Check the role and the password in UNCLOUD_DATABASE_URL, and pg_hba.conf.';
    expect(await findingOf('postgres://ada:secret@127.0.0.1:1/x')).toEqual([
      'cannot be reached: connect ECONNREFUSED 127.0.0.1:1.',
      network,
    ]);
    expect(await findingOf('postgres://ada@nowhere.invalid/x?password=secret')).toEqual([
      expect.stringMatching(/^cannot be reached: getaddrinfo E\w+ nowhere\.invalid\.$/),
      network,
    ]);
    expect(await findingOf('postgres://ada@/x?host=/nonexistent')).toEqual([
      'cannot be reached: connect ENOENT /nonexistent/.s.PGSQL.5432.',
      'See that PostgreSQL runs on this machine, that unix_socket_directories has /nonexistent, and the port in UNCLOUD_DATABASE_URL.',
    ]);
    expect(await findingOf(address('').replace('postgres:postgres@', 'postgres:secret@'))).toEqual([
      'refuses the login: password authentication failed for user "postgres".',
      password,
    ]);
    expect(await findingOf(address('').replace('postgres:postgres@', 'nobody:secret@'))).toEqual([
      'refuses the login: password authentication failed for user "nobody".',
      password,
    ]);
    expect(await findingOf(`postgres://postgres@/uncloud_template?host=${SOCKETS}&port=${port}`)).toEqual([
      'refuses the login: it asks for a password, and there is none.',
      'Check the role in UNCLOUD_DATABASE_URL, its password in ~/.pgpass or PGPASSWORD, and pg_hba.conf.',
    ]);
    expect(await findingOf(address('').replace('uncloud_template', 'nothing'))).toEqual([
      '.',
      `Create it, as a role that may create databases, with: createdb -h 127.0.0.1 -p ${port} -U postgres nothing; and its schema with: uncloud migrate`,
    ]);
    const server = await notOfferingTls();
    expect(await findingOf(`postgres://ada@127.0.0.1:${server.port}/x?sslmode=verify-full`)).toEqual([
      'failed: The server does not support SSL connections.',
      'Turn TLS on at the server, with ssl = on in its postgresql.conf; docs/database.md shows how.',
    ]);
    await server.close();
  });

  it('doctor wants a file with its password private, and lets one without be read', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'uncloud-config-'));
    const modesOf = async (url: string, code: number) => {
      writeFileSync(join(folder, 'open.toml'), `[database]\nurl = "${url}"\n`, { mode: 0o644 });
      const { findings } = await uncloudJson(['doctor', '-c', 'open.toml'], {
        cwd: folder,
        environment: WITHOUT_KEY,
        code,
      });
      return (findings as { id: string }[]).filter(({ id }) => id === 'file-mode');
    };
    expect(await modesOf(address(''), 1)).toMatchObject([
      { level: 'error', subject: 'open.toml', fix: 'chmod 600 open.toml' },
    ]);
    expect(await modesOf('postgres://postgres@127.0.0.1:1/x', 1)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it('a password in a file that others may read is refused before it is used, through a link too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'uncloud-config-'));
    const [file, link] = [join(folder, 'shared.toml'), join(folder, 'link.toml')];
    symlinkSync(file, link);
    const outcomeWith = async (url: string, mode: number) => {
      writeFileSync(file, `[database]\nurl = "${url}"\n`);
      chmodSync(file, mode);
      const { code, stderr } = await uncloud(['user', 'list', '-q', '-c', link]);
      return { code, stderr };
    };
    const refused = `Error: The file "${link}" holds a secret and has mode 0644: others can read it.\n  Protect it with: chmod 600 ${link}\n`;
    expect(await outcomeWith(address(''), 0o644)).toEqual({ code: 1, stderr: refused });
    expect(await outcomeWith(address(''), 0o600)).toEqual({ code: 0, stderr: '' });
    expect((await outcomeWith('postgres://ada@127.0.0.1:1/x', 0o644)).code).toBe(75);
    rmSync(folder, { recursive: true });
  });

  it('a missing database is made by what is to be typed: the address again, or the file with the password', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'uncloud-config-'));
    const { port } = new URL(inject('postgresUrl'));
    const without = `postgres://postgres@127.0.0.1:${port}/no%20thing`;
    writeFileSync(
      join(folder, 'own.toml'),
      `[database]\nurl = "${address('').replace(/[^/]*$/, 'nothing')}"\n`,
      {
        mode: 0o600,
      },
    );
    const hintOf = async (...words: string[]) => {
      const environment = { PGPASSWORD: 'postgres' };
      const { error } = await uncloudJson(['user', 'list', ...words], { cwd: folder, environment, code: 1 });
      return (error as { hint: string }).hint;
    };
    const server = `Create it, as a role that may create databases, with: createdb -h 127.0.0.1 -p ${port} -U postgres`;
    expect(await hintOf('--database', without)).toBe(
      `${server} 'no thing'; and its schema with: uncloud migrate --database ${without}`,
    );
    expect(await hintOf('-c', 'own.toml')).toBe(
      `${server} nothing; and its schema with: uncloud migrate -c own.toml`,
    );
    rmSync(folder, { recursive: true });
  });

  it('a refused login says where the role and the password were read', async () => {
    const hintOf = async (url: string, password: string) => {
      const { error } = await uncloudJson(['user', 'list'], {
        url,
        environment: { PGPASSWORD: password },
        code: 1,
      });
      return (error as { hint: string }).hint;
    };
    const wrong = address('').replace('postgres:postgres@', 'postgres:wrong@');
    const none = address('').replace('postgres:postgres@', 'postgres@');
    expect(await hintOf(wrong, '')).toBe(
      'Check the role and the password in UNCLOUD_DATABASE_URL, and pg_hba.conf.',
    );
    const withoutPassword =
      'Check the role in UNCLOUD_DATABASE_URL, its password in ~/.pgpass or PGPASSWORD, and pg_hba.conf.';
    expect(await hintOf(none, 'wrong')).toBe(withoutPassword);
    expect(await hintOf(none, '')).toBe(withoutPassword);
    const folder = mkdtempSync(join(tmpdir(), 'uncloud-config-'));
    const file = join(folder, 'config.toml');
    writeFileSync(file, `[database]\nurl = "${wrong}"\n`, { mode: 0o600 });
    const { error } = await uncloudJson(['user', 'list', '-c', file], { code: 1 });
    rmSync(folder, { recursive: true });
    expect(error).toMatchObject({ hint: `Check the role and the password in ${file}, and pg_hba.conf.` });
  });

  it('a server that accepts and says nothing ends in 75 within the time limit', async () => {
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const url = `postgres://uncloud@127.0.0.1:${port}/uncloud?connect_timeout=1`;
    const start = performance.now();
    const outcome = await uncloud(['user', 'list'], { url });
    const seconds = (performance.now() - start) / 1000;
    await new Promise((resolve) => silent.close(resolve));
    expect(outcome.code).toBe(75);
    expect(seconds).toBeLessThan(8);
  });

  it('a connection that the server ends in the middle of a transaction ends in a refusal', async () => {
    const url = address('');
    const database = await openDatabase(parseDatabaseUrl(url), authorOf('test', instant(0)));
    const killer = new pg.Client(`${inject('postgresUrl')}/postgres`);
    await killer.connect();
    await expect(
      database.write('people', async (tx) => {
        const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
        await killer.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
        await sql`select pg_sleep(5)`.execute(tx);
      }),
    ).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE', exit: 75 });
    await killer.end();
    await database.close();
  });

  it('a transaction that outlives the limit of the server ends in a refusal', async () => {
    const url = address('?options=-ctransaction_timeout%3D100ms');
    const database = await openDatabase(parseDatabaseUrl(url), authorOf('test', instant(0)));
    await expect(database.write('people', (tx) => sql`select pg_sleep(5)`.execute(tx))).rejects.toMatchObject(
      { code: 'DATABASE_UNREACHABLE', exit: 75 },
    );
    await database.close();
  });

  it('a server that does not know a parameter of the address refuses it', async () => {
    const { error } = await uncloudJson(['user', 'list'], {
      url: address('?options=-cnonsense%3Don'),
      code: 2,
    });
    expect(error).toMatchObject({
      code: 'INVALID_DATABASE_URL',
      message: expect.stringContaining('unrecognized configuration parameter "nonsense"'),
    });
  });

  it('nothing is made where no schema of the search path exists', async () => {
    const { error } = await uncloudJson(['migrate'], {
      url: address('?options=-csearch_path%3Dnone'),
      code: 1,
    });
    expect(error).toMatchObject({ code: 'DATABASE_PERMISSION' });
  });

  it('a database that has no room for every character is refused, if not before then when one comes', async () => {
    const name = `test_latin_${process.pid}`;
    const client = new pg.Client(`${inject('postgresUrl')}/postgres`);
    await client.connect();
    await client.query(`create database ${name} encoding 'LATIN1' locale 'C' template template0`);
    const url = `${inject('postgresUrl')}/${name}`;
    const { error } = await uncloudJson(['migrate'], { url, code: 1 });
    expect(error).toMatchObject({ code: 'DATABASE_ENCODING', message: expect.stringContaining('LATIN1') });
    const database = await openDatabase(parseDatabaseUrl(url), authorOf('test', instant(0)), {
      anySchema: true,
    });
    await expect(database.read((tx) => sql`select ${'日本'}::text`.execute(tx))).rejects.toMatchObject({
      code: 'DATABASE_ENCODING',
      message: expect.stringContaining(' as LATIN1,'),
    });
    await database.close();
    await client.query(`drop database ${name}`);
    await client.end();
  });
});
