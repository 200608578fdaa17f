import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseReference, type Reference } from '../../src/lib/core/reference.ts';
import { ReplacementQueue } from '../../src/lib/core/replacement-queue.ts';
import { CASES } from '../support/property.ts';

const name = (index: number) => parseReference(`r${index}`);

/** What becomes of each row of a file, by following its links one by one. */
function fate(links: readonly number[], start: number): 'placed' | 'INVALID_ORDER' | 'REPLACEMENT_CYCLE' {
  let at = start;
  for (let steps = 0; steps <= links.length; steps += 1) {
    const next = links[at];
    if (next === undefined) return 'INVALID_ORDER';
    if (next < 0) return 'placed';
    at = next;
  }
  return 'REPLACEMENT_CYCLE';
}

it('lets each row go after the row it replaces, and refuses the others', () => {
  // A number is the row that is replaced, -1 is nothing, and one beyond the rows is an order that is nowhere.
  const files = fc
    .integer({ min: 1, max: 12 })
    .chain((count) => fc.array(fc.integer({ min: -1, max: count }), { minLength: count, maxLength: count }));
  fc.assert(
    fc.property(files, (links) => {
      const queue = new ReplacementQueue<{ reference: Reference; replaces: Reference }>();
      const outcome = new Map<Reference, string>();
      const place = (first: Reference) => {
        const ready = [first];
        for (let reference = ready.pop(); reference !== undefined; reference = ready.pop()) {
          expect(outcome.has(reference)).toBe(false);
          outcome.set(reference, 'placed');
          ready.push(...queue.release(reference).map((row) => row.reference));
        }
      };
      for (const [index, link] of links.entries()) {
        const reference = name(index);
        if (link < 0 || outcome.get(name(link)) === 'placed') place(reference);
        else queue.add({ reference, replaces: name(link) });
      }
      for (const { row, error } of queue.rest()) {
        expect(outcome.has(row.reference)).toBe(false);
        outcome.set(row.reference, error.code);
      }
      const expected = links.map((_, index) => [name(index), fate(links, index)] as const);
      expect(outcome).toEqual(new Map(expected));
    }),
    { numRuns: CASES / 10 },
  );
});

it('names an order of the circle, also to rows that only lead into it', () => {
  const queue = new ReplacementQueue<{ reference: Reference; replaces: Reference }>();
  for (const [from, to] of [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 2],
    [4, 4],
  ] as const) {
    queue.add({ reference: name(from), replaces: name(to) });
  }
  const circles = queue.rest().map(({ row, error }) => [row.reference, error.message.split(' ')[1]]);
  expect(circles).toEqual([
    ['r0', 'r2'],
    ['r1', 'r2'],
    ['r2', 'r2'],
    ['r3', 'r2'],
    ['r4', 'r4'],
  ]);
});

it('takes a circle of any length in one go', () => {
  const queue = new ReplacementQueue<{ reference: Reference; replaces: Reference }>();
  const count = 100_000;
  for (let index = 0; index < count; index += 1) {
    queue.add({ reference: name(index), replaces: name((index + 1) % count) });
  }
  expect(queue.rest()).toHaveLength(count);
});
