import { Flags } from '@oclif/core';
import { billDocument, billTable } from '../../lib/cli/bills.ts';
import { asUser, currency, instant, username } from '../../lib/cli/flags.ts';
import { ListCommand } from '../../lib/cli/list-command.ts';
import { listBills } from '../../lib/ops/bills.ts';

export default class BillList extends ListCommand {
  static override summary = 'List bills';
  static override description = `Lists bills by issue instant, drafts too: those have no number yet.
Open is what the buyer owes; below zero it is owed to the buyer: too much was paid, or the bill is a credit note.`;
  static override examples = [
    '<%= config.bin %> bill list --user nico',
    '<%= config.bin %> bill list --from 2026-01-01 --to 2026-02-01 --currency CHF',
    '<%= config.bin %> bill list --overdue',
    '<%= config.bin %> bill list --drafts',
  ];
  static override flags = {
    user: username({ summary: 'Only bills of this user' }),
    from: instant({ summary: 'Only bills issued at this instant or later' }),
    to: instant({ summary: 'Only bills issued before this instant' }),
    currency: currency({ summary: 'Only bills in this currency' }),
    drafts: Flags.boolean({ summary: 'Only drafts', exclusive: ['unpaid', 'overdue'] }),
    unpaid: Flags.boolean({ summary: 'Only issued bills of which something is open' }),
    overdue: Flags.boolean({ summary: 'Only bills that are due before today (UTC) and not paid in full' }),
    'as-user': asUser,
  };

  async run() {
    const { flags } = await this.parse(BillList);
    const { user, from, to, drafts, unpaid, overdue } = flags;
    const filter = { username: user, from, to, currency: flags.currency, drafts, unpaid, overdue };
    const context = await this.context();
    const none = 'There are no such bills. See what is to be billed with: uncloud bill generate --dry-run';
    const style = { name: 'bills', document: billDocument, table: billTable, none };
    await this.list(style, (take) => listBills(context, filter, take));
  }
}
