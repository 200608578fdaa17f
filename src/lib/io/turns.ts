import { setImmediate } from 'node:timers/promises';

/** Less than a millisecond's work. */
const ITEMS_PER_TURN = 200;

/** Items a few at a time. In between other work has its turn, such as sending a database the rows that it waits for. */
export async function* inTurns<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  for (let start = 0; start < items.length; start += ITEMS_PER_TURN) {
    if (start > 0) await setImmediate();
    yield items.slice(start, start + ITEMS_PER_TURN);
  }
}
