import { join } from 'node:path';
import { billCsv } from '../core/bill-csv.ts';
import { type BillDocument, billJson } from '../core/bill-document.ts';
import type { BillReference } from '../core/bill-reference.ts';
import { refuse } from '../core/errors.ts';
import { printedBill } from '../core/printed-bill.ts';
import { getBill } from '../io/db/bills.ts';
import { writeFileAtomically } from '../io/files.ts';
import { bytesIfPresent, isFolder, makeFolder } from '../io/output.ts';
import type { Context } from './context.ts';

/** What bills are exported as. */
export const BILL_FORMATS = ['pdf', 'json', 'csv'] as const;
export type BillFormat = (typeof BILL_FORMATS)[number];

/**
 * One bill as a file, in memory.
 * @throws UNKNOWN_BILL
 */
export async function renderBill(
  context: Context,
  reference: BillReference,
  format: BillFormat,
): Promise<Uint8Array> {
  const [bill] = await findAll(context, [reference]);
  if (bill === undefined) throw new Error('one reference gives one bill');
  return render(bill, format);
}

/**
 * Writes each bill into a file of its own: into the folder `output`, or, for one bill, into the file of that name.
 * Files that have the same content already are left alone. When one is in the way, nothing is written.
 * @returns their paths, in the order of the references
 * @throws UNKNOWN_BILL, FILE_EXISTS, FILE_NOT_WRITABLE
 */
export async function exportBills(
  context: Context,
  references: readonly BillReference[],
  { format, output }: { format: BillFormat; output: string },
): Promise<string[]> {
  const bills = await findAll(context, references);
  const intoFolder = bills.length > 1 || output.endsWith('/') || (await isFolder(output));
  const files = bills.map((bill) => ({
    bill,
    path: intoFolder ? join(output, fileNameOf(bill, format)) : output,
  }));
  const missing: typeof files = [];
  for (const file of files) {
    const existing = await bytesIfPresent(file.path);
    if (existing === undefined) missing.push(file);
    else if (!(await render(file.bill, format)).equals(existing)) {
      throw refuse.FILE_EXISTS({ file: file.path });
    }
  }
  if (intoFolder) await makeFolder(output);
  for (const [done, { bill, path }] of missing.entries()) {
    await writeFileAtomically(path, await render(bill, format));
    context.progress(done + 1, missing.length, 'bills');
  }
  return files.map(({ path }) => path);
}

/** All from one snapshot, each once. */
async function findAll(context: Context, references: readonly BillReference[]): Promise<BillDocument[]> {
  const database = await context.db();
  return database.read(async (tx) => {
    const bills = new Map<number, BillDocument>();
    for (const reference of references) {
      const bill = await getBill(tx, reference);
      bills.set(bill.id, bill);
    }
    return [...bills.values()];
  });
}

async function render(bill: BillDocument, format: BillFormat): Promise<Buffer> {
  if (format === 'csv') return Buffer.from(billCsv(bill));
  if (format === 'json') {
    return Buffer.from(`${JSON.stringify({ schema_version: 1, bill: billJson(bill) }, null, 2)}\n`);
  }
  const { renderBillPdf } = await import('../io/bill-pdf.ts');
  return renderBillPdf(printedBill(bill));
}

/** `bill-000012.pdf`; names stand in the order of the numbers. */
function fileNameOf({ id, number }: BillDocument, format: BillFormat): string {
  const [kind, value] = number === null ? ['draft', id] : ['bill', number];
  return `${kind}-${String(value).padStart(6, '0')}.${format}`;
}
