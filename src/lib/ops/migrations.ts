import { refuse, UserError } from '../core/errors.ts';
import type { Backend, Database } from '../io/db/database.ts';
import {
  applyMigrations,
  MIGRATION_NAMES,
  migrationStatements,
  verifyMigrations,
} from '../io/db/migrations.ts';
import type { Context } from './context.ts';

/** What a migration run did or would do. */
export interface MigrationPlan {
  readonly backend: Backend;
  /** Applied before the run, oldest first. */
  readonly applied: string[];
  /** To be applied, in order; empty when migrating backwards. */
  readonly pending: string[];
  /** To be reverted, newest first. */
  readonly reverted: string[];
}

/** Which migrations are applied and which are not. */
export async function listMigrations(context: Context): Promise<MigrationPlan> {
  const database = await openForMigration(context);
  if (database === undefined)
    return { backend: 'sqlite', applied: [], pending: [...MIGRATION_NAMES], reverted: [] };
  return { backend: database.backend, ...(await verifyMigrations(database)), reverted: [] };
}

/**
 * What migrating to `target` would do: a name, `zero` for an empty schema, undefined for the newest.
 * @throws UNKNOWN_MIGRATION, AMBIGUOUS_MIGRATION, SCHEMA_NEWER, MIGRATION_CHANGED
 */
export async function planMigration(context: Context, target: string | undefined): Promise<MigrationPlan> {
  return planFrom(await listMigrations(context), target);
}

/**
 * Migrates in one transaction, all or nothing. Any number of runs at once: one migrates, the others find it done.
 * @throws what planMigration throws, DATABASE_BUSY
 */
export async function migrate(context: Context, target: string | undefined): Promise<MigrationPlan> {
  const database = await context.db({ create: true, anySchema: true });
  return database.write('migrations', async (tx) => {
    const state = await verifyMigrations({ ...database, kysely: tx });
    const plan = planFrom({ backend: database.backend, ...state, reverted: [] }, target);
    if (plan.pending.length > 0 || plan.reverted.length > 0) {
      await applyMigrations(tx, database.backend, targetName(target) ?? null);
    }
    return plan;
  });
}

/** The SQL statements of a plan, in order, each under the name of its migration. */
export async function planStatements(plan: MigrationPlan): Promise<{ name: string; statements: string[] }[]> {
  const steps = [
    ...plan.pending.map((name) => ({ name, direction: 'up' as const })),
    ...plan.reverted.map((name) => ({ name, direction: 'down' as const })),
  ];
  return Promise.all(
    steps.map(async ({ name, direction }) => ({
      name,
      statements: await migrationStatements(name, direction, plan.backend),
    })),
  );
}

function planFrom(state: MigrationPlan, target: string | undefined): MigrationPlan {
  const last = targetName(target);
  const wanted = last === undefined ? [] : MIGRATION_NAMES.slice(0, MIGRATION_NAMES.indexOf(last) + 1);
  return {
    ...state,
    pending: wanted.filter((name) => !state.applied.includes(name)),
    reverted: state.applied.filter((name) => !wanted.includes(name)).reverse(),
  };
}

/** The name of the last migration wanted; undefined for none. A unique beginning of a name is enough. */
function targetName(target: string | undefined): string | undefined {
  if (target === 'zero') return undefined;
  if (target === undefined) return MIGRATION_NAMES.at(-1);
  const matches = MIGRATION_NAMES.filter((name) => name.startsWith(target));
  const [match] = matches;
  if (match === undefined) throw refuse.UNKNOWN_MIGRATION({ name: target, known: [...MIGRATION_NAMES] });
  if (matches.length > 1) throw refuse.AMBIGUOUS_MIGRATION({ name: target, matches });
  return match;
}

/** The database as it is; undefined when it is a SQLite file that does not exist yet. */
async function openForMigration(context: Context): Promise<Database | undefined> {
  try {
    return await context.db({ anySchema: true });
  } catch (error) {
    const isMissing = error instanceof UserError && error.code === 'DATABASE_MISSING';
    if (isMissing && context.config['database.url'].startsWith('sqlite:')) return undefined;
    throw error;
  }
}
