import { refuse } from './errors.ts';
import { formatInstant, type Instant } from './instant.ts';

/**
 * Checks the instant at which bills are to be issued: not in the future, and not before the newest bill of anybody,
 * because numbers rise with issue dates.
 * @param newest the issue instant of the newest bill, null when there is none
 * @throws ISSUE_DATE_IN_FUTURE, ISSUE_DATE_BEFORE_LAST_BILL
 */
export function checkIssueDate(at: Instant, { now, newest }: { now: Instant; newest: Instant | null }): void {
  if (at > now) throw refuse.ISSUE_DATE_IN_FUTURE({ at: formatInstant(at), now: formatInstant(now) });
  if (newest !== null && at < newest) {
    throw refuse.ISSUE_DATE_BEFORE_LAST_BILL({ at: formatInstant(at), last: formatInstant(newest) });
  }
}

/**
 * Checks that a draft is not issued before the instant up to which it charges.
 * @throws ISSUE_DATE_BEFORE_DRAFT
 */
export function checkDraftDate(
  draft: { readonly id: number; readonly issuedAt: Instant },
  at: Instant,
): void {
  if (at >= draft.issuedAt) return;
  const [asked, own] = [formatInstant(at), formatInstant(draft.issuedAt)];
  throw refuse.ISSUE_DATE_BEFORE_DRAFT({ id: draft.id, at: asked, own });
}
