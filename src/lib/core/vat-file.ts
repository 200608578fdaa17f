import { compareText } from './compare-text.ts';
import { refuse, UserError, type VatFileFault } from './errors.ts';
import { addDays, parseDay } from './instant.ts';
import { formatVatRate, parseTerritory, parseVatRate, type Territory, type VatRateRow } from './vat.ts';

/** The columns of a file of VAT rates; all must be there, in any order. */
export const VAT_FILE_COLUMNS = [
  'start_date',
  'stop_date',
  'territory_codes',
  'currency_code',
  'rate',
  'rate_type',
  'description',
] as const;

export type VatFileColumn = (typeof VAT_FILE_COLUMNS)[number];

/** One row of the file as it was read, with the line on which it starts. */
export interface VatFileRecord {
  readonly line: number;
  readonly cells: Readonly<Record<VatFileColumn, string>>;
}

/** A row by the names of its columns, whose cells come in the order of VAT_FILE_COLUMNS. */
export function vatFileRecord(line: number, cells: readonly string[]): VatFileRecord {
  const named = VAT_FILE_COLUMNS.map((column, index) => [column, cells[index] ?? '']);
  return { line, cells: Object.fromEntries(named) as Record<VatFileColumn, string> };
}

/** The kinds of rates of Directive 2006/112/EC Art. 96–122; only standard rates are charged. */
export type VatRateType = (typeof RATE_TYPES)[number];

const RATE_TYPES = ['standard', 'reduced', 'super-reduced', 'parking', 'zero'] as const;

/** A rate of the table with everything that is stored of it. */
export interface VatRateEntry extends VatRateRow {
  readonly rateType: VatRateType;
  /** An ISO 4217 code, or empty. For people only: tables disagree on it. */
  readonly currency: string;
  readonly description: string;
}

/** A rate read from a file; `line` is where its row starts. */
export interface VatFileEntry extends VatRateEntry {
  readonly line: number;
}

/** Something that was accepted and that people should know. */
export interface VatWarning {
  readonly line: number | null;
  readonly code: 'HOLE_CLOSED' | 'HOLE_KEPT' | 'ROW_REPEATED' | 'RATE_KEPT';
  readonly reason: string;
}

/** The rates of a file: a rate is one territory × one range. */
export interface VatFile {
  readonly recordsRead: number;
  /** Rates that the file says more than once, such as those listed under both EL and GR. */
  readonly duplicates: number;
  readonly rates: readonly VatFileEntry[];
  readonly warnings: readonly VatWarning[];
}

const MOST_FAULTS = 100;

/**
 * Reads the rows of a file of VAT rates and brings them into one order: by territory, kind and start.
 * One row may name several territories, each on a line of its cell; EL counts as GR and UK as GB.
 * `stop_date` is exclusive. A stop one day before the next start was written inclusively: the hole is closed.
 * @throws VAT_FILE_REFUSED naming every fault, up to 100
 */
export function parseVatFile(records: Iterable<VatFileRecord>, file: string): VatFile {
  const faults: VatFileFault[] = [];
  const warnings: VatWarning[] = [];
  const entries: VatFileEntry[] = [];
  let recordsRead = 0;
  for (const record of records) {
    recordsRead += 1;
    entries.push(...parseRecord(record, faults));
  }
  const series = Map.groupBy(entries, seriesKey);
  const rates = [...series.keys()].sort().flatMap((key) => settle(series.get(key) ?? [], faults, warnings));

  const [first, ...others] = faults.sort((a, b) => a.line - b.line);
  if (first !== undefined) {
    const refused = [first, ...others.slice(0, MOST_FAULTS - 1)] as const;
    throw refuse.VAT_FILE_REFUSED({ file, refused, faults: faults.length });
  }
  return {
    recordsRead,
    duplicates: entries.length - rates.length,
    rates,
    warnings: warnings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
  };
}

/** Rates with the same key are about the same thing at different times, and must not overlap. */
export function seriesKey({ territory, rateType }: VatRateEntry): string {
  return `${territory}\n${rateType}`;
}

