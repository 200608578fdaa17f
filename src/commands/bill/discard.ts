import { draftFilter, selectionFromFlags } from '../../lib/cli/bill-selection.ts';
import { billDocument, billTable } from '../../lib/cli/bills.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { dryRun, optionalArgs, yes } from '../../lib/cli/flags.ts';
import { parseId } from '../../lib/core/id.ts';
import { discardBills } from '../../lib/ops/drafts.ts';

export default class BillDiscard extends BaseCommand {
  static override summary = 'Delete drafts';
  static override description = `What the drafts charged is due again, and the next run bills it.
Drafts are named by their ids, or chosen by --all, --user, --from, --to and --currency.
An issued bill cannot be deleted: correct the orders, and the next bill credits the difference.`;
  static override examples = [
    '<%= config.bin %> bill discard 7',
    '<%= config.bin %> bill discard 7 8 --yes',
    '<%= config.bin %> bill discard --all --dry-run',
  ];
  static override args = { id: optionalArgs('Ids of drafts', parseId) };
  static override flags = {
    ...draftFilter,
    'dry-run': dryRun,
    yes,
  };

  async run() {
    const { args, flags } = await this.parse(BillDiscard);
    const selection = selectionFromFlags(args.id, flags);
    const context = await this.context();
    const drafts = await discardBills(context, selection, { dryRun: true });
    const [first] = drafts;
    const one = drafts.length === 1;
    if (first === undefined) this.say('There are no such drafts.');
    else if (flags['dry-run']) {
      this.log(billTable(drafts));
      this.say(`Would delete ${one ? 'a draft' : `${drafts.length} drafts`}.`);
    } else {
      const what = one ? `the draft ${first.id} with its` : `${drafts.length} drafts with their`;
      await this.confirm(`Delete ${what} records?`, flags);
      // Those that were shown, whatever came meanwhile.
      const ids = drafts.map(({ id }) => id);
      await discardBills(context, ids);
      const done = one ? `Draft ${first.id} is deleted` : `${drafts.length} drafts are deleted`;
      this.say(`${done}; what ${one ? 'it' : 'they'} charged is due again.`);
    }
    return { bills: drafts.map(billDocument) };
  }
}
