import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { type Dialect, Kysely, PostgresAdapter, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import type { Author } from '../../core/audit.ts';
import { createdbCommand, defaultTls, type PostgresUrl, type TlsMode } from '../../core/database-url.ts';
import { refuse } from '../../core/errors.ts';
import { shellWord } from '../../core/shell-word.ts';
import { accountName } from '../account.ts';
import { systemAuthorities } from '../authorities.ts';
import { reasonOf } from '../files.ts';
import { AuditTrail } from './audit.ts';
import { Changes } from './changes.ts';
import { CopyQuery } from './copy-query.ts';
import { addressOf, type Database, type Origin } from './database.ts';
import { isConflict, type LoginAdvice, translatePostgresError } from './errors.ts';
import { Gate } from './gate.ts';
import { passwordFile, passwordFromFile } from './password-file.ts';
import { pipelined } from './pipelined.ts';
import type { Schema } from './schema.ts';
import { planForSmallParts } from './statistics.ts';
import { type CopyIn, TranslatingDriver } from './translating-driver.ts';

const CONNECT_SECONDS = 10;
const LOCK_SECONDS = 30;
const BATCH_ATTEMPTS = 5;

/** First half of the advisory lock keys that writers of a topic take; the second is hashtext(topic). */
const LOCK_SPACE = 0x756e636c;

/**
 * Opens PostgreSQL over one connection, made at the first statement.
 * Passwords come from the URL, PGPASSWORD or PGPASSFILE, as in libpq.
 * @param origin where the address was read, for hints
 */
export function openPostgres(
  url: PostgresUrl,
  author: Author,
  { statementSeconds, origin }: { statementSeconds: number; origin: Origin },
): Database {
  const address = addressOf(url);
  const advice = loginAdvice(url, origin);
  const translate = (error: unknown) => translatePostgresError(error, address, advice);
  const connection = new SingleConnection(() => newClient(url, statementSeconds), translate);
  const changes = new Changes();
  const trail = new AuditTrail('postgresql', author, changes);
  const inner = new PostgresDialect({ pool: connection });
  const driver = new TranslatingDriver(inner.createDriver(), translate, changes, connection.copyIn);
  const dialect: Dialect = {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => driver,
    createIntrospector: (db) => inner.createIntrospector(db),
    createQueryCompiler: () => inner.createQueryCompiler(),
  };
  const kysely = new Kysely<Schema>({ dialect });
  const inPipeline =
    <T>(work: (tx: Transaction<Schema>) => Promise<T>) =>
    (tx: Transaction<Schema>) =>
      work(pipelined(tx, { dialect, driver }));
  const read: Database['read'] = (work) =>
    kysely
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(inPipeline(work));
  return {
    backend: 'postgresql',
    address,
    kysely,
    read,
    rehearse: async (work) => {
      const tx = await kysely.startTransaction().setIsolationLevel('repeatable read').execute();
      return inPipeline(work)(tx).finally(() => tx.rollback().execute());
    },
    readInBatches: (work) =>
      read(async (tx) => {
        await planForSmallParts(tx);
        return work((part) => part(tx));
      }),
    write: (topic, work) =>
      kysely.transaction().execute(
        inPipeline(async (tx) => {
          await sql`select pg_advisory_xact_lock(${LOCK_SPACE}, hashtext(${topic}))`.execute(tx);
          return trail.record(tx, { topic, result: 'done' }, work);
        }),
      ),
    writeInBatches: (topic, work) =>
      kysely.connection().execute(async (session) => {
        // The lock belongs to this connection and ends with it: should it break, no later batch can run.
        await sql`select pg_advisory_lock(${LOCK_SPACE}, hashtext(${topic}))`.execute(session);
        try {
          return await work((part) =>
            runBatch(
              session,
              inPipeline((tx) => trail.record(tx, { topic, result: 'part' }, part)),
            ),
          );
        } finally {
          await sql`select pg_advisory_unlock(${LOCK_SPACE}, hashtext(${topic}))`
            .execute(session)
            .catch(() => {});
        }
      }),
    close: () => kysely.destroy(),
  };
}

function loginAdvice(url: PostgresUrl, origin: Origin): LoginAdvice {
  const isPasswordThere = url.password !== '';
  const database = url.database || process.env.PGDATABASE || userOf(url) || '';
  const file = origin.isFile ? ` -c ${shellWord(origin.name)}` : '';
  // An address that is shown has no password: one that had it is read once more where it stands.
  const option = isPasswordThere ? file : ` --database ${shellWord(addressOf(url))}`;
  return {
    origin: origin.name,
    isPasswordThere,
    createdb: createdbCommand(url, database),
    migrate: `uncloud migrate${option}`,
  };
}

function userOf(url: PostgresUrl): string | undefined {
  return url.user || process.env.PGUSER || accountName();
}

/** One transaction, tried again when somebody changed what it had read: PostgreSQL then takes back all it did. */
async function runBatch<T>(
  session: Kysely<Schema>,
  part: (tx: Transaction<Schema>) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await session
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute(async (tx) => {
          await planForSmallParts(tx);
          return part(tx);
        });
    } catch (error) {
      if (attempt === BATCH_ATTEMPTS || !isConflict(error)) throw error;
    }
  }
}

