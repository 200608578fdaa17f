import { type AuditEntry, type ChangeCounts, sealedPart } from '../core/audit.ts';
import { formatInstant } from '../core/instant.ts';
import { renderTable } from './table.ts';

/** An entry as --json shows it. */
export function auditDocument(entry: AuditEntry) {
  return { id: entry.id, ...sealedPart(entry), hash: entry.hash };
}

/** Entries of the audit trail as a table. */
export function auditTable(entries: readonly AuditEntry[]): string {
  return renderTable(
    [
      { title: 'at' },
      { title: 'user' },
      { title: 'host', yields: true, spare: 1 },
      { title: 'changes', yields: true },
      { title: 'command', yields: true },
    ],
    entries.map(({ at, osUser, sudoUser, host, command, counts }) => {
      const user = sudoUser === null ? osUser : `${sudoUser} as ${osUser}`;
      return [formatInstant(at), user, host, changesText(counts), command];
    }),
  );
}

function changesText(counts: ChangeCounts): string {
  return Object.entries(counts)
    .map(([table, kinds]) => {
      const rows = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`);
      return `${table}: ${rows.join(', ')}`;
    })
    .join('; ');
}
