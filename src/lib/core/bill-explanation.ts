import { owedAfter, owedOnce, type StoredRecord, tariffOf } from './charge.ts';
import { addSeconds, type Day, type Instant } from './instant.ts';
import type { Minor } from './money.ts';
import type { VatRateTable } from './vat.ts';

/** Where the amount and the VAT of a record come from. `after.amount − before.amount` is its net. */
export interface RecordExplanation {
  readonly record: StoredRecord;
  /** Null for `one_time`. */
  readonly periodStart: Instant | null;
  /** What is charged before the record, and after it. A credit goes from more to less. */
  readonly before: Owed;
  readonly after: Owed;
  /**
   * The first day of the rate in the table as it is now; null when none was needed, or when the table no longer has
   * the rate that was charged.
   */
  readonly rateValidFrom: Day | null;
  /** One sentence with its source. */
  readonly rule: string;
}

/** N(x): what is owed for a part of a period. */
export interface Owed {
  /** x − start of the period. */
  readonly seconds: number;
  readonly amount: Minor;
  /** False when the amount was rounded. */
  readonly isExact: boolean;
}

const NOTHING: Owed = { seconds: 0, amount: 0n, isExact: true };

/**
 * Explains one record of a bill.
 * @param orderStart when the order of the record starts
 */
export function explainRecord(
  record: StoredRecord,
  orderStart: Instant,
  rates: VatRateTable,
): RecordExplanation {
  const { periodSeconds, periodIndex, start, end } = record;
  const periodStart = periodSeconds === null ? null : addSeconds(orderStart, periodIndex * periodSeconds);
  const rule = RULES[ruleOf(record, periodStart)];
  const explained = { record, periodStart, rateValidFrom: rateValidFrom(record, rates), rule };
  if (periodStart === null) return { ...explained, before: NOTHING, after: onceOwed(record) };
  const [low, high] = [owed(record, start - periodStart), owed(record, end - periodStart)];
  return record.corrects === null
    ? { ...explained, before: low, after: high }
    : { ...explained, before: high, after: low };
}

const TIME_OF_SUPPLY =
  'with the VAT of the time of supply (Directive 2006/112/EC Art. 93; Swiss MWSTG Art. 115).';

const RULES = {
  once: `A one-time price is charged once, when the order starts, ${TIME_OF_SUPPLY}`,
  adjustment: `A negative one-time price is an adjustment, made once, when the order starts, ${TIME_OF_SUPPLY}`,
  whole: `A whole period is charged at price × quantity, ${TIME_OF_SUPPLY}`,
  part: `The first part of a period is charged by its seconds, ${TIME_OF_SUPPLY}`,
  further: `A later part of a period is charged at what is owed up to its end less what is owed up to its start, ${TIME_OF_SUPPLY}`,
  credit:
    'What was charged for the time after the end of the order is given back, with the VAT that was charged (Directive 2006/112/EC Art. 90 and 219).',
} as const;

function ruleOf(record: StoredRecord, periodStart: Instant | null): keyof typeof RULES {
  if (record.kind === 'one_time') return record.net < 0n ? 'adjustment' : 'once';
  if (record.corrects !== null) return 'credit';
  if (record.start !== periodStart) return 'further';
  return record.end - record.start === record.periodSeconds ? 'whole' : 'part';
}

function owed(record: StoredRecord, seconds: number): Owed {
  const tariff = tariffOf(record);
  const isExact = (tariff.price * BigInt(seconds)) % (BigInt(tariff.periodSeconds) * tariff.scale) === 0n;
  return { seconds, amount: owedAfter(tariff, seconds), isExact };
}

function onceOwed(record: StoredRecord): Owed {
  const tariff = tariffOf(record);
  return { seconds: 0, amount: owedOnce(tariff), isExact: tariff.price % tariff.scale === 0n };
}

function rateValidFrom({ vat, start }: StoredRecord, rates: VatRateTable): Day | null {
  if (vat.treatment === 'reverse_charge' || vat.treatment === 'outside') return null;
  const row = rates.rowAt(vat.territory, start);
  return row !== null && row.rate === vat.rate ? row.validFrom : null;
}
