import { type AuditEntry, type ChangeCounts, sealedPart } from '../core/audit.ts';
import { formatInstant } from '../core/instant.ts';
import type { Topic } from '../io/db/database.ts';
import { renderTable, terminalWidth } from './table.ts';

/** An entry as --json shows it. */
export function auditDocument(entry: AuditEntry) {
  return { id: entry.id, ...sealedPart(entry), hash: entry.hash };
}

/**
 * Entries of the audit trail as a table.
 * @param width columns of the terminal; undefined in a pipe
 */
export function auditTable(entries: readonly AuditEntry[], width = terminalWidth()): string {
  return renderTable(
    [
      { title: 'at' },
      { title: 'user' },
      { title: 'host', yields: true, spare: 1 },
      { title: 'changes', below: true },
      { title: 'command', below: true },
    ],
    entries.map(({ at, osUser, sudoUser, host, command, topic, counts }) => {
      const user = sudoUser === null ? osUser : `${sudoUser} as ${osUser}`;
      return [formatInstant(at), user, host, changesText(topic, counts), command];
    }),
    width,
  );
}

/** The table that a command of a topic is about: the others change along with it. */
const MAIN_TABLES: Readonly<Record<string, string>> = {
  migrations: 'schema_migrations',
  people: 'users',
  seller: 'providers',
  products: 'products',
  orders: 'orders',
  bills: 'bills',
  payments: 'payments',
  'vat-rates': 'vat_rates',
  vpn: 'vpn_networks',
} satisfies Record<Topic, string>;

function changesText(topic: string, counts: ChangeCounts): string {
  const isMain = (table: string) => table === MAIN_TABLES[topic];
  return Object.entries(counts)
    .sort(([one], [other]) => Number(isMain(other)) - Number(isMain(one)))
    .map(([table, kinds]) => {
      const rows = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`);
      return `${table}: ${rows.join(', ')}`;
    })
    .join('; ');
}