function parseRecord({ line, cells }: VatFileRecord, faults: VatFileFault[]): VatFileEntry[] {
  const faultsBefore = faults.length;
  const fault = (column: VatFileColumn, reason: string) => {
    faults.push({ line, column, value: cells[column], reason });
  };
  const parse = <Value>(column: VatFileColumn, parser: (text: string) => Value): Value | undefined => {
    try {
      return parser(cells[column]);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      fault(column, `${error.message} ${error.hint}`);
      return undefined;
    }
  };

  const validFrom = parse('start_date', parseDay);
  const validTo = cells.stop_date === '' ? null : parse('stop_date', parseDay);
  const territories = parse('territory_codes', parseTerritories);
  const rate = parse('rate', parseVatRate);
  const rateType = RATE_TYPES.find((type) => type === cells.rate_type);
  if (rateType === undefined) fault('rate_type', `A rate type is one of: ${RATE_TYPES.join(', ')}.`);
  const currency = cells.currency_code;
  if (!/^([A-Z]{3})?$/.test(currency))
    fault('currency_code', 'A currency is three capital letters, or empty.');
  if (validFrom !== undefined && validTo && validTo <= validFrom) {
    fault('stop_date', `The stop date ${validTo} is not after the start date ${validFrom}.`);
  }
  if (faults.length > faultsBefore || !validFrom || validTo === undefined) return [];
  if (territories === undefined || rate === undefined || rateType === undefined) return [];
  const description = cells.description.trim();
  return territories.map((territory) => {
    return { line, territory, rateType, validFrom, validTo, rate, currency, description };
  });
}

function parseTerritories(cell: string): Territory[] {
  return cell
    .trim()
    .split(/\s*\n\s*/)
    .map(parseTerritory);
}

/** Orders the rates of one series, drops repetitions, closes holes of one day and finds contradictions. */
function settle(entries: VatFileEntry[], faults: VatFileFault[], warnings: VatWarning[]): VatFileEntry[] {
  entries.sort((a, b) => compareText(a.validFrom, b.validFrom) || a.line - b.line);
  const settled: VatFileEntry[] = [];
  for (const entry of entries) {
    const before = settled.at(-1);
    if (before === undefined) {
      settled.push(entry);
    } else if (isRepeated(before, entry)) {
      if (before.line !== entry.line) {
        const reason = `${describeRate(entry)} stands in line ${before.line} already.`;
        warnings.push({ line: entry.line, code: 'ROW_REPEATED', reason });
      }
    } else if (before.validTo === null || before.validTo > entry.validFrom) {
      faults.push({
        line: entry.line,
        column: 'start_date',
        value: entry.validFrom,
        reason: `${describeRate(entry)} overlaps line ${before.line}: ${describeRate(before)}.`,
      });
    } else {
      settled.splice(-1, 1, closeHole(before, entry, warnings), entry);
    }
  }
  return settled;
}

function isRepeated(a: VatFileEntry, b: VatFileEntry): boolean {
  return (
    a.validFrom === b.validFrom && a.validTo === b.validTo && a.rate === b.rate && a.currency === b.currency
  );
}

function closeHole(before: VatFileEntry, next: VatFileEntry, warnings: VatWarning[]): VatFileEntry {
  const { line, territory, validTo } = before;
  if (validTo === null || validTo === next.validFrom) return before;
  if (addDays(validTo, 1) === next.validFrom) {
    const reason = `${territory}: the stop date ${validTo} was taken as inclusive, for the next rate starts on ${next.validFrom}.`;
    warnings.push({ line, code: 'HOLE_CLOSED', reason });
    return { ...before, validTo: next.validFrom };
  }
  const reason = `${territory} has no ${before.rateType} rate from ${validTo} to ${next.validFrom}.`;
  warnings.push({ line, code: 'HOLE_KEPT', reason });
  return before;
}

/** One rate in words: `CH 0.081 from 2024-01-01`. */
export function describeRate({ territory, rate, validFrom, validTo }: VatRateRow): string {
  return `${territory} ${formatVatRate(rate)} from ${validFrom}${validTo === null ? '' : ` to ${validTo}`}`;
}
