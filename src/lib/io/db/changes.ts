import type { ChangeCounts, ChangeKind } from '../../core/audit.ts';

const STATEMENT = /^\s*(insert|copy|update|delete)(?: or \w+)?(?: into| from)?\s+"?(\w+)/i;
const KINDS = { insert: 'inserted', copy: 'inserted', update: 'updated', delete: 'deleted' } as const;

/** Where SQLite keeps the last ids. */
const SEQUENCES = 'sqlite_sequence';

/** What the names of temporary tables begin with. They hold no data of their own, so their changes do not count. */
export const STAGED = 'staged_';

/** Counts the rows that the statements of a transaction change, by table. What triggers do is not counted. */
export class Changes {
  #counts = new Map<string, Map<ChangeKind, number>>();

  /** Hears of a statement that was carried out. */
  add(sql: string, rows: number): void {
    if (rows === 0) return;
    const match = STATEMENT.exec(sql);
    if (match === null) return;
    const [, verb = '', table = ''] = match;
    if (table.startsWith(STAGED) || table === SEQUENCES) return;
    const kind = / on conflict .* do update /s.test(sql)
      ? 'upserted'
      : KINDS[verb.toLowerCase() as keyof typeof KINDS];
    const counts = this.#counts.get(table) ?? new Map<ChangeKind, number>();
    counts.set(kind, (counts.get(kind) ?? 0) + rows);
    this.#counts.set(table, counts);
  }

  /** What was counted since the last call. */
  take(): ChangeCounts {
    const counts = Object.fromEntries(
      [...this.#counts].map(([table, kinds]) => [table, Object.fromEntries(kinds)]),
    );
    this.#counts.clear();
    return counts;
  }
}
