import { Flags } from '@oclif/core';
import { selectionFromFlags } from '../../lib/cli/bill-selection.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { refusalDocument } from '../../lib/cli/document.ts';
import { currency, instant, optionalArgs, username } from '../../lib/cli/flags.ts';
import { parseBillReference } from '../../lib/core/bill-reference.ts';
import { EXIT, refuse } from '../../lib/core/errors.ts';
import { BILL_FORMATS, exportBills, printBills } from '../../lib/ops/bill-export.ts';

const NO_SUCH_BILLS = 'There are no such bills. See them all with: uncloud bill list';

export default class BillExport extends BaseCommand {
  static override summary = 'Write bills to files: PDF, UBL, JSON, CSV or a journal for hledger';
  static override description = `Writes each bill into a file of its own, named as bill-000012.pdf.
Bills are named by their numbers, or chosen by --all, --user, --from, --to and --currency, without drafts.

pdf is in the language of the buyer, and has the Swiss payment part where the bill can be paid with it.
ubl is an electronic invoice after EN 16931 and, where both parties have an address in it, Peppol BIS Billing 3.0.
hledger is one journal of all the bills and what was paid for them, named bills.journal.

A file with the same content is left as it is; another file in the way is not overwritten, and nothing is written.
A draft has no number: name it by its id, as in id:7.`;
  static override examples = [
    '<%= config.bin %> bill export 12',
    '<%= config.bin %> bill export 12 13 14 --output bills/',
    '<%= config.bin %> bill export --from 2026-01-01 --to 2026-02-01 --format ubl --output bills/',
    '<%= config.bin %> bill export --all --format hledger --output - | hledger -f - balance',
  ];
  static override args = { number: optionalArgs('Numbers of bills, or id:N', parseBillReference) };
  static override flags = {
    format: Flags.option({ options: BILL_FORMATS, default: 'pdf', summary: 'What to write' })(),
    output: Flags.string({
      char: 'o',
      default: '.',
      helpValue: 'PATH|-',
      summary: 'A folder; for one bill, or a journal, also a file, or - for standard output',
    }),
    all: Flags.boolean({ summary: 'All issued bills' }),
    user: username({ summary: 'The bills of this user' }),
    from: instant({ summary: 'The bills issued at this instant or later' }),
    to: instant({ summary: 'The bills issued before this instant' }),
    currency: currency({ summary: 'The bills in this currency' }),
  };

  async run() {
    const { args, flags } = await this.parse(BillExport);
    const { format, output } = flags;
    const selection = selectionFromFlags(args.number, flags);
    const context = await this.context();
    if (output === '-') {
      if (this.jsonEnabled()) throw refuse.STDOUT_TAKEN({ documents: 2 });
      const bills = await printBills(context, selection, format);
      if (bills === 0) this.say(NO_SUCH_BILLS);
      return { files: [], refused: [] };
    }
    const { files, refused } = await exportBills(context, selection, { format, output });
    if (files.length > 0) this.log(files.join('\n'));
    else if (refused.length === 0) this.say(NO_SUCH_BILLS);
    for (const { refusal } of refused) this.sayWarning(`${refusal.message} ${refusal.hint}`);
    if (refused.length > 0) this.exitWith(EXIT.PARTLY);
    return {
      files,
      refused: refused.map(({ bill, refusal }) => ({ bill: bill.number, ...refusalDocument(refusal) })),
    };
  }
}
