import { sql, type Transaction } from 'kysely';
import type { Instant } from '../../core/instant.ts';
import type { LinkedOrder } from '../../core/order.ts';
import type { Reference } from '../../core/reference.ts';
import { insertRows, isAmong } from './bulk.ts';
import { only } from './database.ts';
import type { Schema } from './schema.ts';
import { createStaged } from './staged.ts';

/** What an order that replaces another one has to know about that one. */
export interface Predecessor extends LinkedOrder {
  /** Zero while nothing is written. */
  readonly id: number;
  readonly key: number | Reference;
  readonly userId: number;
}

/** A row that waits for the one that it replaces. */
export interface WaitingRow {
  readonly line: number;
  readonly reference: Reference;
  readonly replaces: Reference;
  /** Whatever whoever waits wants to have again. */
  readonly content: string;
}

/** A row whose waiting is over. */
export interface ReadyRow extends WaitingRow {
  /** Null: it waits in vain. */
  readonly turn: number | null;
  /** An order of the circle that a row leads into that waits in vain; null: it leads to an order that is not there. */
  readonly circle: Reference | null;
}

const PLACED = {
  reference: 'text',
  id: 'bigint',
  user_id: 'bigint',
  currency: 'text',
  recurring_price: 'bigint',
  quantity: 'bigint',
  recurring_period_seconds: 'bigint',
  starts_at: 'bigint',
  ends_at: 'bigint',
} as const;

interface PlacedRow {
  readonly reference: Reference;
  readonly id: number;
  readonly user_id: number;
  readonly currency: string;
  readonly recurring_price: number;
  readonly quantity: number;
  readonly recurring_period_seconds: number | null;
  readonly starts_at: Instant;
  readonly ends_at: Instant | null;
}

const SUCCEEDED = { predecessor: 'text', successor: 'text' } as const;

const WAITING = {
  reference: 'text',
  line: 'bigint',
  replaces: 'text',
  content: 'text',
  turn: 'bigint',
  circle: 'text',
} as const;
const CONTENTS = { content: 'text', turns: 'bigint' } as const;

/**
 * What the rows of a file of orders have to know of each other, in temporary tables. A row may replace one that stands
 * further down.
 */
export class StagedOrders {
  readonly #tx: Transaction<Schema>;
  #waiting = 0;

  private constructor(tx: Transaction<Schema>) {
    this.#tx = tx;
  }

  static async create(tx: Transaction<Schema>): Promise<StagedOrders> {
    await createStaged(tx, 'placed', PLACED, 'reference');
    await createStaged(tx, 'succeeded', SUCCEEDED, 'predecessor');
    await createStaged(tx, 'waiting', WAITING, 'reference');
    await createStaged(tx, 'contents', CONTENTS, 'content');
    return new StagedOrders(tx);
  }

