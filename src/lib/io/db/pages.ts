import { keepHeapSmall } from '../heap.ts';

/** What takes a page of one item or more; false: nobody wants another. */
export type TakePage<Item> = (items: readonly Item[]) => Promise<boolean>;

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
