import { createHash } from 'node:crypto';
import type { Transaction } from 'kysely';
import { parseBoolean } from '../core/boolean.ts';
import { quote, refuse } from '../core/errors.ts';
import type { ImportResult } from '../core/import-report.ts';
import { type Instant, parseInstant } from '../core/instant.ts';
import { parseCurrency, parsePrice } from '../core/money.ts';
import {
  differingFields,
  draftOrder,
  type OrderRequest,
  parseCharge,
  parseCount,
} from '../core/new-order.ts';
import { checkSuccession, neverRuns } from '../core/order.ts';
import { parsePeriod } from '../core/period.ts';
import { parseProductDescription, parseProductName } from '../core/product.ts';
import { parseReference, type Reference } from '../core/reference.ts';
import { parseUsername, type Username } from '../core/user.ts';
import { findUserIds } from '../io/db/access.ts';
import { reserveIds } from '../io/db/ids.ts';
import { findOrdersByName, type NamedOrder } from '../io/db/order-names.ts';
import { findSuccessors, insertOrders, type OrderInsert } from '../io/db/orders.ts';
import { findProducts, type StoredProduct } from '../io/db/products.ts';
import type { Schema } from '../io/db/schema.ts';
import { type Predecessor, type ReadyRow, StagedOrders, type WaitingRow } from '../io/db/staged-orders.ts';
import { takeStatistics } from '../io/db/statistics.ts';
import {
  type ImportOptions,
  type ImportPlan,
  type ImportRun,
  importFile,
  type RowImporter,
} from '../io/import-file.ts';
import { ImportRow, type RowFormat, type RowSource } from '../io/import-rows.ts';
import type { Context } from './context.ts';

/**
 * Places orders from a file in one transaction. A row whose reference is known with the same content is left alone.
 * `replaces` names an order of the database or of any row of the file.
 * @throws what `importFile` throws
 */
export async function importOrders(context: Context, options: ImportOptions): Promise<ImportResult> {
  const format = formatAt(context.now);
  const plan: ImportPlan<Parsers> = {
    things: 'orders',
    topic: 'orders',
    format,
    key: { column: 'reference', of: ({ values }) => values.reference },
    begin: async (tx, run) =>
      new OrderImporter(tx, run, format, {
        now: context.now,
        products: await findProducts(tx),
        staged: await StagedOrders.create(tx),
      }),
  };
  return importFile(await context.db(), options, plan, context.progress);
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
    not_for_billing: (text: string) => parseBoolean('not_for_billing', text),
    reference: parseReference,
  };
}

function formatAt(now: Instant): RowFormat<Parsers> {
  return {
    parsers: parsersAt(now),
    required: ['username'],
    numbers: ['quantity', 'period', 'recurring_price', 'one_time_price', 'commitment_periods'],
    booleans: ['not_for_billing'],
    fields: {
      'recurring price': 'recurring_price',
      'one-time price': 'one_time_price',
      start: 'starts_at',
      end: 'ends_at',
      commitment: 'commitment_periods',
      predecessor: 'replaces',
    },
  };
}

type Parsers = ReturnType<typeof parsersAt>;
type Row = ImportRow<Parsers>;

/** What every row is decided by. */
interface Setting {
  readonly now: Instant;
  readonly products: readonly StoredProduct[];
  readonly staged: StagedOrders;
}

/** A row with the reference of its own or, if it has none, one that is made of its content. */
interface NamedRow {
  readonly row: Row;
  readonly reference: Reference;
}

/** What the database knows about the rows of a batch. */
interface Known {
  readonly users: ReadonlyMap<Username, number>;
  /** Those with the references of the rows, and those that the rows replace. */
  readonly orders: ReadonlyMap<Reference, NamedOrder>;
}

/** A row that makes a new order, if what it replaces allows it. */
interface Candidate extends NamedRow {
  /** The name of the order that it replaces. */
  readonly replaces: Reference | null;
  readonly insert: Omit<OrderInsert, 'id'>;
}

/** A candidate, and the order that it replaces, which is stored or stands before it. */
interface Placement extends Candidate {
  readonly predecessor: Predecessor | Candidate | null;
}

/** For replaced orders, by their names: the one that replaces each. */
type Successors = Map<Reference, number | Reference>;

const ROWS_PER_BATCH = 2000;

class OrderImporter implements RowImporter<Parsers> {
  readonly #tx: Transaction<Schema>;
  readonly #run: ImportRun<Parsers>;
  readonly #format: RowFormat<Parsers>;
  readonly #now: Instant;
  readonly #staged: StagedOrders;
  readonly #products: ReadonlyMap<string, StoredProduct>;

  constructor(
    tx: Transaction<Schema>,
    run: ImportRun<Parsers>,
    format: RowFormat<Parsers>,
    { now, products, staged }: Setting,
  ) {
    this.#tx = tx;
    this.#run = run;
    this.#format = format;
    this.#now = now;
    this.#staged = staged;
    this.#products = new Map(products.map((product) => [product.name, product]));
  }