  /**
   * Counts contents: for each of them in turn which one of its equals in the file it is, from 1 on.
   */
  async countTurns(contents: readonly string[]): Promise<number[]> {
    if (contents.length === 0) return [];
    const { rows } = await sql<{ content: string; turns: number }>`
      select content, turns from staged_contents where ${isAmong(this.#tx, 'content', contents)}
    `.execute(this.#tx);
    const turns = new Map(rows.map((row) => [row.content, row.turns]));
    const counted = contents.map((content) => {
      const turn = (turns.get(content) ?? 0) + 1;
      turns.set(content, turn);
      return turn;
    });
    await sql`delete from staged_contents where ${isAmong(this.#tx, 'content', contents)}`.execute(this.#tx);
    await insertRows(this.#tx, 'staged_contents', CONTENTS, [...turns]);
    return counted;
  }

  /** Adds orders that rows of the file have made. */
  async addPlaced(orders: Iterable<readonly [Reference, Predecessor]>): Promise<void> {
    const rows = [...orders].map(([reference, order]) => [
      reference,
      order.id,
      order.userId,
      order.currency,
      Number(order.recurringPrice),
      order.quantity,
      order.recurringPeriodSeconds,
      order.startsAt,
      order.endsAt,
    ]);
    await insertRows(this.#tx, 'staged_placed', PLACED, rows);
  }

  async findPlaced(references: readonly Reference[]): Promise<Map<Reference, Predecessor>> {
    if (references.length === 0) return new Map();
    const { rows } = await sql<PlacedRow>`
      select * from staged_placed where ${isAmong(this.#tx, 'reference', references)}`.execute(this.#tx);
    return new Map(
      rows.map((row) => [
        row.reference,
        {
          id: row.id,
          key: row.reference,
          userId: row.user_id,
          currency: row.currency,
          recurringPrice: BigInt(row.recurring_price),
          quantity: row.quantity,
          recurringPeriodSeconds: row.recurring_period_seconds,
          startsAt: row.starts_at,
          endsAt: row.ends_at,
        },
      ]),
    );
  }

  /** Adds orders that orders of the file have replaced, each with the one that did. */
  async addSucceeded(successors: Iterable<readonly [Reference, Reference]>): Promise<void> {
    await insertRows(this.#tx, 'staged_succeeded', SUCCEEDED, [...successors]);
  }

  async findSuccessors(references: readonly Reference[]): Promise<Map<Reference, Reference>> {
    if (references.length === 0) return new Map();
    const { rows } = await sql<{ predecessor: Reference; successor: Reference }>`
      select * from staged_succeeded where ${isAmong(this.#tx, 'predecessor', references)}`.execute(this.#tx);
    return new Map(rows.map(({ predecessor, successor }) => [predecessor, successor]));
  }

  async addWaiting(waiting: readonly WaitingRow[]): Promise<void> {
    this.#waiting += waiting.length;
    const rows = waiting.map((row) => [
      row.reference,
      row.line,
      row.replaces,
      row.content,
      null,
      row.replaces,
    ]);
    await insertRows(this.#tx, 'staged_waiting', WAITING, rows);
  }

  /**
   * The rows that waited, in batches, when all rows are known: those that replace what was placed, then those that
   * replace these, and so on; at the end, in the order of the file, those that wait in vain.
   */
  async *inOrder(batchSize: number): AsyncGenerator<ReadyRow[]> {
    if (this.#waiting === 0) return;
    await this.#giveTurns();
    const last = { turn: 0, line: 0 };
    for (;;) {
      const { rows } = await sql<ReadyRow>`
        select line, reference, replaces, content, turn, circle from staged_waiting
        where turn > ${last.turn} order by turn limit ${batchSize}`.execute(this.#tx);
      if (rows.length === 0) break;
      last.turn = rows.at(-1)?.turn ?? 0;
      yield rows;
    }
    for (;;) {
      const { rows } = await sql<ReadyRow>`
        select line, reference, replaces, content, turn, circle from staged_waiting
        where turn is null and line > ${last.line} order by line limit ${batchSize}`.execute(this.#tx);
      if (rows.length === 0) break;
      last.line = rows.at(-1)?.line ?? 0;
      yield rows;
    }
  }

  async #giveTurns(): Promise<void> {
    await sql`create index staged_waiting_replaces on staged_waiting (replaces)`.execute(this.#tx);
    await sql`
      with recursive reached (reference, line, depth) as (
        select staged_waiting.reference, staged_waiting.line, 1
        from staged_waiting join staged_placed on staged_placed.reference = staged_waiting.replaces
        union all
        select staged_waiting.reference, staged_waiting.line, reached.depth + 1
        from reached join staged_waiting on staged_waiting.replaces = reached.reference
      ), numbered as (select reference, row_number() over (order by depth, line) as turn from reached)
      update staged_waiting set turn = numbered.turn from numbered
      where numbered.reference = staged_waiting.reference`.execute(this.#tx);
    await sql`create index staged_waiting_turn on staged_waiting (turn, line)`.execute(this.#tx);
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from staged_waiting where turn is null`.execute(this.#tx);
    // Each round at least doubles the number of steps that the pointers are ahead. Those that end outside are null, the
    // others come into a circle and stay there.
    for (let steps = 1; steps <= 2 * only(rows).count; steps *= 2) {
      await sql`
        update staged_waiting set circle =
          (select next.circle from staged_waiting as next where next.reference = staged_waiting.circle)
        where turn is null`.execute(this.#tx);
    }
  }
}
