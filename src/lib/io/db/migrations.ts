import { type CompiledQuery, Kysely, sql, type Transaction } from 'kysely';
import type { Migration } from 'kysely/migration';
import * as users from '../../../../migrations/0001_users.ts';
import * as providers from '../../../../migrations/0002_providers.ts';
import * as products from '../../../../migrations/0003_products.ts';
import * as orders from '../../../../migrations/0004_orders.ts';
import * as bills from '../../../../migrations/0005_bills.ts';
import * as vatRates from '../../../../migrations/0006_vat_rates.ts';
import * as vpn from '../../../../migrations/0007_vpn.ts';
import * as auditEntries from '../../../../migrations/0008_audit_entries.ts';
import * as vpnHosts from '../../../../migrations/0009_vpn_hosts.ts';
import * as auditChains from '../../../../migrations/0010_audit_chains.ts';
import * as directoryLinks from '../../../../migrations/0011_directory_links.ts';
import * as payments from '../../../../migrations/0012_payments.ts';
import * as orderDueTimes from '../../../../migrations/0013_order_due_times.ts';
import * as groups from '../../../../migrations/0014_groups.ts';
import * as services from '../../../../migrations/0016_services.ts';
import * as groupDirectoryLinks from '../../../../migrations/0017_group_directory_links.ts';
import * as ordersReplacing from '../../../../migrations/0018_orders_replacing.ts';
import { refuse } from '../../core/errors.ts';
import { type Backend, type Database, only } from './database.ts';
import type { Schema } from './schema.ts';

interface BackendMigration {
  up(db: Kysely<unknown>, backend: Backend): Promise<void>;
  down(db: Kysely<unknown>, backend: Backend): Promise<void>;
}

/** Every migration by name, in order. Named here one by one, so that the bundled program carries them. */
const MIGRATIONS: Readonly<Record<string, BackendMigration>> = {
  '0001_users': users,
  '0002_providers': providers,
  '0003_products': products,
  '0004_orders': orders,
  '0005_bills': bills,
  '0006_vat_rates': vatRates,
  '0007_vpn': vpn,
  '0008_audit_entries': auditEntries,
  '0009_vpn_hosts': vpnHosts,
  '0010_audit_chains': auditChains,
  '0011_directory_links': directoryLinks,
  '0012_payments': payments,
  '0013_order_due_times': orderDueTimes,
  '0014_groups': groups,
  '0016_services': services,
  '0017_group_directory_links': groupDirectoryLinks,
  '0018_orders_replacing': ordersReplacing,
};

/** The migrations that this version ships, in order. */
export const MIGRATION_NAMES: readonly string[] = Object.keys(MIGRATIONS);

/**
 * Checks that the migrations of the database are exactly the shipped ones.
 * @throws SCHEMA_MISSING, SCHEMA_OUTDATED, SCHEMA_NEWER
 */
export async function checkSchema(database: Database): Promise<void> {
  const applied = await appliedMigrations(database);
  if (applied.length === 0) throw refuse.SCHEMA_MISSING({ database: database.address });
  refuseUnknown(applied);
  const pending = MIGRATION_NAMES.filter((name) => !applied.includes(name));
  if (pending.length > 0) throw refuse.SCHEMA_OUTDATED({ pending });
}

/** The names of the applied migrations in order; none when the database is empty. */
export async function appliedMigrations(database: Database): Promise<string[]> {
  if (!(await tableExists(database, 'schema_migrations'))) return [];
  const rows = await database.kysely.selectFrom('schema_migrations').select('name').orderBy('name').execute();
  return rows.map((row) => row.name);
}

/**
 * Applied and shipped migrations against each other.
 * @throws SCHEMA_NEWER, MIGRATION_CHANGED
 */
export async function verifyMigrations(
  database: Database,
): Promise<{ applied: string[]; pending: string[] }> {
  const applied = await appliedMigrations(database);
  refuseUnknown(applied);
  if (applied.length > 0) {
    const stored = await database.kysely.selectFrom('schema_migration_checksums').selectAll().execute();
    for (const { name, checksum } of stored) {
      if (checksum !== (await checksumOf(await migrationStatements(name, 'up', database.backend)))) {
        throw refuse.MIGRATION_CHANGED({ name });
      }
    }
  }
  return { applied, pending: MIGRATION_NAMES.filter((name) => !applied.includes(name)) };
}

