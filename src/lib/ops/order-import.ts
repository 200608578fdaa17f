import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import { refuse, UserError } from '../core/errors.ts';
import { ImportReport, type ImportResult } from '../core/import-report.ts';
import { type Instant, parseInstant } from '../core/instant.ts';
import { parseCurrency, parsePrice } from '../core/money.ts';
import {
  differingFields,
  type OrderRequest,
  parseCharge,
  parseCount,
  parseNotForBilling,
  placeOrder,
} from '../core/new-order.ts';
import { parsePeriod } from '../core/period.ts';
import { parseProductDescription, parseProductName } from '../core/product.ts';
import { parseReference, type Reference } from '../core/reference.ts';
import { ReplacementQueue } from '../core/replacement-queue.ts';
import { parseUsername, type Username } from '../core/user.ts';
import { reserveIds } from '../io/db/ids.ts';
import { findOrderRows, insertOrders, type OrderInsert, type PlacedOrderRow } from '../io/db/orders.ts';
import { findProducts, type StoredProduct } from '../io/db/products.ts';
import type { Schema } from '../io/db/schema.ts';
import { takeStatistics } from '../io/db/statistics.ts';
import { type ImportRow, readImportRows } from '../io/import-rows.ts';
import { openInput } from '../io/input.ts';
import type { Context } from './context.ts';

export interface ImportOptions {
  /** Write the good rows although others are refused. */
  readonly partial: boolean;
  /** Decide about every row and write nothing. */
  readonly dryRun: boolean;
}

/**
 * Places orders from a CSV file in one transaction. A row whose reference is known with the same content is left
 * alone. `replaces` names an order of the database or of any row of the file.
 * @param file its path, or `-` for standard input
 * @throws IMPORT_REFUSED for faulty rows unless `partial`, INPUT_NOT_FOUND and the CSV_… refusals
 */
export async function importOrders(
  context: Context,
  file: string,
  { partial, dryRun }: ImportOptions,
): Promise<ImportResult> {
  const input = await openInput(file);
  const database = await context.db();
  const parsers = parsersAt(context.now);
  const format = { parsers, required: ['username'], key: 'reference' } as const;

  const work = async (tx: Transaction<Schema>): Promise<ImportResult> => {
    const report = new ImportReport();
    const decisions = new Decisions(report, await findProducts(tx), context.now);
    const named = namesRows();
    for await (const batch of readImportRows(input, format, report)) {
      const rows = batch.map(named);
      const placements = decisions.take(rows, await findKnown(tx, rows));
      const isDoomed = report.refusedRows > 0 && !partial;
      if (!dryRun && !isDoomed) await insertPlacements(tx, placements);
      context.progress(report.rows, null, 'orders');
    }
    decisions.end();
    const result = report.result();
    if (result.refusedRows > 0 && !partial) throw refuse.IMPORT_REFUSED({ file: input.name, ...result });
    if (!dryRun && result.inserted > 0) await takeStatistics(tx, 'orders');
    return result;
  };
  return dryRun ? database.read(work) : database.write('orders', work);
}

function parsersAt(now: Instant) {
  return {
    username: parseUsername,
    product: parseProductName,
    quantity: (text: string) => parseCount('quantity', text),
    starts_at: (text: string) => parseInstant(text, now),
    ends_at: (text: string) => parseInstant(text, now),
    period: parsePeriod,
    recurring_price: (text: string) => parsePrice(text),
    one_time_price: (text: string) => parsePrice(text, { negative: true }),
    currency: parseCurrency,
    commitment_periods: (text: string) => parseCount('commitment', text),
    charge: parseCharge,
    description: parseProductDescription,
    replaces: parseReference,
    not_for_billing: parseNotForBilling,
    reference: parseReference,
  };
}

/** Columns whose refusals name the field in words. */
const COLUMN_OF: Readonly<Record<string, string>> = {
  'recurring price': 'recurring_price',
  'one-time price': 'one_time_price',
  start: 'starts_at',
  end: 'ends_at',
  commitment: 'commitment_periods',
  predecessor: 'replaces',
};

type Row = ImportRow<ReturnType<typeof parsersAt>>;

/** A row with the reference of its own or, if it has none, one that is made of its content. */
interface NamedRow {
  readonly row: Row;
  readonly reference: Reference;
}

/** What the database knows about the rows of a batch. */
interface Known {
  readonly users: ReadonlyMap<Username, number>;
  /** Those with the references of the rows, and those that the rows replace. */
  readonly orders: ReadonlyMap<Reference, PlacedOrderRow>;
}

/** What an order that replaces this one depends on. The id of a new order is set when it is inserted. */
interface Predecessor {
  id: number;
  readonly userId: number;
  readonly currency: string;
}

/** A row that makes a new order, if what it replaces allows it. */
interface Candidate extends NamedRow {
  readonly insert: Omit<OrderInsert, 'id'>;
}

interface Placement {
  readonly insert: Omit<OrderInsert, 'id'>;
  readonly itself: Predecessor;
  readonly predecessor: Predecessor | null;
}

/** Decides about the rows of a file in turn. */
class Decisions {
  readonly #report: ImportReport;
  readonly #products: ReadonlyMap<string, StoredProduct>;
  readonly #now: Instant;
  readonly #queue = new ReplacementQueue<Candidate & { readonly replaces: Reference }>();
  /** The orders that this file adds. */
  readonly #added = new Map<Reference, Predecessor>();

  constructor(report: ImportReport, products: readonly StoredProduct[], now: Instant) {
    this.#report = report;
    this.#products = new Map(products.map((product) => [product.name, product]));
    this.#now = now;
  }

