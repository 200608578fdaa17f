import { draftFilter, selectionFromFlags } from '../../lib/cli/bill-selection.ts';
import { billTable, closedDraftDocument, saidOfOutdated, saidOfOverdue } from '../../lib/cli/bills.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { dryRun, instant, optionalArgs } from '../../lib/cli/flags.ts';
import { parseId } from '../../lib/core/id.ts';
import { dayOf, formatInstant } from '../../lib/core/instant.ts';
import { closeBills } from '../../lib/ops/drafts.ts';

export default class BillClose extends BaseCommand {
  static override summary = 'Issue drafts: give them their numbers';
  static override description = `The drafts become bills with the next numbers and do not change any more.
Drafts are named by their ids, or chosen by --all, --user, --from, --to and --currency: all of them are issued or, when
one cannot be, none.
Each is issued at the instant it was made for, or all at a later one; never before another bill that has its number.
A draft that would come out otherwise by now, because orders, VAT or addresses have changed since it was made, is told,
and so is a bill that is overdue on the day it is issued: with --dry-run before, while it can still be discarded.`;
  static override examples = [
    '<%= config.bin %> bill close 7',
    '<%= config.bin %> bill close 7 8 --at now',
    '<%= config.bin %> bill close --all --dry-run',
    '<%= config.bin %> bill close --user nico',
  ];
  static override args = { id: optionalArgs('Ids of drafts', parseId) };
  static override flags = {
    ...draftFilter,
    at: instant({ summary: "Issue instant; default: each draft's own" }),
    'dry-run': dryRun,
  };

  async run() {
    const { args, flags } = await this.parse(BillClose);
    const plan = flags['dry-run'];
    const selection = selectionFromFlags(args.id, flags);
    const context = await this.context();
    const bills = await closeBills(context, selection, { at: flags.at, dryRun: plan });
    const [first] = bills;
    if (first === undefined) this.say('There are no such drafts.');
    else if (plan) {
      this.log(billTable(bills));
      this.say(`Would issue ${bills.length === 1 ? 'a bill' : `${bills.length} bills`}.`);
    } else if (bills.length === 1) {
      this.say(`Draft ${first.id} is bill ${first.number} now, issued at ${formatInstant(first.issuedAt)}.`);
    } else {
      this.say(`Issued ${bills.length} bills, with the numbers ${first.number} to ${bills.at(-1)?.number}.`);
    }
    const outdated = saidOfOutdated(bills, plan);
    if (outdated !== null) this.sayWarning(outdated);
    const overdue = saidOfOverdue(bills, dayOf(context.now), plan);
    if (overdue !== null) this.sayWarning(overdue);
    return { bills: bills.map(closedDraftDocument) };
  }
}
