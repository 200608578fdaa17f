import type { Transaction } from 'kysely';
import { type BillPayment, checkPayment, checkSamePayment } from '../core/balance.ts';
import { refuse, UserError } from '../core/errors.ts';
import {
  billNumberFor,
  isRecordedAs,
  minorOfReceipt,
  type Receipt,
  receiptsOf,
  type StatementEntry,
} from '../core/statement.ts';
import { readOrWrite } from '../io/db/database.ts';
import {
  type BilledAmount,
  findBilledAmounts,
  findPaymentsNamed,
  insertPayments,
  type NewPayment,
} from '../io/db/payments.ts';
import type { Schema } from '../io/db/schema.ts';
import { keepHeapSmall } from '../io/heap.ts';
import { openInput } from '../io/input.ts';
import { KeyIndex } from '../io/key-index.ts';
import type { Context } from './context.ts';

/** Money received that pays no bill of which we can be sure, and why. */
export interface UnmatchedReceipt {
  readonly receipt: Receipt;
  readonly refusal: UserError;
}

/** What the import of a bank statement did, or would do. */
export interface StatementImport {
  /** Receipts in the statement: transactions that are credits, or that take credits back. */
  readonly receipts: number;
  readonly inserted: number;
  /** Recorded before, by an import or by hand. */
  readonly unchanged: number;
  /** Entries that are no receipts: debits, and what is not booked yet. */
  readonly ignored: number;
  /** The first thousand. */
  readonly unmatched: readonly UnmatchedReceipt[];
  readonly unmatchedReceipts: number;
}

const RECEIPTS_PER_BATCH = 1000;
const MOST_UNMATCHED_LISTED = 1000;

/**
 * Records the receipts of a bank statement (camt.053) as payments of the bills whose references they carry, in one
 * transaction. What was recorded before stays as it is; what cannot be matched for certain is listed.
 * @param file its path, or `-` for standard input
 * @throws INPUT_NOT_FOUND, NOT_A_STATEMENT, STATEMENT_FAULTY, XML_MALFORMED, XML_ENCODING, INVALID_TEXT
 */
export async function importStatement(
  context: Context,
  file: string,
  { dryRun = false }: { dryRun?: boolean } = {},
): Promise<StatementImport> {
  keepHeapSmall();
  const database = await context.db();
  const { readStatement } = await import('../io/camt.ts');

  const work = async (tx: Transaction<Schema>): Promise<StatementImport> => {
    const input = await openInput(file);
    const matching = new Matching(tx);
    const counts = new Map<string, number>();
    let ignored = 0;
    for await (const entries of readStatement(input)) {
      const receipts = entries.flatMap((entry) => {
        const found = receiptsIn(entry, counts, input.name);
        if (found.length === 0) ignored += 1;
        return found;
      });
      for (let start = 0; start < receipts.length; start += RECEIPTS_PER_BATCH) {
        const payments = await matching.match(receipts.slice(start, start + RECEIPTS_PER_BATCH));
        if (!dryRun) await insertPayments(tx, payments, context.now);
        if (!dryRun) matching.forgetPlanned();
      }
      context.progress(matching.receipts, null, 'receipts');
    }
    const { receipts, inserted, unchanged, unmatched, unmatchedReceipts } = matching;
    return { receipts, inserted, unchanged, ignored, unmatched, unmatchedReceipts };
  };
  return readOrWrite(database, { topic: 'payments', dryRun }, work);
}

function receiptsIn(entry: StatementEntry, counts: Map<string, number>, file: string): Receipt[] {
  try {
    return receiptsOf(entry, (text) => {
      const count = counts.get(text) ?? 0;
      counts.set(text, count + 1);
      return count;
    });
  } catch (error) {
    throw error instanceof UserError ? error.at(`${file}, line ${entry.line}`) : error;
  }
}

/** Finds out which bills the receipts of a statement pay, batch by batch. */
class Matching {
  readonly #tx: Transaction<Schema>;
  /** By bill: what this import adds to what the database has. */
  readonly #planned = new Map<number, bigint>();
  /** The line of each payment of a bill by its reference. */
  readonly #lineOf = new KeyIndex();
  receipts = 0;
  inserted = 0;
  unchanged = 0;
  unmatchedReceipts = 0;
  readonly unmatched: UnmatchedReceipt[] = [];

  constructor(tx: Transaction<Schema>) {
    this.#tx = tx;
  }

  /** What was planned is in the database now. */
  forgetPlanned(): void {
    this.#planned.clear();
  }

  /** The payments that a batch of receipts adds. */
  async match(receipts: readonly Receipt[]): Promise<NewPayment[]> {
    const meant = receipts.map((receipt) => ({ receipt, number: attempt(() => billNumberFor(receipt)) }));
    const numbers = meant.flatMap(({ number }) => (number instanceof UserError ? [] : [number]));
    const bills = await findBilledAmounts(this.#tx, [...new Set(numbers)]);
    const named = await findPaymentsNamed(this.#tx, [...new Set(receipts.map(({ reference }) => reference))]);
    this.receipts += receipts.length;
    return meant.flatMap(({ receipt, number }) => {
      const stored = named.get(receipt.reference) ?? [];
      const payment = attempt((): NewPayment | null => {
        if (number instanceof UserError) throw number;
        const bill = bills.get(number);
        if (bill === undefined) throw refuse.UNKNOWN_BILL({ bill: String(number) });
        return this.#payment(
          receipt,
          bill,
          stored.find(({ billId }) => billId === bill.id),
        );
      });
      if (payment instanceof UserError && !this.#isRecordedByHand(receipt, stored, payment)) {
        this.unmatchedReceipts += 1;
        if (this.unmatched.length < MOST_UNMATCHED_LISTED) this.unmatched.push({ receipt, refusal: payment });
        return [];
      }
      if (payment === null || payment instanceof UserError) {
        this.unchanged += 1;
        return [];
      }
      this.inserted += 1;
      return [payment];
    });
  }

  /** Whether a person recorded a receipt that cannot be matched: each bank's reference stands for one receipt. */
  #isRecordedByHand(
    receipt: Receipt,
    stored: Parameters<typeof isRecordedAs>[1],
    { code }: UserError,
  ): boolean {
    if (code === 'PAYMENT_REPEATED' || !isRecordedAs(receipt, stored)) return false;
    return this.#lineOf.add(receipt.reference, receipt.line) === undefined;
  }

  /** The payment that a receipt makes; null when it is stored already. */
  #payment(
    receipt: Receipt,
    bill: BilledAmount,
    stored: Pick<BillPayment, 'amount' | 'paidOn'> | undefined,
  ): NewPayment | null {
    const { line, day: paidOn, reference } = receipt;
    const payment = { billId: bill.id, paidOn, amount: minorOfReceipt(receipt, bill), reference };
    const firstLine = this.#lineOf.add(`${bill.id} ${reference}`, line);
    if (firstLine !== undefined) throw refuse.PAYMENT_REPEATED({ reference, firstLine });
    if (stored !== undefined) {
      checkSamePayment(bill, stored, payment);
      return null;
    }
    const planned = this.#planned.get(bill.id) ?? 0n;
    checkPayment(bill, bill.paid + planned, payment.amount);
    this.#planned.set(bill.id, planned + payment.amount);
    return payment;
  }
}

/** What `decide` returns, or why it refuses. */
function attempt<T>(decide: () => T): T | UserError {
  try {
    return decide();
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}
