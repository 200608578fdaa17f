import { refuse, type VatHistoryChange } from './errors.ts';
import type { Day } from './instant.ts';
import { formatVatRate } from './vat.ts';
import {
  describeRate,
  seriesKey,
  type VatFileEntry,
  type VatRateEntry,
  type VatWarning,
} from './vat-file.ts';
import { SHIPPED_VAT_RATES } from './vat-table.ts';

/** One stored rate before and after: null before is an insertion, null after a removal. */
export interface VatRateChange<Stored extends VatRateEntry = VatRateEntry> {
  readonly before: Stored | null;
  readonly after: VatRateEntry | null;
}

/** What an import does. To apply it: delete every `before`, then insert every `after`. */
export interface VatImportPlan<Stored extends VatRateEntry = VatRateEntry> {
  readonly changes: readonly VatRateChange<Stored>[];
  /** `unchanged` counts the rates of the import that change nothing, the others count changes. */
  readonly counts: { readonly inserted: number; readonly updated: number; readonly unchanged: number };
  readonly warnings: readonly VatWarning[];
}

/** Where the rates of an import come from, and what it may change. */
export interface VatImportOptions {
  /** Whether the rates were read from a file or are the table that comes with the program. */
  readonly source: 'file' | 'shipped';
  /** Allows the import to change which rate applied on days before `today`. */
  readonly allowHistoryChange: boolean;
  readonly today: Day;
}

/**
 * Decides how an import changes the stored rates. Neither side may overlap in itself; the result does not.
 *
 * On every day the import is right where it has a rate, and the stored table where the import has none: days
 * before the first rate of a territory and holes are silence, not statements. Ranges of the same rate that
 * overlap grow together. A stored rate ends where the import's last rate ends, when the two are the same.
 *
 * Without permission no day before today changes the rate it has. Two tables that differ in what they know are
 * no reason to refuse; what is stored stays, with the warning RATE_KEPT:
 * - a temporary rate that the shipped table knows and the other one does not, whichever comes first;
 * - any rate within a range of the shipped table, and a later one than it knows: the program may be old.
 * @throws VAT_HISTORY_CHANGE
 */
export function planVatImport<Stored extends VatRateEntry>(
  stored: readonly Stored[],
  incoming: readonly (VatRateEntry | VatFileEntry)[],
  options: VatImportOptions,
): VatImportPlan<Stored> {
  const storedSeries = bySeries(stored);
  const changes: VatRateChange<Stored>[] = [];
  const history: VatHistoryChange[] = [];
  const warnings: VatWarning[] = [];
  let unchanged = 0;

  for (const [key, imported] of bySeries(incoming)) {
    const old = storedSeries.get(key) ?? [];
    const rates = options.allowHistoryChange ? imported : sparing(imported, old, options, warnings);
    const merged = merge(old, rates, options.source);
    history.push(...historyChanges(old, merged, options.today));
    const changed = changesBetween(old, merged);
    changes.push(...changed);
    const touched = changed.flatMap(({ before, after }) => [before, after].filter((row) => row !== null));
    unchanged += imported.filter((row) => !touched.some((other) => overlap(row, other))).length;
  }

  const [first, ...others] = history;
  if (first !== undefined && !options.allowHistoryChange) {
    throw refuse.VAT_HISTORY_CHANGE({ changes: [first, ...others] });
  }
  const inserted = changes.filter(({ before }) => before === null).length;
  return { changes, counts: { inserted, updated: changes.length - inserted, unchanged }, warnings };
}

function bySeries<Entry extends VatRateEntry>(entries: readonly Entry[]): Map<string, Entry[]> {
  const series = Map.groupBy(entries, seriesKey);
  for (const rows of series.values()) rows.sort((a, b) => (a.validFrom < b.validFrom ? -1 : 1));
  return series;
}

/** The end of a range as text that compares: later than every day when the range is open. */
function endOf({ validTo }: Range): string {
  return validTo ?? '~';
}

interface Range {
  readonly validFrom: string;
  readonly validTo: string | null;
}

function overlap(a: Range, b: Range): boolean {
  return a.validFrom < endOf(b) && b.validFrom < endOf(a);
}

function isSameRange(a: Range, b: Range): boolean {
  return a.validFrom === b.validFrom && a.validTo === b.validTo;
}

