import levenshtein from 'fastest-levenshtein';

/** Longer than any name: the time that a comparison takes grows with the length. */
const LONGEST_NAME = 100;

/**
 * The names that may be meant by a word: those that differ from it by two letters or a quarter of theirs, and by no
 * more than half of them. The nearest first.
 */
export function similarNames(word: string, names: readonly string[]): string[] {
  const part = word.slice(0, LONGEST_NAME);
  return names
    .map((name) => ({ name, distance: levenshtein.distance(name, part) }))
    .filter(({ name: { length }, distance }) => distance <= Math.min(Math.max(2, length / 4), length / 2))
    .sort((a, b) => a.distance - b.distance)
    .map(({ name }) => name);
}