  async take(rows: readonly Row[]): Promise<undefined> {
    const named = await this.#name(rows);
    const known = await this.#findKnown(named);
    const candidates = named.flatMap((each) => this.#decide(each, known));

    const replaced = candidates.flatMap(({ replaces }) => replaces ?? []);
    const placed = await this.#staged.findPlaced(replaced);
    const successors = await this.#findSuccessors(replaced, known);
    const inBatch = new Map<Reference, Candidate>();
    const waiting: WaitingRow[] = [];
    const placements = candidates.flatMap((candidate): Placement[] => {
      const { replaces } = candidate;
      const predecessor =
        replaces === null
          ? null
          : (inBatch.get(replaces) ?? placed.get(replaces) ?? known.orders.get(replaces));
      if (predecessor === undefined) {
        waiting.push(waitingRow(candidate));
        return [];
      }
      if (!this.#succeeds(candidate, predecessor, successors)) return [];
      inBatch.set(candidate.reference, candidate);
      return [{ ...candidate, predecessor }];
    });
    await this.#place(placements);
    await this.#staged.addWaiting(waiting);
  }

  async end(): Promise<void> {
    for await (const batch of this.#staged.inOrder(ROWS_PER_BATCH)) {
      const replaced = batch.map(({ replaces }) => replaces);
      const placed = await this.#staged.findPlaced(replaced);
      const successors = await this.#findSuccessors(replaced);
      const inBatch = new Map<Reference, Candidate>();
      const placements = batch.flatMap((ready): Placement[] => {
        const candidate = this.#restore(ready);
        const predecessor = inBatch.get(ready.replaces) ?? placed.get(ready.replaces);
        if (predecessor === undefined) {
          this.#refuseLost(candidate.row, ready);
          return [];
        }
        if (!this.#succeeds(candidate, predecessor, successors)) return [];
        inBatch.set(candidate.reference, candidate);
        return [{ ...candidate, predecessor }];
      });
      await this.#place(placements);
    }
    if (this.#run.writes && this.#run.report.inserted > 0) await takeStatistics(this.#tx, 'orders');
  }

  /**
   * Names rows. One without a reference is named by its content and, among equal ones, by its turn, so that importing
   * the same file again finds the orders that it made.
   */
  async #name(rows: readonly Row[]): Promise<NamedRow[]> {
    const columns = Object.keys(this.#format.parsers);
    const nameless = rows.filter(
      ({ values, faults }) => values.reference === undefined && faults.length === 0,
    );
    const contents = nameless.map(({ texts }) => {
      const content = JSON.stringify(Object.fromEntries(columns.map((column, at) => [column, texts[at]])));
      return createHash('sha256').update(content).digest('hex').slice(0, 32);
    });
    const turns = await this.#staged.countTurns(contents);
    const made = new Map(
      nameless.map((row, at) => [row, parseReference(`import-${contents[at]}-${turns[at]}`)]),
    );
    return rows.map((row) => ({
      row,
      reference: row.values.reference ?? made.get(row) ?? ('' as Reference),
    }));
  }

  async #findKnown(rows: readonly NamedRow[]): Promise<Known> {
    const usernames = new Set(rows.flatMap(({ row }) => row.values.username ?? []));
    const references = new Set(
      rows.flatMap(({ row, reference }) => [reference, row.values.replaces ?? reference]),
    );
    return {
      users: await findUserIds(this.#tx, [...usernames]),
      orders: await findOrdersByName(this.#tx, [...references]),
    };
  }

  /** The orders that replace the named ones already, stored or placed: their ids or references. */
  async #findSuccessors(replaced: readonly Reference[], known?: Known): Promise<Successors> {
    const successors: Successors = await this.#staged.findSuccessors(replaced);
    const names = new Map(
      replaced.flatMap((name) => {
        const order = known?.orders.get(name);
        return order === undefined || successors.has(name) ? [] : [[order.id, name] as const];
      }),
    );
    for (const stored of await findSuccessors(this.#tx, [...names.keys()])) {
      const name = names.get(stored.replaces ?? 0);
      if (name !== undefined && !neverRuns(stored)) successors.set(name, stored.id);
    }
    return successors;
  }

  /** The order that a row makes; none when the row has faults or the database has the order already. */
  #decide({ row, reference }: NamedRow, { users, orders }: Known): Candidate[] {
    const { username, product: name, replaces } = row.values;
    const isReadable = row.faults.length === 0;
    const userId = username === undefined ? undefined : users.get(username);
    if (username !== undefined && userId === undefined) row.refuse(refuse.UNKNOWN_USER({ username }));
    const product = name === undefined ? null : this.#products.get(name);
    if (name !== undefined && product === undefined) row.refuse(refuse.UNKNOWN_PRODUCT({ name }));

    const stored = orders.get(reference);
    const request = requestOf(row);
    const defaults = { startsAt: stored?.startsAt ?? this.#now, replaces: null };
    const draft =
      isReadable && product !== undefined
        ? row.attempt(() => draftOrder(request, product, defaults))
        : undefined;
    for (const fault of draft?.faults ?? []) row.refuse(fault);

    if (stored !== undefined && draft !== undefined && username !== undefined && row.faults.length === 0) {
      const names = { username, product: product?.name ?? null, predecessor: replaces ?? null };
      const fields = differingFields(stored, { ...draft.order, ...names }, request);
      if (fields.length === 0) {
        this.#run.report.unchanged += 1;
        return [];
      }
      row.refuse(refuse.REFERENCE_TAKEN({ reference, order: stored.id, fields }));
    }
    if (row.faults.length > 0 || draft === undefined || userId === undefined) {
      this.#run.refuse(row);
      return [];
    }
    const createdAt = this.#now;
    const { order } = draft;
    const insert = { order, userId, productId: product?.id ?? null, reference, createdAt };
    return [{ row, reference, replaces: replaces ?? null, insert }];
  }

  /** Whether a new order may replace another one, which it then does; the row is refused when it may not. */
  #succeeds(
    { row, reference, replaces, insert }: Candidate,
    predecessor: Placement['predecessor'],
    successors: Successors,
  ): boolean {
    if (predecessor === null || replaces === null) return true;
    const old = 'insert' in predecessor ? asPredecessor(predecessor) : predecessor;
    const { key: order, userId, currency } = old;
    const successor = successors.get(replaces);
    if (userId !== insert.userId) {
      row.refuse(refuse.INVALID_ORDER({ field: 'predecessor', fault: 'belongs to another user' }));
    }
    if (currency !== insert.order.currency) {
      const facts = { currency, other: insert.order.currency };
      row.refuse(refuse.CURRENCY_MISMATCH({ order, ...facts }));
    }
    if (!neverRuns(insert.order)) {
      if (successor !== undefined) row.refuse(refuse.ORDER_REPLACED({ order, successor }));
      if (row.faults.length === 0) row.attempt(() => checkSuccession(order, old, insert.order));
      if (row.faults.length === 0) successors.set(replaces, reference);
    }
    if (row.faults.length > 0) this.#run.refuse(row);
    return row.faults.length === 0;
  }

  #refuseLost(row: Row, { replaces, circle }: ReadyRow): void {
    const fault = `${quote(replaces)} is neither in the database nor a sound row of the file`;
    row.refuse(
      circle === null
        ? refuse.INVALID_ORDER({ field: 'predecessor', fault })
        : refuse.REPLACEMENT_CYCLE({ order: circle }),
    );
    this.#run.refuse(row);
  }

  /** Inserts orders, and lets later rows replace them. */
  async #place(placements: readonly Placement[]): Promise<void> {
    const { writes, report } = this.#run;
    report.inserted += placements.length;
    const ids = writes ? await reserveIds(this.#tx, 'orders', placements.length) : [];
    const idOf = new Map(placements.map(({ reference }, index) => [reference, ids[index] ?? 0]));
    if (writes) {
      const inserts = placements.map(({ insert, reference, predecessor }) => ({
        ...insert,
        id: idOf.get(reference) ?? 0,
        order: { ...insert.order, replaces: replacedId(predecessor, idOf) },
      }));
      await insertOrders(this.#tx, inserts);
    }
    if (!this.#run.mayHave('replaces')) return;
    await this.#staged.addPlaced(
      placements.map((placement) => {
        const { reference } = placement;
        return [reference, { id: idOf.get(reference) ?? 0, ...asPredecessor(placement) }];
      }),
    );
    await this.#staged.addSucceeded(
      placements.flatMap(({ reference, replaces, insert }) =>
        replaces === null || neverRuns(insert.order) ? [] : [[replaces, reference] as const],
      ),
    );
  }

  /** The candidate that `waitingRow` kept. */
  #restore({ line, reference, replaces, content }: WaitingRow): Candidate {
    const { source, texts, insert } = JSON.parse(content, restoreBigInt) as WaitingContent;
    return { row: new ImportRow(this.#format, line, source, texts), reference, replaces, insert };
  }
}

interface WaitingContent {
  readonly source: RowSource;
  readonly texts: readonly string[];
  readonly insert: Candidate['insert'];
}

function waitingRow({ row, reference, replaces, insert }: Candidate): WaitingRow {
  const { line, source, texts } = row;
  const content = JSON.stringify({ source, texts, insert } satisfies WaitingContent, (_, value: unknown) =>
    typeof value === 'bigint' ? { bigint: String(value) } : value,
  );
  return { line, reference, replaces: replaces ?? reference, content };
}

function restoreBigInt(_: string, value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'bigint' in value
    ? BigInt(String(value.bigint))
    : value;
}

function asPredecessor({ reference, insert }: Candidate): Omit<Predecessor, 'id'> {
  return { ...insert.order, key: reference, userId: insert.userId };
}

function replacedId(
  predecessor: Placement['predecessor'],
  idOf: ReadonlyMap<Reference, number>,
): number | null {
  if (predecessor === null) return null;
  return 'insert' in predecessor ? (idOf.get(predecessor.reference) ?? null) : predecessor.id;
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