  /** The orders to insert after these rows; one that replaces another stands after it. */
  take(rows: readonly NamedRow[], known: Known): Placement[] {
    return rows.flatMap((named) => {
      const insert = this.#attempt(named.row, () => this.#decide(named, known));
      if (insert === undefined) return [];
      if (insert === null) {
        this.#report.unchanged += 1;
        return [];
      }
      const { replaces } = named.row.values;
      if (replaces === undefined) return this.#place({ ...named, insert }, null);
      const predecessor = known.orders.get(replaces) ?? this.#added.get(replaces);
      if (predecessor !== undefined) return this.#place({ ...named, insert }, predecessor);
      this.#queue.add({ ...named, insert, replaces });
      return [];
    });
  }

  /** Refuses the rows whose predecessor did not come. */
  end(): void {
    for (const { row, error } of this.#queue.rest()) this.#refuse(row.row, error);
  }

  /** The order that a row makes; null when the database has it already. */
  #decide({ row, reference }: NamedRow, { users, orders }: Known): Candidate['insert'] | null {
    const { username = '' as Username, product: name, replaces } = row.values;
    const userId = users.get(username);
    if (userId === undefined) throw refuse.UNKNOWN_USER({ username });
    const product = name === undefined ? null : this.#products.get(name);
    if (product === undefined) throw refuse.UNKNOWN_PRODUCT({ name: name ?? '' });
    const stored = orders.get(reference);
    const request = requestOf(row);
    const order = placeOrder(request, product, { startsAt: stored?.startsAt ?? this.#now, replaces: null });
    if (stored === undefined) {
      return { order, userId, productId: product?.id ?? null, reference, createdAt: this.#now };
    }
    const wanted = { ...order, username, product: product?.name ?? null, predecessor: replaces ?? null };
    const fields = differingFields(stored, wanted, request);
    if (fields.length > 0) throw refuse.REFERENCE_TAKEN({ reference, order: stored.id, fields });
    return null;
  }

  /** A new order, and those further up in the file that waited for it. */
  #place(first: Candidate, predecessorOfFirst: Predecessor | null): Placement[] {
    const placements: Placement[] = [];
    const ready: [Candidate, Predecessor | null][] = [[first, predecessorOfFirst]];
    for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
      const [{ row, reference, insert }, predecessor] = next;
      if (this.#attempt(row, () => checkSuccession(insert, predecessor, row)) === undefined) continue;
      const itself = { id: 0, userId: insert.userId, currency: insert.order.currency };
      placements.push({ insert, itself, predecessor });
      this.#added.set(reference, itself);
      this.#report.inserted += 1;
      for (const waiting of this.#queue.release(reference)) ready.push([waiting, itself]);
    }
    return placements;
  }

  #attempt<T>(row: Row, decide: () => T): T | undefined {
    try {
      return decide();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#refuse(row, error);
      return undefined;
    }
  }

  #refuse(row: Row, error: UserError): void {
    const { field } = error.data;
    this.#report.refuse(row, error, typeof field === 'string' ? COLUMN_OF[field] : undefined);
  }
}

function checkSuccession(
  { userId, order }: Candidate['insert'],
  predecessor: Predecessor | null,
  { values }: Row,
): boolean {
  if (predecessor === null) return true;
  if (predecessor.userId !== userId) {
    throw refuse.INVALID_ORDER({ field: 'predecessor', fault: 'belongs to another user' });
  }
  if (predecessor.currency !== order.currency) {
    const facts = { currency: predecessor.currency, other: order.currency };
    throw refuse.CURRENCY_MISMATCH({ order: values.replaces ?? '', ...facts });
  }
  return true;
}

function requestOf({ values }: Row): OrderRequest {
  return {
    period: values.period,
    recurringPrice: values.recurring_price,
    oneTimePrice: values.one_time_price,
    currency: values.currency,
    quantity: values.quantity,
    commitmentPeriods: values.commitment_periods,
    charge: values.charge,
    description: values.description,
    startsAt: values.starts_at,
    endsAt: values.ends_at,
    notForBilling: values.not_for_billing,
  };
}

/**
 * Names the rows of one file. A row without a reference is named by its content and, among equal ones, by its turn,
 * so that importing the same file again finds the orders that it made.
 */
function namesRows(): (row: Row) => NamedRow {
  const turns = new Map<string, number>();
  return (row) => {
    const own = row.values.reference;
    if (own !== undefined) return { row, reference: own };
    const hash = createHash('sha256').update(JSON.stringify(row.texts)).digest('hex').slice(0, 32);
    const turn = (turns.get(hash) ?? 0) + 1;
    turns.set(hash, turn);
    return { row, reference: parseReference(`import-${hash}-${turn}`) };
  };
}

async function findKnown(tx: Transaction<Schema>, rows: readonly NamedRow[]): Promise<Known> {
  const usernames = new Set(rows.flatMap(({ row }) => row.values.username ?? []));
  const references = new Set(
    rows.flatMap(({ row, reference }) => [reference, row.values.replaces ?? reference]),
  );
  const users = await tx
    .selectFrom('users')
    .select(['id', 'username'])
    .where('username', 'in', [...usernames])
    .execute();
  const orders = await findOrderRows(tx, { references: [...references] });
  return {
    users: new Map(users.map(({ id, username }) => [username as Username, id])),
    orders: new Map(orders.flatMap((order) => (order.reference === null ? [] : [[order.reference, order]]))),
  };
}

async function insertPlacements(tx: Transaction<Schema>, placements: readonly Placement[]): Promise<void> {
  const ids = await reserveIds(tx, 'orders', placements.length);
  const inserts = placements.map(({ insert, itself, predecessor }, index) => {
    itself.id = ids[index] ?? 0;
    return { ...insert, id: itself.id, order: { ...insert.order, replaces: predecessor?.id ?? null } };
  });
  await insertOrders(tx, inserts);
}
