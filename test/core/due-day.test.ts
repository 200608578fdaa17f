import { expect, test } from 'vitest';
import { dueDayOf, isOverdue } from '../../src/lib/core/due-day.ts';
import { addSeconds, type Day } from '../../src/lib/core/instant.ts';
import { day } from '../support/billing.ts';

const issuedAt = addSeconds(day('2025-02-11'), -1);

test.each([
  [1n, 18, '2025-02-28'],
  [1n, 19, '2025-03-01'],
  [1n, 0, '2025-02-10'],
  [0n, 30, null],
  [-1n, 30, null],
])('a bill of %d is due %d days after the day of its issue', (total, paymentDays, expected) => {
  expect(dueDayOf({ issuedAt, total }, paymentDays)).toBe(expected);
});

test.each([
  ['2025-02-28', '2025-02-27', false],
  ['2025-02-28', '2025-02-28', false],
  ['2025-02-28', '2025-03-01', true],
  [null, '2025-03-01', false],
])('one that is due on %s is overdue on %s, or not', (dueOn, today, expected) => {
  expect(isOverdue({ dueOn: dueOn as Day | null }, today as Day)).toBe(expected);
});