/** Whether `inner` begins after `outer` and ends before it, or never like it. */
function isWithin(inner: Range, outer: Range): boolean {
  const endsWithin = inner.validTo === null ? outer.validTo === null : inner.validTo < endOf(outer);
  return inner.validFrom > outer.validFrom && endsWithin;
}

/** The import without what the stored table knows better; see `planVatImport`. */
function sparing(
  imported: readonly VatRateEntry[],
  stored: readonly VatRateEntry[],
  { source, today }: VatImportOptions,
  warnings: VatWarning[],
): VatRateEntry[] {
  const keep = (kept: VatRateEntry, instead: VatRateEntry) => {
    const reason =
      `${describeRate(kept)} is stored and was kept, though the import says ${describeRate(instead)}; ` +
      'with --allow-history-change the import counts.';
    warnings.push({ line: 'line' in instead ? Number(instead.line) : null, code: 'RATE_KEPT', reason });
  };

  return imported.flatMap((row, index) => {
    if (source === 'shipped' && isTemporary(imported, index) && endOf(row) <= today) {
      const around = stored.find((other) => other.rate !== row.rate && isWithin(row, other));
      if (around !== undefined && around.rate === imported[index - 1]?.rate) {
        keep(around, row);
        return [{ ...row, rate: around.rate }];
      }
    }
    const kept = stored.filter(
      (other) =>
        other.rate !== row.rate &&
        isWithin(other, row) &&
        (source === 'shipped' || (endOf(other) <= today && isShipped(other))),
    );
    for (const other of kept) keep(other, row);
    return without(row, kept);
  });
}

/** Whether the rates on both sides of a rate touch it and are equal. */
function isTemporary(rows: readonly VatRateEntry[], index: number): boolean {
  const [before, row, after] = [rows[index - 1], rows[index], rows[index + 1]];
  return (
    before !== undefined &&
    after !== undefined &&
    before.rate === after.rate &&
    before.validTo === row?.validFrom &&
    row.validTo === after.validFrom
  );
}

function isShipped(row: VatRateEntry): boolean {
  return SHIPPED_VAT_RATES.some(
    (shipped) =>
      seriesKey(shipped) === seriesKey(row) && isSameRange(shipped, row) && shipped.rate === row.rate,
  );
}

/** What remains of a range when the given ones within it, in order, are taken out. */
function without(row: VatRateEntry, taken: readonly VatRateEntry[]): VatRateEntry[] {
  const starts = [row.validFrom, ...taken.flatMap(({ validTo }) => validTo ?? [])];
  const ends = [...taken.map(({ validFrom }) => validFrom), row.validTo];
  return starts
    .map((validFrom, index) => ({ ...row, validFrom, validTo: ends[index] ?? null }))
    .filter((part) => part.validFrom < endOf(part));
}

/** A stretch of days on which neither side changes. `stored` only where it has the rate that applies. */
interface Piece {
  readonly validFrom: Day;
  validTo: Day | null;
  readonly rate: VatRateEntry['rate'];
  readonly imported: VatRateEntry[];
  readonly stored: VatRateEntry[];
}

function merge(
  stored: readonly VatRateEntry[],
  imported: readonly VatRateEntry[],
  source: VatImportOptions['source'],
): VatRateEntry[] {
  const old = endedBy(imported.at(-1), stored);
  // A file may correct the text of a rate; the shipped table has none to offer.
  const saysMore = (row: VatRateEntry) => source === 'file' && old.some((other) => isSameRange(row, other));
  const fresh = imported.filter((row) => saysMore(row) || !isCovered(row, old));
  const pieces: Piece[] = [];
  for (const { validFrom, validTo, left, right } of stretches(old, fresh)) {
    const rate = (right ?? left)?.rate;
    if (rate === undefined) continue;
    const importedHere = right === undefined ? [] : [right];
    const storedHere = left?.rate === rate ? [left] : [];
    const last = pieces.at(-1);
    const growsOn =
      last?.validTo === validFrom &&
      last.rate === rate &&
      (last.imported.some((row) => row === right) || last.stored.some((row) => row === left));
    if (last !== undefined && growsOn) {
      last.validTo = validTo;
      last.imported.push(...importedHere);
      last.stored.push(...storedHere);
    } else {
      pieces.push({ validFrom, validTo, rate, imported: importedHere, stored: storedHere });
    }
  }
  return pieces.map(entryOf);
}

