import { Flags } from '@oclif/core';
import { madeBillDocument, madeBillTable, totalsDocument, totalsTable } from '../../lib/cli/bills.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { refusalDocument } from '../../lib/cli/document.ts';
import { dryRun, exitCode, instant, username } from '../../lib/cli/flags.ts';
import { skippedWarnings } from '../../lib/cli/skipped.ts';
import { EXIT } from '../../lib/core/errors.ts';
import { formatInstant } from '../../lib/core/instant.ts';
import { type BillRun, generateBills } from '../../lib/ops/bill-run.ts';

export default class BillGenerate extends BaseCommand {
  static override summary = 'Bill everything that is due';
  static override description =
    `Makes a bill for each user and currency with something due at the issue instant, and gives it the next number.
What was billed before is not billed again: a second run makes nothing, and a run that was interrupted is completed by the next one.

A user whose data is faulty is skipped whole; the others are billed, and the exit code is 3. Each reason is told once,
with how many users it concerns; --json lists them all.
With --dry-run nothing is stored, and --until may lie in the future.`;
  static override examples = [
    '<%= config.bin %> bill generate --dry-run',
    '<%= config.bin %> bill generate --until 2026-02-01',
    '<%= config.bin %> bill generate --user nico --draft',
    `<%= config.bin %> bill generate --json | jq -r '.skipped[] | .username + ": " + .code'`,
  ];
  static override flags = {
    until: instant({ summary: 'Issue instant; what is due by then is billed; default: now' }),
    user: username({ multiple: true, summary: 'Bill only this user; repeatable; default: everybody' }),
    draft: Flags.boolean({ summary: 'Make drafts without numbers, to be closed or discarded' }),
    'dry-run': dryRun,
    'exit-code': exitCode,
  };

  async run() {
    const { flags } = await this.parse(BillGenerate);
    const { until, user: usernames, draft } = flags;
    const plan = flags['dry-run'];
    const run = await generateBills(await this.context(), { until, usernames, draft, dryRun: plan });
    if (run.created > 0) this.log(`${madeBillTable(run.bills)}\n\n${totalsTable(run.totals)}`);
    this.#sayWhatHappened(run, plan ? 'Would make' : 'Made', draft ? 'draft' : 'bill');
    if (run.skipped.length > 0) this.exitWith(EXIT.PARTLY);
    else this.exitIfPending(flags, run.created > 0);
    return {
      until: formatInstant(run.until),
      bills: run.bills.map(madeBillDocument),
      truncated: run.bills.length < run.created,
      created: run.created,
      skipped: run.skipped.map(({ username: name, refusal }) => ({
        username: name,
        ...refusalDocument(refusal),
      })),
      totals: totalsDocument(run.totals),
    };
  }

  #sayWhatHappened({ bills, created, skipped }: BillRun, verb: string, thing: string): void {
    if (bills.length < created) this.say(`The first ${bills.length} are listed.`);
    for (const warning of skippedWarnings(skipped)) this.sayWarning(warning);
    if (created + skipped.length === 0) {
      this.say('Nothing to bill.');
      return;
    }
    const made = `${verb} ${created === 0 ? 'no' : created} ${thing}${created === 1 ? '' : 's'}`;
    const left = skipped.length === 1 ? '1 user is skipped' : `${skipped.length} users are skipped`;
    this.say(skipped.length === 0 ? `${made}.` : `${made}; ${left}, whom --json lists.`);
  }
}