async function newClient(url: PostgresUrl, statementSeconds: number): Promise<pg.Client> {
  const host = url.host || process.env.PGHOST || 'localhost';
  // Not as a connection string: pg reads one by rules of its own, which differ from libpq's. What is not given here
  // comes from PGPORT, PGUSER, PGPASSWORD or PGDATABASE.
  const client = new pg.Client({
    host,
    ...(url.port === null ? {} : { port: url.port }),
    user: userOf(url),
    // Given as a function because pg reads a password file only with a warning that it will not for long.
    password: url.password || process.env.PGPASSWORD || (async () => passwordFor(client)),
    database: url.database || undefined,
    ssl: await tlsOptions(url, url.tls ?? defaultTls(host)),
    application_name: url.parameters.get('application_name') ?? 'uncloud',
    connectionTimeoutMillis: (url.connectTimeout ?? CONNECT_SECONDS) * 1000,
    statement_timeout: statementSeconds * 1000,
    // The server may be gone without a word: the client's own limit is a little longer than the server's.
    query_timeout: (statementSeconds + 5) * 1000,
    lock_timeout: LOCK_SECONDS * 1000,
    idle_in_transaction_session_timeout: 600_000,
    keepAlive: true,
    // Statements that do not wait for each other are sent at once: the server is never without work between two.
    pipeline: true,
    options: `${url.parameters.get('options') ?? ''} -c timezone=UTC -c datestyle=ISO`,
    types: { getTypeParser },
  });
  return client;
}

/** Looked up when the server asks for a password that neither the address nor the environment has. */
async function passwordFor({ host, port, database = '', user = '' }: pg.Client): Promise<string> {
  return (await passwordFromFile(passwordFile(process.env), { host, port, database, user })) ?? '';
}

/** The pool that Kysely asks for, with one connection that transactions take in turn. */
class SingleConnection {
  readonly #make: () => Promise<pg.Client>;
  readonly #translate: (error: unknown) => unknown;
  readonly #gate = new Gate();
  #client: pg.Client | undefined;
  readonly options = {};

  constructor(make: () => Promise<pg.Client>, translate: (error: unknown) => unknown) {
    this.#make = make;
    this.#translate = translate;
  }

  async connect(): Promise<pg.PoolClient> {
    const leave = await this.#gate.enter();
    try {
      if (this.#client === undefined) {
        const client = await this.#make();
        // Without a listener a connection that drops while idle would end the process.
        client.on('error', () => {
          if (this.#client === client) this.#client = undefined;
        });
        await client.connect().catch((error: unknown) => {
          // pg leaves the connection open when the password cannot be had.
          void client.end().catch(() => {});
          throw error;
        });
        this.#client = client;
      }
      return Object.assign(this.#client, { release: leave }) as unknown as pg.PoolClient;
    } catch (error) {
      leave();
      throw this.#translate(error);
    }
  }

  /** For the holder of the connection. */
  readonly copyIn: CopyIn = async (statement, text) => {
    const client = this.#client;
    if (client === undefined) throw new Error('Connection terminated');
    await new Promise<void>((resolve, reject) => {
      client.query(new CopyQuery(statement, text, (error) => (error ? reject(error) : resolve())));
    });
  };

  async end(): Promise<void> {
    await this.#client?.end().catch(() => {});
  }
}

/** Node's TLS options for a mode of libpq's `sslmode`. */
async function tlsOptions(url: PostgresUrl, mode: TlsMode): Promise<ConnectionOptions | false> {
  if (mode === 'disable') return false;
  const file = (name: string): Buffer | undefined => {
    const path = url.parameters.get(name);
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (error) {
      throw refuse.DATABASE_TLS({
        database: addressOf(url),
        reason: `${name} cannot be read: ${reasonOf(error)}`,
        isOffered: true,
      });
    }
  };
  const isSystems = url.parameters.get('sslrootcert') === 'system';
  const ca = isSystems ? await systemAuthorities() : file('sslrootcert');
  const [cert, key] = [file('sslcert'), file('sslkey')];
  return {
    rejectUnauthorized: mode !== 'require',
    ...(mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** Integers as numbers, refused when inexact; days as text, where pg would make a local midnight of them. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === pg.types.builtins.INT8) return parseInteger;
  if (oid === pg.types.builtins.DATE) return (value) => value;
  return pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
}

function parseInteger(value: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new RangeError(`the database holds ${value}, beyond ±2^53`);
  return number;
}
