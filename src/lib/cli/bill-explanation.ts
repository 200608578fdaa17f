import { type BillDocument, formatUnitPrice, recordJson } from '../core/bill-document.ts';
import type { Owed, RecordExplanation } from '../core/bill-explanation.ts';
import { recordSeconds } from '../core/charge.ts';
import { formatInstant, lastSecondBefore } from '../core/instant.ts';
import { formatMinor } from '../core/money.ts';
import { formatVatPercent } from '../core/vat.ts';
import { type Cell, renderFields } from './table.ts';

/** An explained record, as `--json` gives it. */
export function explanationDocument(bill: BillDocument, explained: RecordExplanation) {
  return {
    ...recordJson(bill, explained.record),
    charged_before: formatMinor(explained.before.amount, bill.currency),
    charged_after: formatMinor(explained.after.amount, bill.currency),
    rate_valid_from: explained.rateValidFrom,
    rule: explained.rule,
  };
}

/** An explained record with its formulas in numbers, so that they can be checked by hand. */
export function explanationFields(bill: BillDocument, explained: RecordExplanation): string {
  const { record, before, after, periodStart, rateValidFrom } = explained;
  const amount = (owed: Owed) => formatMinor(owed.amount, bill.currency);
  const { rate, territory, treatment, reason } = record.vat;
  const since = rateValidFrom === null ? '' : `, a rate since ${rateValidFrom}`;
  const fields: Record<string, Cell> = {
    Record: [record.id, record.description].filter((part) => part !== '').join(': '),
    Order: bill.orderReferences.get(record.orderId) ?? record.orderId,
    ...(periodStart === null
      ? { On: formatInstant(record.start) }
      : {
          Period: `${record.periodIndex}, which starts at ${formatInstant(periodStart)}`,
          From: formatInstant(record.start),
          To: formatInstant(lastSecondBefore(record.end)),
          Seconds: recordSeconds(record),
        }),
    ...(record.corrects === null ? {} : { Corrects: `record ${record.corrects}` }),
    'Charged before': formula(explained, before, bill),
    'Charged after': formula(explained, after, bill),
    Net: `${amount(after)} − ${amount(before)} = ${formatMinor(record.net, bill.currency)} ${bill.currency}`,
    VAT: `${formatVatPercent(rate)} %, ${treatment} in ${territory}${since}`,
    'VAT reason': reason,
    Rule: explained.rule,
  };
  return renderFields(fields);
}

/** `10.00 × 1 × 1296000 s ÷ 2592000 s = 5.00`; ≈ when the amount was rounded. */
function formula({ record, periodStart }: RecordExplanation, owed: Owed, { currency }: BillDocument): string {
  const amount = formatMinor(owed.amount, currency);
  if (owed.amount === 0n && owed.seconds === 0) return amount;
  const time = periodStart === null ? '' : ` × ${owed.seconds} s ÷ ${record.periodSeconds} s`;
  return `${formatUnitPrice(record)} × ${record.quantity}${time} ${owed.isExact ? '=' : '≈'} ${amount}`;
}
