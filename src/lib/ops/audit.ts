import type { AuditEntry } from '../core/audit.ts';
import { checkRange } from '../core/instant.ts';
import { type AuditFilter, findAuditEntries } from '../io/db/audit.ts';
import type { Context } from './context.ts';

/**
 * Entries of the audit trail in the order of arrival.
 * @throws RANGE_EMPTY
 */
export async function listAuditEntries(context: Context, filter: AuditFilter): Promise<AuditEntry[]> {
  checkRange(filter);
  const database = await context.db();
  return database.read((tx) => findAuditEntries(tx, filter));
}
