import { sourcesOf } from '../core/config.ts';
import { redactDatabaseUrl } from '../core/database-url.ts';
import { UserError } from '../core/errors.ts';
import { countRows } from '../io/db/catalog.ts';
import { appliedMigrations, MIGRATION_NAMES } from '../io/db/migrations.ts';
import type { Schema } from '../io/db/schema.ts';
import { serverVersion } from '../io/db/server.ts';
import type { Context } from './context.ts';

const COUNTED = [
  'users',
  'products',
  'orders',
  'bills',
  'bill_records',
  'vat_rates',
  'vpn_pools',
  'vpn_networks',
] as const satisfies readonly (keyof Schema)[];

/** What this installation is and what its database holds. */
export interface Info {
  /** Which files, variables and flags gave values. */
  readonly configuration: readonly string[];
  readonly database: {
    readonly url: string;
    readonly backend: string | null;
    readonly server_version: string | null;
    /** The newest applied migration; null before the first. */
    readonly schema_version: string | null;
    readonly pending_migrations: number;
    /** Why the database cannot be asked; null when it can. */
    readonly problem: string | null;
  };
  readonly counts: Readonly<Record<string, number>>;
}

/** Reads versions and counts. A database that is away is part of the answer, not a refusal. */
export async function readInfo(context: Context): Promise<Info> {
  const url = redactDatabaseUrl(context.config['database.url']);
  const configuration = sourcesOf(context.origins);
  try {
    const database = await context.db({ anySchema: true });
    const applied = await appliedMigrations(database);
    const pending = MIGRATION_NAMES.filter((name) => !applied.includes(name)).length;
    return {
      configuration,
      database: {
        url,
        backend: database.backend,
        server_version: await serverVersion(database),
        schema_version: applied.at(-1) ?? null,
        pending_migrations: pending,
        problem: null,
      },
      counts: pending === 0 ? await countRows(database, COUNTED) : {},
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const unknown = { backend: null, server_version: null, schema_version: null };
    return {
      configuration,
      database: { url, ...unknown, pending_migrations: MIGRATION_NAMES.length, problem: error.message },
      counts: {},
    };
  }
}
