import type { BillReference } from './bill-reference.ts';
import { refuse } from './errors.ts';
import { checkRange, type Instant } from './instant.ts';
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

/** Bills that are named one by one, or all that pass a filter. */
export type Selection<Name> = readonly Name[] | BillFilter;

/** Bills that are named by number or id, or all issued ones that pass a filter. */
export type BillSelection = Selection<BillReference>;

/** Drafts that are named by id, or all that pass a filter. */
export type DraftSelection = Selection<number>;

/** Whether bills are named one by one. */
export function isNamed<Name>(selection: Selection<Name>): selection is readonly Name[] {
  return Array.isArray(selection);
}

/**
 * Reads which bills are meant: those that are named, or those that pass a filter. Everything has to be asked for.
 * @throws SELECTION_UNCLEAR when nothing is said, or when names and a filter are; RANGE_EMPTY
 */
export function selectBills<Name>(names: readonly Name[], filter: BillFilter, all: boolean): Selection<Name> {
  const isFiltered = all || Object.values(filter).some((value) => value !== undefined);
  if (isFiltered === names.length > 0) throw refuse.SELECTION_UNCLEAR({ both: isFiltered });
  checkRange(filter);
  return isFiltered ? filter : names;
}
