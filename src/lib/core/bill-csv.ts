import { type BillDocument, recordJson } from './bill-document.ts';
import { csvLine, guarded } from './csv-text.ts';
import { formatInstant } from './instant.ts';

/**
 * A bill as CSV (RFC 4180): the names of the columns, then a line for each record. Text that a spreadsheet would run
 * as a formula gets an apostrophe in front; numbers stay numbers, also below zero.
 */
export function billCsv(bill: BillDocument): string {
  const rows = bill.records.map((record) => Object.entries(columnsOf(bill, recordJson(bill, record))));
  const lines = [(rows[0] ?? []).map(([name]) => name), ...rows.map((row) => row.map(([, cell]) => cell))];
  return lines.map((cells) => csvLine(cells.map((cell) => String(cell ?? '')))).join('');
}

function columnsOf(
  bill: BillDocument,
  record: ReturnType<typeof recordJson>,
): Record<string, string | number | null> {
  const { id, ...rest } = record;
  return {
    number: bill.number,
    issued_at: formatInstant(bill.issuedAt),
    due_on: bill.dueOn,
    username: guarded(bill.username),
    currency: bill.currency,
    record_id: id,
    ...rest,
    order_reference: rest.order_reference === null ? null : guarded(rest.order_reference),
    vat_reason: guarded(rest.vat_reason),
    description: guarded(rest.description),
  };
}
