import type { SkippedUser } from '../ops/bill-run.ts';

/** How many users are named for a cause. */
const NAMED = 3;

/** So many sentences of one code are told apart: amounts and days in them can make a sentence for each user. */
const MOST_REASONS = 5;

/**
 * Why users are skipped, for a reader: a warning for each cause, the most frequent first, with the number of users, a
 * few of their names, and what to type for the first of them.
 */
export function skippedWarnings(skipped: readonly SkippedUser[]): string[] {
  const ofCode = Map.groupBy(skipped, ({ refusal }) => refusal.code).values();
  const causes = [...ofCode].flatMap((users) => {
    const ofReason = Map.groupBy(users, ({ refusal }) => refusal.message);
    return ofReason.size > MOST_REASONS ? [users] : [...ofReason.values()];
  });
  return causes.sort((a, b) => b.length - a.length).flatMap(warningOf);
}

function warningOf(users: readonly SkippedUser[]): string[] {
  const [first] = users;
  if (first === undefined) return [];
  const { code, message, hint } = first.refusal;
  const named = users.slice(0, NAMED).map(({ username }) => username);
  const rest = users.length - named.length;
  const names = [...named, ...(rest > 0 ? [`${rest} more`] : [])];
  const who = users.length === 1 ? `${first.username} is` : `${users.length} users (${names.join(', ')}) are`;
  return [`${who} skipped (${code}): ${message}\n  ${hint}`];
}
