import type { BillReference } from './bill-reference.ts';
import { refuse } from './errors.ts';
import type { Instant } from './instant.ts';
import type { Currency } from './money.ts';
import type { Username } from './user.ts';

/** Which bills are meant; an absent field lets all pass. */
export interface BillFilter {
  readonly username?: Username | undefined;
  /** Issued at or after. */
  readonly from?: Instant | undefined;
  /** Issued before. */
  readonly to?: Instant | undefined;
  readonly currency?: Currency | undefined;
}

/** Bills that are named one by one, or all issued ones that pass a filter. */
export type BillSelection = readonly BillReference[] | BillFilter;

/**
 * Reads which bills are meant: those that are named, or those that pass a filter. Everything has to be asked for.
 * @throws SELECTION_UNCLEAR when nothing is said, or when names and a filter are
 */
export function selectBills(
  references: readonly BillReference[],
  filter: BillFilter,
  all: boolean,
): BillSelection {
  const isFiltered = all || Object.values(filter).some((value) => value !== undefined);
  if (isFiltered === references.length > 0) throw refuse.SELECTION_UNCLEAR({ both: isFiltered });
  return isFiltered ? filter : references;
}
