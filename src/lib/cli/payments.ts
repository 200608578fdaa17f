import { formatInstant } from '../core/instant.ts';
import { formatMinor } from '../core/money.ts';
import { formatStatementAmount } from '../core/statement.ts';
import type { StoredPayment } from '../io/db/payments.ts';
import type { UnmatchedReceipt } from '../ops/statement-import.ts';
import { refusalDocument } from './document.ts';
import { type Cell, renderTable, right, toCode } from './table.ts';

/** A payment, as `--json` gives it. */
export function paymentDocument(payment: Omit<StoredPayment, 'id'> & { readonly id: number | null }) {
  return {
    id: payment.id,
    bill: payment.number,
    bill_id: payment.billId,
    username: payment.username,
    paid_on: payment.paidOn,
    amount: formatMinor(payment.amount, payment.currency),
    currency: payment.currency,
    reference: payment.reference,
    recorded_at: formatInstant(payment.recordedAt),
  };
}

/** A table of payments. */
export function paymentTable(payments: readonly StoredPayment[]): string {
  const columns = [
    { ...right('payment'), spare: 1 },
    right('bill'),
    { title: 'user' },
    { title: 'paid on' },
    right('amount'),
    { title: 'currency', shorten: toCode },
    { title: 'reference', yields: true },
  ];
  const rows = payments.map((payment): Cell[] => [
    payment.id,
    payment.number,
    payment.username,
    payment.paidOn,
    formatMinor(payment.amount, payment.currency),
    payment.currency,
    payment.reference,
  ]);
  return renderTable(columns, rows);
}

/** A receipt that pays no bill for certain, as `--json` gives it. */
export function unmatchedDocument({ receipt, refusal }: UnmatchedReceipt) {
  return {
    line: receipt.line,
    paid_on: receipt.day,
    amount: formatStatementAmount(receipt.amount, receipt.currency),
    currency: receipt.currency,
    reference: receipt.reference,
    creditor_references: receipt.creditorReferences,
    end_to_end_id: receipt.endToEndId,
    payer: receipt.payer,
    ...refusalDocument(refusal),
  };
}

/** A table of receipts that pay no bill for certain. */
export function unmatchedTable(unmatched: readonly UnmatchedReceipt[]): string {
  const columns = [
    right('line'),
    { title: 'paid on' },
    right('amount'),
    { title: 'currency', shorten: toCode },
    { title: 'reference' },
    { title: 'payer', yields: true },
    { title: 'why', below: true },
  ];
  const rows = unmatched.map(({ receipt, refusal }): Cell[] => [
    receipt.line,
    receipt.day,
    formatStatementAmount(receipt.amount, receipt.currency),
    receipt.currency,
    receipt.reference,
    receipt.payer ?? receipt.endToEndId,
    refusal.message,
  ]);
  return renderTable(columns, rows);
}
