import { BaseCommand } from '../../lib/cli/command.ts';
import { billArg, day, dryRun, reference, signedPrice } from '../../lib/cli/flags.ts';
import { paymentDocument } from '../../lib/cli/payments.ts';
import { formatMinor } from '../../lib/core/money.ts';
import { recordPayment } from '../../lib/ops/payments.ts';

export default class PaymentRecord extends BaseCommand {
  static override summary = 'Record money that was received for a bill';
  static override description =
    `The reference tells the payments of a bill apart: the same command again changes nothing, and the import of a bank
statement knows a payment by the bank's reference. A payment may cover the bill in part, or be too much.
A negative amount is money given back: for a credit note, of what was overpaid, or to undo a mistake.
What is recorded stays: correct it with the opposite amount under another reference.`;
  static override examples = [
    '<%= config.bin %> payment record 12 --amount 27.03 --date 2026-01-31 --reference ZV20260131/77',
    '<%= config.bin %> payment record 12 --amount -27.03 --date 2026-01-31 --reference "was bill 13: ZV20260131/77"',
  ];
  static override args = { bill: billArg };
  static override flags = {
    amount: signedPrice({
      required: true,
      helpValue: 'AMOUNT',
      summary: 'In the currency of the bill; below zero: given back',
    }),
    date: day({ required: true, summary: 'The day on which the money arrived' }),
    reference: reference({
      required: true,
      summary: "The bank's reference, or another name that the bill's payments do not have yet",
    }),
    'dry-run': dryRun,
  };

  async run() {
    const { args, flags } = await this.parse(PaymentRecord);
    const { amount, date: paidOn, reference } = flags;
    const context = await this.context();
    const options = { dryRun: flags['dry-run'] };
    const { payment, balance, created } = await recordPayment(
      context,
      args.bill,
      { amount, paidOn, reference },
      options,
    );
    const { number, currency } = payment;
    const money = (minor: bigint) => `${formatMinor(minor, currency)} ${currency}`;
    if (!created) this.say('The payment is recorded already; nothing changed.');
    else
      this.say(
        `${options.dryRun ? 'Would record' : 'Recorded'} ${money(payment.amount)} for bill ${number}.`,
      );
    const whose = balance.open < 0n ? ', owed to the buyer' : '';
    this.log(`Bill ${number}: ${money(balance.paid)} paid, ${money(balance.open)} open${whose}`);
    const [paid, open] = [formatMinor(balance.paid, currency), formatMinor(balance.open, currency)];
    return { payment: paymentDocument(payment), created, paid, open };
  }
}
