import { addSeconds, type Day, dayOf, type Instant, SECONDS_PER_DAY } from './instant.ts';
import type { Minor } from './money.ts';

/**
 * The day by which a bill is to be paid: so many days after the one of its issue. Null when nothing is to be paid:
 * credit notes and bills of nothing.
 */
export function dueDayOf(
  { issuedAt, total }: { readonly issuedAt: Instant; readonly total: Minor },
  paymentDays: number,
): Day | null {
  return total > 0n ? dayOf(addSeconds(issuedAt, paymentDays * SECONDS_PER_DAY)) : null;
}

/** Whether a bill was to be paid before a day. One of which nothing is to be paid never was. */
export function isOverdue({ dueOn }: { readonly dueOn: Day | null }, today: Day): boolean {
  return dueOn !== null && dueOn < today;
}
