const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** Draws a row of numbers as bars of eight heights, from the least of them, or 0, to the greatest. */
export function sparkline(values: readonly bigint[]): string {
  const least = values.reduce((lowest, value) => (value < lowest ? value : lowest), 0n);
  const greatest = values.reduce((highest, value) => (value > highest ? value : highest), 0n);
  const range = greatest - least;
  const highest = BigInt(BARS.length - 1);
  return values
    .map((value) => BARS[range === 0n ? 0 : Number(((value - least) * highest * 2n + range) / (2n * range))])
    .join('');
}
