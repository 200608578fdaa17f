import type { BillPayment } from './balance.ts';
import type { VatGroup } from './bill.ts';
import { compareText } from './compare-text.ts';
import { refuse } from './errors.ts';
import { type Day, dayOf, type Instant } from './instant.ts';
import { CURRENCY_DECIMALS, type Currency, formatMinor, type Minor } from './money.ts';
import { formatVatPercent } from './vat.ts';

/** A bill as bookkeeping sees it. */
export interface BookedBill {
  readonly id: number;
  /** Null for a draft. */
  readonly number: number | null;
  readonly kind: 'invoice' | 'credit_note';
  /** The one that the bill was made with, so that its account stays the same when the user is renamed. */
  readonly username: string;
  /** Who it was sent to, as it is printed. */
  readonly payee: string;
  readonly currency: Currency;
  readonly issuedAt: Instant;
  readonly dueOn: Day | null;
  readonly total: Minor;
  readonly vatGroups: readonly VatGroup[];
  /** By day. */
  readonly payments: readonly BillPayment[];
}

/** What happens to the account of a bill. */
interface Transaction {
  readonly day: Day;
  readonly title: string;
  readonly tags: string;
  /** What the account of the bill gains. */
  readonly amount: Minor;
  readonly others: readonly (readonly [account: string, amount: Minor])[];
}

/**
 * Writes bills as a journal for hledger (its manual, "Journal"), one after the other. Each bill has an account of its
 * own below that of the customer, and each transaction asserts what the customer owes on the bill afterwards: a bill
 * that stands in the books twice, or is lost from them, is found by `hledger check`, however files are put together.
 * Accounts and currencies are declared, as `hledger check --strict` demands.
 */
export class Journal {
  readonly #declared = new Set<string>();

  /** What stands above the first bill. */
  head(): string {
    return '; Bills and what was paid for them, written by uncloud.\ndecimal-mark .\n';
  }

  /**
   * The transactions of a bill: itself and its payments.
   * @throws DRAFT_NOT_ISSUED
   */
  entryOf(bill: BookedBill): string {
    if (bill.number === null) throw refuse.DRAFT_NOT_ISSUED({ id: bill.id });
    const account = `assets:receivable:${accountName(bill.username)}:${bill.number}`;
    const transactions = transactionsOf(bill).sort((a, b) => compareText(a.day, b.day));
    let balance = 0n;
    const written = transactions.map((transaction) => {
      balance += transaction.amount;
      return this.#write(bill, account, transaction, balance);
    });
    const { currency } = bill;
    const commodity = `commodity ${formatMinor(10n ** BigInt(3 + CURRENCY_DECIMALS[currency]), currency)}`;
    const declared = [
      // A number format without a decimal mark is refused.
      this.#declare(`${commodity}${CURRENCY_DECIMALS[currency] === 0 ? '.' : ''} ${currency}`),
      ...transactions.flatMap(({ others }) => others.map(([name]) => this.#declare(`account ${name}`))),
      `account ${account}\n`,
    ];
    return `\n${declared.join('')}${written.join('\n')}`;
  }

  #write(
    { number, payee, currency }: BookedBill,
    account: string,
    made: Transaction,
    balance: Minor,
  ): string {
    const amount = (minor: Minor) => `${formatMinor(minor, currency)} ${currency}`;
    const postings = [
      [account, `${amount(made.amount)} = ${amount(balance)}`],
      ...made.others.map(([name, minor]) => [name, amount(minor)]),
    ];
    const lines = postings.map(([name, value]) => `    ${name}  ${value}\n`);
    return `${made.day} (${number}) ${oneLine(payee)} | ${made.title}  ; ${made.tags}\n${lines.join('')}`;
  }

  #declare(directive: string): string {
    if (this.#declared.has(directive)) return '';
    this.#declared.add(directive);
    return `${directive}\n`;
  }
}

function transactionsOf({
  number,
  kind,
  username,
  issuedAt,
  dueOn,
  total,
  ...bill
}: BookedBill): Transaction[] {
  const title = `${kind === 'invoice' ? 'Invoice' : 'Credit note'} ${number}`;
  const user = `user:${oneLine(username)}`;
  const issue: Transaction = {
    day: dayOf(issuedAt),
    title,
    tags: dueOn === null ? user : `${user}, due:${dueOn}`,
    amount: total,
    others: bill.vatGroups.flatMap(({ treatment, territory, rate, base, vat }) => {
      const place = accountName(territory);
      const tax = [`liabilities:vat:${place}:${formatVatPercent(rate)}%`, -vat] as const;
      return [[`revenues:${treatment}:${place}`, -base] as const, ...(vat === 0n ? [] : [tax])];
    }),
  };
  const payments = bill.payments.map(({ paidOn, amount, reference }) => ({
    day: paidOn,
    title: `${amount > 0n ? 'Payment of' : 'Given back for'} ${title.toLowerCase()}`,
    tags: `${user}, reference:${oneLine(reference)}`,
    amount: -amount,
    others: [['assets:payments', amount] as const],
  }));
  return [issue, ...payments];
}

/** A part of the name of an account: letters, digits and marks that mean nothing to hledger. */
function accountName(text: string): string {
  return text.replace(/[^\p{L}\p{N}._@+-]/gu, '_');
}

/** Text without what ends a line, a description, a comment or a tag. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Zs}]+/gu, ' ')
    .replaceAll('|', '/')
    .replace(/[;,]/g, '.')
    .trim();
}
