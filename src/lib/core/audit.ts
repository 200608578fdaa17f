import { formatInstant, type Instant } from './instant.ts';

/** Who runs a command, where and when, as the audit trail records it. */
export interface Author {
  /** When the command began. */
  readonly at: Instant;
  readonly osUser: string;
  /** Who became `osUser` by sudo; null when nobody did. */
  readonly sudoUser: string | null;
  readonly host: string;
  /** The command as it was typed, without secrets. */
  readonly command: string;
}

/** How many rows of each table a transaction inserted, updated or deleted. An upsert did one of the first two. */
export type ChangeCounts = Readonly<Record<string, Readonly<Partial<Record<ChangeKind, number>>>>>;

/** What became of a row; of an upsert nobody can say whether it inserted or updated. */
export type ChangeKind = 'inserted' | 'updated' | 'upserted' | 'deleted';

/**
 * One transaction that changed something. The entries of a topic are a chain: each holds the hash of the one before.
 */
export interface AuditEntry extends Author {
  /** In the order of arrival; a transaction that was rolled back leaves a gap. */
  readonly id: number;
  readonly topic: string;
  /** Within the topic, 1 onwards without a gap. */
  readonly position: number;
  /** Null on SQLite, which has no roles. */
  readonly databaseRole: string | null;
  readonly counts: ChangeCounts;
  /** `part` is one of several transactions of a command: the command itself may have ended otherwise. */
  readonly result: AuditResult;
  /** 64 hexadecimal digits; zeros at position 1. */
  readonly previousHash: string;
  /** SHA-256 of `canonicalEntry`, in hexadecimal digits. */
  readonly hash: string;
}

/** Whether a transaction is all that its command did, or one of several. */
export type AuditResult = 'done' | 'part';

/** What stands in place of the hash before the first entry of a topic. */
export const NO_HASH = '0'.repeat(64);

/** A longer command is cut: a command line may be of megabytes. */
const LONGEST_COMMAND = 2000;

/** What the hash of an entry is taken of, by the names that it has as a document. */
export function sealedPart(entry: Omit<AuditEntry, 'id' | 'hash'>) {
  return {
    at: formatInstant(entry.at),
    command: entry.command,
    counts: entry.counts,
    database_role: entry.databaseRole,
    host: entry.host,
    os_user: entry.osUser,
    position: entry.position,
    previous_hash: entry.previousHash,
    result: entry.result,
    sudo_user: entry.sudoUser,
    topic: entry.topic,
  };
}

/** The text whose SHA-256 is the hash of an entry: the canonical JSON (RFC 8785) of its sealed part. */
export function canonicalEntry(entry: Omit<AuditEntry, 'id' | 'hash'>): string {
  return canonicalJson(sealedPart(entry));
}

/**
 * JSON in the one form of RFC 8785: keys in order, no space. For objects, well-formed text, safe integers and null,
 * where that is what JSON.stringify writes.
 */
export function canonicalJson(document: object): string {
  return JSON.stringify(document, (_, value: unknown) =>
    value !== null && typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/** The command as the trail holds it: well-formed text of one line that is not endless. */
export function recordedCommand(words: string): string {
  const text = words.toWellFormed().replaceAll('\0', '');
  return text.length <= LONGEST_COMMAND ? text : `${text.slice(0, LONGEST_COMMAND).toWellFormed()}…`;
}
