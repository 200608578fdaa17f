import { Flags } from '@oclif/core';
import { type BillFilter, type Selection, selectBills } from '../core/bill-selection.ts';
import { currency, instant, username } from './flags.ts';

/** The flags that choose drafts, for those commands that take many. */
export const draftFilter = {
  all: Flags.boolean({ summary: 'All drafts' }),
  user: username({ summary: 'The drafts of this user' }),
  from: instant({ summary: 'The drafts made for this instant or later' }),
  to: instant({ summary: 'The drafts made for an instant before this one' }),
  currency: currency({ summary: 'The drafts in this currency' }),
};

interface SelectionFlags extends Omit<BillFilter, 'username'> {
  readonly user?: BillFilter['username'];
  readonly all: boolean;
}

/**
 * The bills or drafts that arguments and flags choose.
 * @throws SELECTION_UNCLEAR, RANGE_EMPTY
 */
export function selectionFromFlags<Name>(
  names: readonly Name[],
  { user, from, to, currency, all }: SelectionFlags,
): Selection<Name> {
  return selectBills(names, { username: user, from, to, currency }, all);
}
