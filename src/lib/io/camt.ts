import { quote, refuse, type UserError } from '../core/errors.ts';
import { type Day, parseDay } from '../core/instant.ts';
import { type EntryDetail, NO_DETAIL, parseStatementAmount, type StatementEntry } from '../core/statement.ts';
import type { Input } from './input.ts';
import { type XmlElement, XmlReader } from './xml.ts';

/** The versions that banks send: of 2009, of 2013, and of 2019, which the Swiss Payment Standards ask for. */
const NAMESPACE = /^urn:iso:std:iso:20022:tech:xsd:camt\.053\.001\.(02|04|08)$/;

const STATEMENT = 'Document/BkToCstmrStmt/Stmt';
const ENTRY = `${STATEMENT}/Ntry`;
const DETAIL = `${ENTRY}/NtryDtls/TxDtls`;

const ENTRIES_PER_BATCH = 100;

type Draft<T> = {
  -readonly [Field in keyof T]?: T[Field] extends readonly (infer Item)[] ? Item[] : T[Field];
};

/**
 * Reads the entries of a bank statement (camt.053 of ISO 20022) as a stream, in batches. Memory stays flat, but for
 * the transactions of a single entry.
 * @throws NOT_A_STATEMENT, STATEMENT_FAULTY, XML_MALFORMED, XML_ENCODING
 */
export async function* readStatement({ name, bytes }: Input): AsyncGenerator<StatementEntry[]> {
  const statement = new Statement(name);
  for await (const chunk of bytes) {
    statement.xml.write(chunk);
    if (statement.entries.length >= ENTRIES_PER_BATCH) yield statement.takeEntries();
  }
  statement.xml.end();
  yield statement.takeEntries();
}

class Statement {
  readonly xml: XmlReader;
  readonly #file: string;
  entries: StatementEntry[] = [];
  account = '';
  entry: Draft<StatementEntry> = {};
  details: Draft<EntryDetail>[] = [];

  constructor(file: string) {
    this.#file = file;
    this.xml = new XmlReader(file, this);
  }

  takeEntries(): StatementEntry[] {
    const { entries } = this;
    this.entries = [];
    return entries;
  }

