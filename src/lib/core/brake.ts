/**
 * The brake: whether a run would take away too much to be meant, all of three or more things, or more than ten and
 * more than half. An emptied source must not empty what it feeds.
 * @param lost how many things the run takes away
 * @param of how many there are
 */
export function isLossTooLarge(lost: number, of: number): boolean {
  return (of >= 3 && lost === of) || (lost > 10 && 2 * lost > of);
}