/** The stored rates, with the one that has the import's last rate ending where that ends. */
function endedBy(last: VatRateEntry | undefined, stored: readonly VatRateEntry[]): VatRateEntry[] {
  return stored.map((row) => {
    const goesOn = last !== undefined && overlap(row, last) && endOf(last) < endOf(row);
    return goesOn && row.rate === last.rate ? { ...row, validTo: last.validTo } : row;
  });
}

/** Whether every day of a range has the same rate already. */
function isCovered(row: VatRateEntry, stored: readonly VatRateEntry[]): boolean {
  let until: string = row.validFrom;
  for (const other of stored) {
    if (other.rate === row.rate && other.validFrom <= until && until < endOf(other)) until = endOf(other);
  }
  return until >= endOf(row);
}

interface Stretch {
  readonly validFrom: Day;
  readonly validTo: Day | null;
  readonly left: VatRateEntry | undefined;
  readonly right: VatRateEntry | undefined;
}

/** The days from the first to the last edge of two tables, cut wherever one of them changes. */
function stretches(left: readonly VatRateEntry[], right: readonly VatRateEntry[]): Stretch[] {
  const rows = [...left, ...right];
  const edges = [
    ...new Set(rows.flatMap(({ validFrom, validTo }) => [validFrom, validTo ?? []].flat())),
  ].sort();
  const isOpen = rows.some(({ validTo }) => validTo === null);
  return edges.slice(0, isOpen ? undefined : -1).map((validFrom, index) => {
    const applies = (row: VatRateEntry) => row.validFrom <= validFrom && validFrom < endOf(row);
    const validTo = edges[index + 1] ?? null;
    return { validFrom, validTo, left: left.find(applies), right: right.find(applies) };
  });
}

/** A blank currency or description says nothing and does not replace one that is stored. */
function entryOf(piece: Piece): VatRateEntry {
  const { validFrom, validTo, rate } = piece;
  const isWhole = (row: VatRateEntry) => isSameRange(row, piece);
  const whole = piece.imported.find(isWhole) ?? piece.stored.find(isWhole);
  const source = whole ?? piece.imported.at(-1) ?? piece.stored.at(-1);
  const fallback = piece.stored.at(-1);
  if (source === undefined) throw new RangeError(`no row says ${rate} on ${validFrom}`);
  return {
    territory: source.territory,
    rateType: source.rateType,
    validFrom,
    validTo,
    rate,
    currency: source.currency || (fallback?.currency ?? ''),
    description: source.description || (fallback?.description ?? ''),
  };
}

function historyChanges(
  stored: readonly VatRateEntry[],
  merged: readonly VatRateEntry[],
  today: Day,
): VatHistoryChange[] {
  return stretches(stored, merged).flatMap(({ validFrom, validTo, left, right }) => {
    if (left === undefined || left.rate === right?.rate || validFrom >= today) return [];
    return {
      territory: left.territory,
      rate_type: left.rateType,
      from: validFrom,
      to: validTo === null || validTo > today ? today : validTo,
      stored: formatVatRate(left.rate),
      incoming: right === undefined ? null : formatVatRate(right.rate),
    };
  });
}

/** Pairs rows that differ: by start, then a row that is gone with the new one that covers its start. */
function changesBetween<Stored extends VatRateEntry>(
  stored: readonly Stored[],
  merged: readonly VatRateEntry[],
): VatRateChange<Stored>[] {
  const gone = stored.filter((row) => !merged.some((other) => isSameEntry(row, other)));
  const added = new Set(merged.filter((row) => !stored.some((other) => isSameEntry(row, other))));
  const pairs = new Map<Stored, VatRateEntry>();
  const pair = (fits: (before: Stored, after: VatRateEntry) => boolean) => {
    for (const before of gone) {
      const after = pairs.has(before) ? undefined : [...added].find((row) => fits(before, row));
      if (after === undefined) continue;
      pairs.set(before, after);
      added.delete(after);
    }
  };
  pair((before, after) => before.validFrom === after.validFrom);
  pair((before, after) => after.validFrom <= before.validFrom && before.validFrom < endOf(after));
  return [
    ...gone.map((before) => ({ before, after: pairs.get(before) ?? null })),
    ...[...added].map((after) => ({ before: null, after })),
  ];
}

function isSameEntry(a: VatRateEntry, b: VatRateEntry): boolean {
  return (
    isSameRange(a, b) && a.rate === b.rate && a.currency === b.currency && a.description === b.description
  );
}
