/** The median of numbers; of an even number of them the higher of the two in the middle. */
export function median(values) {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)];
}
