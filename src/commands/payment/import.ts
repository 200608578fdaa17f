import { BaseCommand } from '../../lib/cli/command.ts';
import { dryRun, exitCode, requiredArg } from '../../lib/cli/flags.ts';
import { unmatchedDocument, unmatchedTable } from '../../lib/cli/payments.ts';
import { counted } from '../../lib/cli/sentence.ts';
import { EXIT } from '../../lib/core/errors.ts';
import { importStatement } from '../../lib/ops/statement-import.ts';

export default class PaymentImport extends BaseCommand {
  static override summary = 'Record the payments in a bank statement (camt.053)';
  static override description =
    `Reads a statement of ISO 20022, camt.053.001 in version 02, 04 or 08, and records each credit that carries the
reference of one of our bills: a QR reference, or a creditor reference (SCOR). A credit that the bank took back
(RvslInd) is recorded as a negative amount. Debits and what is not booked yet are passed over.

Nothing is guessed. A credit that names no bill, several, or one in another currency is listed with the reason, and the
exit code is 3; record it by hand under the reference that is listed, and the next import knows it.
Importing the same file again changes nothing: payments are told apart by the bank's references.`;
  static override examples = [
    '<%= config.bin %> payment import statement.xml',
    '<%= config.bin %> payment import statement.xml --dry-run',
    `<%= config.bin %> payment import - --json < statement.xml | jq -r '.unmatched[] | .reference + " " + .message'`,
  ];
  static override args = { file: requiredArg('Bank statement, XML; - is standard input') };
  static override flags = { 'dry-run': dryRun, 'exit-code': exitCode };

  async run() {
    const { args, flags } = await this.parse(PaymentImport);
    const isPlan = flags['dry-run'];
    const result = await importStatement(await this.context(), args.file, { dryRun: isPlan });
    const { receipts, inserted, unchanged, ignored, unmatched, unmatchedReceipts } = result;
    if (unmatched.length > 0) {
      this.log(unmatchedTable(unmatched));
      if (unmatched.length < unmatchedReceipts) this.say(`The first ${unmatched.length} are listed.`);
      this.say('Record them by hand: uncloud payment record BILL --amount A --date DAY --reference R');
    }
    const counts = `${inserted} recorded, ${unchanged} known, ${unmatchedReceipts} unmatched`;
    const all = counted(receipts, 'receipt');
    const others = counted(ignored, 'other entry', 'other entries');
    this.say(`${isPlan ? 'Would import' : 'Imported'} ${all}: ${counts}; ${others}.`);
    if (unmatchedReceipts > 0) this.exitWith(EXIT.PARTLY);
    else this.exitIfPending(flags, inserted > 0);
    return {
      receipts,
      inserted,
      unchanged,
      ignored,
      unmatched_receipts: unmatchedReceipts,
      unmatched: unmatched.map(unmatchedDocument),
    };
  }
}
