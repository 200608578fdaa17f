import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/cli/command.ts';
import { dryRun, exitCode, yes } from '../lib/cli/flags.ts';
import { EXIT } from '../lib/core/errors.ts';
import { listMigrations, migrate, planMigration, planStatements } from '../lib/ops/migrations.ts';

export default class Migrate extends BaseCommand {
  static override summary = 'Create the schema, or bring it up to date';
  static override description = `Applies all pending migrations in one transaction: all of them or none.
Run it after every upgrade of uncloud. A SQLite file is created (mode 0600) when it is missing.`;
  static override examples = [
    '<%= config.bin %> migrate',
    '<%= config.bin %> migrate --list --exit-code',
    '<%= config.bin %> migrate --sql > pending.sql',
    '<%= config.bin %> migrate --to 0004',
  ];
  static override flags = {
    list: Flags.boolean({
      summary: 'List applied and pending migrations',
      exclusive: ['to', 'sql', 'dry-run'],
    }),
    to: Flags.string({
      helpValue: 'NAME',
      summary: 'Stop after this migration, or go back to it; "zero" undoes all',
    }),
    sql: Flags.boolean({
      summary: 'Print the SQL that would be run, and run nothing',
      exclusive: ['dry-run'],
    }),
    'dry-run': dryRun,
    'exit-code': exitCode,
    yes,
  };

  async run() {
    const { flags } = await this.parse(Migrate);
    const context = await this.context();
    if (flags.to !== undefined && !flags.sql && !flags['dry-run']) {
      const { reverted } = await planMigration(context, flags.to);
      const question = `Revert ${reverted.length === 1 ? 'one migration with all the data in its' : `${reverted.length} migrations with all the data in their`} tables?`;
      if (reverted.length > 0) await this.confirm(question, flags);
    }
    const readOnly = flags.list || flags.sql || flags['dry-run'];
    const plan = flags.list
      ? await listMigrations(context)
      : await (readOnly ? planMigration : migrate)(context, flags.to);
    const steps = plan.pending.length + plan.reverted.length;
    if (readOnly && flags['exit-code'] && steps > 0) this.exitWith(EXIT.PENDING);

    if (flags.sql) {
      const script = await planStatements(plan);
      for (const { name, statements } of script) this.log(`-- ${name}\n${statements.join(';\n')};\n`);
      return { ...plan, sql: script };
    }
    if (flags.list) for (const name of plan.applied) this.log(`[x] ${name}`);
    const [add, remove] = readOnly ? ['[ ] ', 'would revert '] : ['applied ', 'reverted '];
    for (const name of plan.pending) this.log(`${add}${name}`);
    for (const name of plan.reverted) this.log(`${remove}${name}`);
    if (steps === 0) this.say('The schema is up to date.');
    if (readOnly) return { ...plan };
    const applied = [...plan.applied.filter((name) => !plan.reverted.includes(name)), ...plan.pending];
    return {
      backend: plan.backend,
      applied,
      pending: [],
      reverted: plan.reverted,
      newly_applied: plan.pending,
    };
  }
}
