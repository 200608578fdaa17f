import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeyIndex } from '../../src/lib/io/key-index.ts';

it('remembers what a Map remembers', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 3 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
  );
  fc.assert(
    fc.property(fc.array(text, { maxLength: 50 }), (texts) => {
      const index = new KeyIndex();
      const map = new Map<string, number>();
      for (const [number, key] of texts.entries()) {
        // Unpaired surrogates have no UTF-8 and become U+FFFD; a CSV file holds none.
        const known = key.toWellFormed();
        expect(index.add(known, number)).toBe(map.get(known));
        if (!map.has(known)) map.set(known, number);
      }
    }),
    { numRuns: 2000 },
  );
});

it('remembers every one of many, over several growths of each of its arrays', () => {
  const index = new KeyIndex();
  const key = (number: number) => `user-with-a-name-${number}-ü`;
  for (let number = 0; number < 50_000; number++) expect(index.add(key(number), number + 2)).toBeUndefined();
  for (let number = 0; number < 50_000; number++) expect(index.add(key(number), 1)).toBe(number + 2);
});
