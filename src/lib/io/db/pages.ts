import type { Transaction } from 'kysely';
import { keepHeapSmall } from '../heap.ts';
import type { Batch } from './database.ts';
import type { Schema } from './schema.ts';

/** What takes a page of one item or more; false: nobody wants another. */
export type TakePage<Item> = (items: readonly Item[]) => Promise<boolean>;

/** Which rows of many: those after a key, and at most `limit`. */
export interface Page {
  readonly after: number;
  readonly limit: number;
}

const ROWS_PER_PAGE = 1_000;

/**
 * Hands on what a query finds as it comes: any number of rows takes the memory of one page. Until the last one the
 * transaction can ask for nothing else.
 */
export async function readPages<Row, Item>(
  query: { stream(chunkSize: number): AsyncIterable<Row> },
  toItem: (row: Row) => Item,
  take: TakePage<Item>,
): Promise<void> {
  keepHeapSmall();
  let page: Item[] = [];
  for await (const row of query.stream(ROWS_PER_PAGE)) {
    page.push(toItem(row));
    if (page.length < ROWS_PER_PAGE) continue;
    if (!(await take(page))) return;
    page = [];
  }
  if (page.length > 0) await take(page);
}

/**
 * All that `find` finds, in pages of the order of their keys, which are not negative; no page is empty. Between two of
 * them the transactions of the batch can ask for anything else.
 */
export async function* inPages<Item>(
  batch: Batch,
  find: (tx: Transaction<Schema>, page: Page) => Promise<Item[]>,
  keyOf: (item: Item) => number,
  limit = ROWS_PER_PAGE,
): AsyncGenerator<Item[]> {
  let after = -1;
  for (let size = limit; size === limit; ) {
    const page = { after, limit };
    const items = await batch((tx) => find(tx, page));
    const last = items.at(-1);
    if (last === undefined) return;
    yield items;
    size = items.length;
    after = keyOf(last);
  }
}