/**
 * Applies or reverts migrations until the last applied one is `target` (null: none), in the given transaction.
 * @throws DATABASE_ENCODING
 */
export async function applyMigrations(
  tx: Transaction<Schema>,
  backend: Backend,
  target: string | null,
): Promise<void> {
  if (backend === 'postgresql') await checkEncoding(tx);
  const { Migrator, NO_MIGRATIONS } = await import('kysely/migration');
  await sql`create table if not exists schema_migration_checksums (name text primary key, checksum text not null)`.execute(
    tx,
  );
  const migrator = new Migrator({
    db: tx,
    migrationTableName: 'schema_migrations',
    migrationLockTableName: 'schema_migration_locks',
    provider: {
      getMigrations: async () =>
        Object.fromEntries(MIGRATION_NAMES.map((name) => [name, recordingChecksum(name, backend)])),
    },
  });
  const { error } = await migrator.migrateTo(target ?? NO_MIGRATIONS);
  if (error !== undefined) throw error;
}

/** Makes the whole schema where there is none, without a record of migrations. */
export async function makeSchema(db: Kysely<Schema>, backend: Backend): Promise<void> {
  for (const name of MIGRATION_NAMES) await migrationOf(name).up(db as Kysely<unknown>, backend);
}

/** The statements of one migration, as this backend would run them. */
export async function migrationStatements(
  name: string,
  direction: 'up' | 'down',
  backend: Backend,
): Promise<string[]> {
  const { DummyDriver, PostgresAdapter, PostgresQueryCompiler, SqliteAdapter, SqliteQueryCompiler } =
    await import('kysely');
  const statements: string[] = [];
  const recorder = new Kysely<unknown>({
    dialect: {
      createAdapter: () => (backend === 'sqlite' ? new SqliteAdapter() : new PostgresAdapter()),
      createDriver: () => new DummyDriver(),
      createIntrospector: () => {
        throw new Error('a migration does not look at the database');
      },
      createQueryCompiler: () =>
        backend === 'sqlite' ? new SqliteQueryCompiler() : new PostgresQueryCompiler(),
    },
    log: ({ query }: { query: CompiledQuery }) => {
      statements.push(outdent(query.sql));
    },
  });
  await migrationOf(name)[direction](recorder, backend);
  return statements;
}

async function checkEncoding(tx: Transaction<Schema>): Promise<void> {
  const { rows } = await sql<{ database: string; encoding: string }>`
    select current_database() as database, current_setting('server_encoding') as encoding`.execute(tx);
  const found = only(rows);
  if (found.encoding !== 'UTF8') throw refuse.DATABASE_ENCODING(found);
}

function recordingChecksum(name: string, backend: Backend): Migration {
  const migration = migrationOf(name);
  return {
    async up(db: Kysely<Schema>) {
      await migration.up(db as Kysely<unknown>, backend);
      const checksum = await checksumOf(await migrationStatements(name, 'up', backend));
      await db.insertInto('schema_migration_checksums').values({ name, checksum }).execute();
    },
    async down(db: Kysely<Schema>) {
      await migration.down(db as Kysely<unknown>, backend);
      await db.deleteFrom('schema_migration_checksums').where('name', '=', name).execute();
    },
  };
}

function migrationOf(name: string): BackendMigration {
  const migration = MIGRATIONS[name];
  if (migration === undefined) throw refuse.UNKNOWN_MIGRATION({ name, known: [...MIGRATION_NAMES] });
  return migration;
}

function refuseUnknown(applied: readonly string[]): void {
  const unknown = applied.filter((name) => !MIGRATION_NAMES.includes(name));
  if (unknown.length > 0) throw refuse.SCHEMA_NEWER({ unknown });
}

async function tableExists(database: Database, table: string): Promise<boolean> {
  const { rows } =
    database.backend === 'sqlite'
      ? await sql`select 1 from sqlite_schema where type = 'table' and name = ${table}`.execute(
          database.kysely,
        )
      : await sql`select 1 where to_regclass(${table}) is not null`.execute(database.kysely);
  return rows.length > 0;
}

async function checksumOf(statements: readonly string[]): Promise<string> {
  const { createHash } = await import('node:crypto');
  return createHash('sha256').update(statements.join(';\n')).digest('hex');
}

/** The statement without the indentation that it has in the source. */
function outdent(statement: string): string {
  const lines = statement.replace(/^\n+|\s+$/g, '').split('\n');
  const indent = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent)).join('\n');
}
