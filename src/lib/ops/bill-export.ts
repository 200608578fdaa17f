import { join } from 'node:path';
import { billCsv } from '../core/bill-csv.ts';
import { type BillDocument, billJson } from '../core/bill-document.ts';
import { type BillSelection, isNamed } from '../core/bill-selection.ts';
import { refuse, UserError } from '../core/errors.ts';
import { Journal } from '../core/journal.ts';
import { printedBill } from '../core/printed-bill.ts';
import { ubl } from '../core/ubl.ts';
import { type BillKey, findBillDocuments, findBillKeys, findBookedBills } from '../io/db/bills.ts';
import type { Database } from '../io/db/database.ts';
import { writeFileAtomically } from '../io/files.ts';
import { bytesIfPresent, hasContent, isFolder, isThere, makeFolder } from '../io/output.ts';
import { writeToStdout } from '../io/stdout.ts';
import type { Context } from './context.ts';

/** What bills are exported as: each into a file of its own, but for `hledger` all into one. */
export const BILL_FORMATS = ['pdf', 'ubl', 'json', 'csv', 'hledger'] as const;
export type BillFormat = (typeof BILL_FORMATS)[number];
type DocumentFormat = Exclude<BillFormat, 'hledger'>;

/** Bills that are in memory at the same time. */
const PAGE = 100;
const JOURNAL_PAGE = 1_000;

/** What an export did. */
export interface BillExport {
  /** The files that hold the bills now, in the order of the selection. */
  readonly files: readonly string[];
  /** The bills that cannot be such a document. */
  readonly refused: readonly { readonly bill: BillKey; readonly refusal: UserError }[];
}

/**
 * Writes the only document of a selection to standard output: one bill, or a journal.
 * @returns how many bills it has
 * @throws UNKNOWN_BILL, DRAFT_NOT_ISSUED, E_INVOICE_INCOMPLETE, STDOUT_TAKEN when there are several documents
 */
export async function printBills(
  context: Context,
  selection: BillSelection,
  format: BillFormat,
): Promise<number> {
  const database = await context.db();
  const keys = await database.read((tx) => findBillKeys(tx, selection));
  if (format !== 'hledger' && keys.length > 1) throw refuse.STDOUT_TAKEN({ documents: keys.length });
  await writeToStdout(
    format === 'hledger' ? journal(database, keys) : rendered(documents(database, keys), format),
  );
  return keys.length;
}

/**
 * Writes each bill into a file of its own: into the folder `output`, or, for one bill, into the file of that name. A
 * journal is one file. Files that have the same content already are left alone. When one is in the way, nothing is
 * written. Of several bills, those that cannot be such a document are left out and listed.
 * @throws UNKNOWN_BILL, DRAFT_NOT_ISSUED, E_INVOICE_INCOMPLETE, FILE_EXISTS, FILE_NOT_WRITABLE
 */
export async function exportBills(
  context: Context,
  selection: BillSelection,
  { format, output }: { format: BillFormat; output: string },
): Promise<BillExport> {
  const database = await context.db();
  const keys = await database.read((tx) => findBillKeys(tx, selection));
  const isOne = format === 'hledger' || (isNamed(selection) && keys.length === 1);
  const intoFolder = !isOne || output.endsWith('/') || (await isFolder(output));
  const pathOf = (key: BillKey) => (intoFolder ? join(output, fileNameOf(key, format)) : output);
  if (format === 'hledger') {
    const file = intoFolder ? join(output, 'bills.journal') : output;
    const isPresent = await isThere(file);
    if (isPresent && !(await hasContent(file, journal(database, keys)))) throw refuse.FILE_EXISTS({ file });
    if (intoFolder) await makeFolder(output);
    if (!isPresent) await writeFileAtomically(file, journal(database, keys));
    return { files: [file], refused: [] };
  }

  const refused = new Map<number, BillExport['refused'][number]>();
  const tryToRender = async (bill: BillDocument): Promise<Buffer | null> => {
    try {
      return await render(bill, format);
    } catch (refusal) {
      if (!(refusal instanceof UserError) || isOne) throw refusal;
      refused.set(bill.id, { bill, refusal });
      return null;
    }
  };
  const present: BillKey[] = [];
  const missing: BillKey[] = [];
  for (const key of keys) ((await isThere(pathOf(key))) ? present : missing).push(key);
  for await (const bill of documents(database, present)) {
    const file = pathOf(bill);
    const bytes = await tryToRender(bill);
    if (bytes !== null && !(await bytesIfPresent(file))?.equals(bytes)) throw refuse.FILE_EXISTS({ file });
  }
  if (intoFolder) await makeFolder(output);
  let done = 0;
  for await (const bill of documents(database, missing)) {
    const bytes = await tryToRender(bill);
    if (bytes !== null) await writeFileAtomically(pathOf(bill), bytes);
    context.progress(++done, missing.length, 'bills');
  }
  return {
    files: keys.filter(({ id }) => !refused.has(id)).map(pathOf),
    refused: keys.flatMap(({ id }) => refused.get(id) ?? []),
  };
}

/** The bills one after the other, read in pages. Issued bills do not change, so that pages fit each other. */
async function* documents(database: Database, keys: readonly BillKey[]): AsyncGenerator<BillDocument> {
  for (let start = 0; start < keys.length; start += PAGE) {
    const page = keys.slice(start, start + PAGE);
    yield* await database.read((tx) => findBillDocuments(tx, page));
  }
}

/** A journal in pieces. The payments for a bill are those of the moment in which it is read. */
async function* journal(database: Database, keys: readonly BillKey[]): AsyncGenerator<string> {
  const writer = new Journal();
  // With the first bills: where one of them is refused, nothing was said.
  let text = writer.head();
  for (let start = 0; start < keys.length; start += JOURNAL_PAGE) {
    const page = keys.slice(start, start + JOURNAL_PAGE);
    const bills = await database.read((tx) => findBookedBills(tx, page));
    for (const bill of bills) text += writer.entryOf(bill);
    yield text;
    text = '';
  }
  yield text;
}

async function* rendered(
  bills: AsyncIterable<BillDocument>,
  format: DocumentFormat,
): AsyncGenerator<Uint8Array> {
  for await (const bill of bills) yield await render(bill, format);
}

async function render(bill: BillDocument, format: DocumentFormat): Promise<Buffer> {
  if (format === 'csv') return Buffer.from(billCsv(bill));
  if (format === 'ubl') return Buffer.from(ubl(bill));
  if (format === 'json') {
    return Buffer.from(`${JSON.stringify({ schema_version: 1, bill: billJson(bill) }, null, 2)}\n`);
  }
  const { renderBillPdf } = await import('../io/bill-pdf.ts');
  return renderBillPdf(printedBill(bill));
}

/** `bill-000012.pdf`; names stand in the order of the numbers. */
function fileNameOf({ id, number }: BillKey, format: BillFormat): string {
  const [kind, value] = number === null ? ['draft', id] : ['bill', number];
  return `${kind}-${String(value).padStart(6, '0')}.${format === 'ubl' ? 'xml' : format}`;
}
