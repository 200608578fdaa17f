import { type BillDocument, recordJson } from './bill-document.ts';
import { formatInstant } from './instant.ts';

type Cell = string | number | null;

/**
 * A bill as CSV (RFC 4180): the names of the columns, then a line for each record. Text that a spreadsheet would run
 * as a formula gets an apostrophe in front; numbers stay numbers, also below zero.
 */
export function billCsv(bill: BillDocument): string {
  const rows = bill.records.map((record) => Object.entries(columnsOf(bill, recordJson(bill, record))));
  const lines = [(rows[0] ?? []).map(([name]) => name), ...rows.map((row) => row.map(([, cell]) => cell))];
  return lines.map((cells) => `${cells.map(quoted).join(',')}\r\n`).join('');
}

function columnsOf(bill: BillDocument, record: ReturnType<typeof recordJson>): Record<string, Cell> {
  const { id, ...rest } = record;
  return {
    number: bill.number,
    issued_at: formatInstant(bill.issuedAt),
    due_on: bill.dueOn,
    username: inert(bill.username),
    currency: bill.currency,
    record_id: id,
    ...rest,
    order_reference: rest.order_reference === null ? null : inert(rest.order_reference),
    vat_reason: inert(rest.vat_reason),
    description: inert(rest.description),
  };
}

/** Spreadsheets take a cell that begins so for a formula, also in the full-width forms that Excel knows. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

function inert(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

function quoted(cell: Cell): string {
  const text = cell === null ? '' : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
