import { refuse } from './errors.ts';

/** The length of the period `once`: a price that is charged a single time. */
export const ONCE = 0;

/** The longest period an order may have: what a 32-bit column holds, 68 years. */
export const LONGEST_PERIOD_SECONDS = 2_147_483_647;

/**
 * The recurring periods that have a name, in seconds. Calendar months and years are absent because
 * their lengths vary, and equal prices for unequal times are unfair.
 */
export const PERIODS = {
  '365d': 31_536_000,
  '30d': 2_592_000,
  week: 604_800,
  day: 86_400,
  hour: 3_600,
  minute: 60,
  second: 1,
  once: ONCE,
} as const satisfies Record<string, number>;

const NAME_OF = new Map<number, string>(Object.entries(PERIODS).map(([name, seconds]) => [seconds, name]));

/**
 * Reads a period: one of the names, or a number of seconds from 0 (`once`) to 2,147,483,647.
 * @throws INVALID_PERIOD
 */
export function parsePeriod(text: string): number {
  if (Object.hasOwn(PERIODS, text)) return PERIODS[text as keyof typeof PERIODS];
  const seconds = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= LONGEST_PERIOD_SECONDS)) throw refuse.INVALID_PERIOD({ text });
  return seconds;
}

/** The name of a period, or its seconds in digits when it has none; `parsePeriod` reads both back. */
export function periodName(seconds: number): string {
  return NAME_OF.get(seconds) ?? String(seconds);
}
