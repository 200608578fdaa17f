import type { AuditEntry } from '../core/audit.ts';
import { type AuditFilter, findAuditEntries } from '../io/db/audit.ts';
import type { Context } from './context.ts';

/** Entries of the audit trail in the order of arrival. */
export async function listAuditEntries(context: Context, filter: AuditFilter): Promise<AuditEntry[]> {
  const database = await context.db();
  return database.read((tx) => findAuditEntries(tx, filter));
}
