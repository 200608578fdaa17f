import { expect, it } from 'vitest';
import { checkIssueDate } from '../../src/lib/core/issue-date.ts';
import { day } from '../support/billing.ts';
import { refusalOf } from '../support/refusal.ts';

const now = day('2025-02-01');
const newest = day('2025-01-15');

it('bills are issued from the newest bill up to now, both included', () => {
  for (const at of [newest, day('2025-01-20'), now]) checkIssueDate(at, { now, newest });
  checkIssueDate(day('1990-01-01'), { now, newest: null });
});

it('bills are not issued in the future, and not before the newest', () => {
  const future = refusalOf(() => checkIssueDate(day('2025-02-02'), { now, newest: null }));
  expect(future.code).toBe('ISSUE_DATE_IN_FUTURE');
  const early = refusalOf(() => checkIssueDate(day('2025-01-14'), { now, newest }));
  expect(early.code).toBe('ISSUE_DATE_BEFORE_LAST_BILL');
});