  root(name: string, namespace: string): void {
    if (name === 'Document' && NAMESPACE.test(namespace)) return;
    const found = namespace === '' ? quote(name) : `${quote(name)} of ${quote(namespace)}`;
    throw refuse.NOT_A_STATEMENT({ file: this.#file, found });
  }

  open(path: string): void {
    if (path === STATEMENT) {
      this.account = '';
    } else if (path === ENTRY) {
      this.entry = { line: this.xml.line };
      this.details = [];
    } else if (path === DETAIL) {
      this.details.push({ line: this.xml.line });
    }
  }

  close(element: XmlElement): void {
    const { path } = element;
    if (path === ENTRY) this.entries.push(this.#finished());
    else FIELDS.get(path)?.(this, element);
  }

  /** The amount of an element and its currency. */
  amount({ path, text, attribute }: XmlElement) {
    const amount = parseStatementAmount(text);
    const currency = attribute('Ccy');
    if (amount === null || currency === undefined) {
      throw this.#faulty(`${nameOf(path)} ${quote(text)} is not an amount with its currency`);
    }
    return { amount, currency };
  }

  /** Whether a CdtDbtInd says credit. */
  isCredit({ text }: XmlElement): boolean {
    if (text !== 'CRDT' && text !== 'DBIT') {
      throw this.#faulty(`CdtDbtInd is ${quote(text)}, neither CRDT nor DBIT`);
    }
    return text === 'CRDT';
  }

  /** The day of a date, or of a time: the day of the bank. */
  day({ path, text }: XmlElement): Day {
    try {
      return parseDay(text.slice(0, 10));
    } catch {
      throw this.#faulty(`${nameOf(path)} ${quote(text)} is not a day`);
    }
  }

  #finished(): StatementEntry {
    const { line = 0, day, amount, currency, isCredit, isBooked } = this.entry;
    if (amount === undefined || currency === undefined) throw this.#faulty('the entry has no Amt');
    if (isCredit === undefined) throw this.#faulty('the entry has no CdtDbtInd');
    if (isBooked === undefined) throw this.#faulty('the entry has no Sts');
    if (day === undefined) throw this.#faulty('the entry has neither a BookgDt nor a ValDt');
    const { isReversal = false, hasCharges = false, bankReference = null } = this.entry;
    const { account } = this;
    const details = this.details.map((detail) => ({ ...NO_DETAIL, line, ...detail }));
    const direction = { isCredit, isReversal, isBooked, hasCharges };
    return { line, account, day, amount, currency, ...direction, bankReference, details };
  }

  #faulty(reason: string): UserError {
    return refuse.STATEMENT_FAULTY({ file: this.#file, line: this.xml.line, reason });
  }
}

type Field = (statement: Statement, element: XmlElement) => void;

/** What is read, by where it stands. */
const FIELDS = new Map<string, Field>([
  [`${STATEMENT}/Acct/Id/IBAN`, (statement, { text }) => (statement.account = text)],
  [`${STATEMENT}/Acct/Id/Othr/Id`, (statement, { text }) => (statement.account = text)],
  ofEntry('Amt', (entry, element, statement) => Object.assign(entry, statement.amount(element))),
  ofEntry('CdtDbtInd', (entry, element, statement) => (entry.isCredit = statement.isCredit(element))),
  ofEntry('RvslInd', (entry, { text }) => (entry.isReversal = text === 'true' || text === '1')),
  // The status is text up to version 04 and a choice in 08.
  ofEntry('Sts', (entry, { text }) => (entry.isBooked ??= text === 'BOOK')),
  ofEntry('Sts/Cd', (entry, { text }) => (entry.isBooked = text === 'BOOK')),
  ofEntry('BookgDt/Dt', (entry, element, statement) => (entry.day = statement.day(element))),
  ofEntry('BookgDt/DtTm', (entry, element, statement) => (entry.day = statement.day(element))),
  ofEntry('ValDt/Dt', (entry, element, statement) => (entry.day ??= statement.day(element))),
  ofEntry('ValDt/DtTm', (entry, element, statement) => (entry.day ??= statement.day(element))),
  ofEntry('AcctSvcrRef', (entry, { text }) => (entry.bankReference = text || null)),
  ofEntry('Chrgs', (entry) => (entry.hasCharges = true)),
  ofDetail('Chrgs', (_, __, { entry }) => (entry.hasCharges = true)),
  // The amount stands in Amt from version 04 on, before that in AmtDtls only.
  ofDetail('Amt', (detail, element, statement) => Object.assign(detail, statement.amount(element))),
  ofDetail('AmtDtls/TxAmt/Amt', (detail, element, statement) => {
    if (detail.amount === undefined) Object.assign(detail, statement.amount(element));
  }),
  ofDetail('CdtDbtInd', (detail, element, statement) => (detail.isCredit = statement.isCredit(element))),
  ofDetail('Refs/AcctSvcrRef', (detail, { text }) => (detail.bankReference = text || null)),
  ofDetail('Refs/EndToEndId', (detail, { text }) => (detail.endToEndId = namedOrNull(text))),
  ofDetail('RltdPties/Dbtr/Nm', (detail, { text }) => (detail.payer = text)),
  ofDetail('RltdPties/Dbtr/Pty/Nm', (detail, { text }) => (detail.payer = text)),
  ofDetail('RmtInf/Strd/CdtrRefInf/Ref', (detail, { text }) => {
    detail.creditorReferences ??= [];
    detail.creditorReferences.push(text);
  }),
]);

function ofEntry(
  path: string,
  read: (entry: Draft<StatementEntry>, element: XmlElement, statement: Statement) => void,
): [string, Field] {
  return [`${ENTRY}/${path}`, (statement, element) => read(statement.entry, element, statement)];
}

function ofDetail(
  path: string,
  read: (detail: Draft<EntryDetail>, element: XmlElement, statement: Statement) => void,
): [string, Field] {
  const field: Field = (statement, element) => {
    const detail = statement.details.at(-1);
    if (detail !== undefined) read(detail, element, statement);
  };
  return [`${DETAIL}/${path}`, field];
}

/** What ISO 20022 has payers write who have no name for a payment. */
function namedOrNull(text: string): string | null {
  return text === '' || text === 'NOTPROVIDED' ? null : text;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
