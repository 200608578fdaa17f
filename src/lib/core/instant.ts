import { refuse } from './errors.ts';

/** A moment in time: whole seconds since 1970-01-01T00:00:00Z. Leap seconds do not exist here. */
export type Instant = number & { readonly unit: 'seconds since the epoch, UTC' };

/** A calendar day in UTC, written YYYY-MM-DD. Days compare correctly as text. */
export type Day = string & { readonly unit: 'day, UTC' };

/** From one moment or day on, and before another; what is absent has no limit. */
export interface Range<At extends Instant | Day> {
  readonly from?: At | undefined;
  readonly to?: At | undefined;
}

/** Of UTC as POSIX counts it: without leap seconds. */
export const SECONDS_PER_DAY = 86_400;

/** The first and the last second of the years that ISO 8601 writes with four digits: 0000-01-01 and 9999-12-31. */
const FIRST_INSTANT = -62_167_219_200 as Instant;
export const LAST_INSTANT = 253_402_300_799 as Instant;

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const INSTANT =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(?:([Zz])|([+-])(\d{2}):?(\d{2}))$/;

/** Whether a number is a whole second of the years 0000 to 9999. */
export function isInstant(seconds: number): seconds is Instant {
  return Number.isInteger(seconds) && seconds >= FIRST_INSTANT && seconds <= LAST_INSTANT;
}

/** Makes an instant of a whole number of seconds that is known to be in range, such as one from the database. */
export function instant(seconds: number): Instant {
  return seconds as Instant;
}

/** The moment `seconds` after `start`. */
export function addSeconds(start: Instant, seconds: number): Instant {
  return (start + seconds) as Instant;
}

/**
 * Reads an instant: ISO 8601 with a zone, `YYYY-MM-DD` (00:00 UTC), or `now`.
 * Fractions of a second are refused because billing counts whole seconds.
 * @throws INVALID_INSTANT
 */
export function parseInstant(text: string, now: Instant): Instant {
  if (text === 'now') return now;
  if (DAY.test(text)) return startOfDay(parseDay(text));
  const match = INSTANT.exec(text);
  if (match === null) throw refuse.INVALID_INSTANT({ text });
  const [, day = '', hour, minute, second = '0', fraction, , sign, zoneHour = '0', zoneMinute = '0'] = match;
  const clock = [Number(hour), Number(minute), Number(second)] as const;
  const zone = [Number(zoneHour), Number(zoneMinute)] as const;
  if (clock[0] > 23 || clock[1] > 59 || clock[2] > 59 || zone[0] > 23 || zone[1] > 59) {
    throw refuse.INVALID_INSTANT({ text });
  }
  if (fraction !== undefined && !/^\.0+$/.test(fraction)) throw refuse.INVALID_INSTANT({ text });
  const offset = (zone[0] * 3600 + zone[1] * 60) * (sign === '-' ? -1 : 1);
  const seconds = startOfDay(parseDay(day)) + clock[0] * 3600 + clock[1] * 60 + clock[2] - offset;
  if (!isInstant(seconds)) throw refuse.INVALID_INSTANT({ text });
  return seconds;
}

/**
 * Writes an instant as ISO 8601 UTC to the second: `2025-01-31T00:00:00Z`. What another program stored may be none,
 * such as microseconds, and is shown as the number that it is: `second 1735689600000000`.
 */
export function formatInstant(at: Instant): string {
  if (!isInstant(at)) return `second ${at}`;
  return `${new Date(at * 1000).toISOString().slice(0, 19)}Z`;
}

/**
 * Checks that a range of instants or of days, `to` exclusive, has room for anything.
 * @throws RANGE_EMPTY
 */
export function checkRange<At extends Instant | Day>({ from, to }: Range<At>): void {
  if (from === undefined || to === undefined || from < to) return;
  const write = (at: Instant | Day) => (typeof at === 'number' ? formatInstant(at) : at);
  throw refuse.RANGE_EMPTY({ from: write(from), to: write(to) });
}

/**
 * Reads a day of the proleptic Gregorian calendar, `YYYY-MM-DD`.
 * @throws INVALID_DAY, also for days that do not exist, such as 2025-02-29
 */
export function parseDay(text: string): Day {
  const match = DAY.exec(text);
  if (match === null) throw refuse.INVALID_DAY({ text });
  const date = new Date(`${text}T00:00:00Z`);
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== text) {
    throw refuse.INVALID_DAY({ text });
  }
  return text as Day;
}

/** The first instant of a day, 00:00:00 UTC. */
export function startOfDay(day: Day): Instant {
  return (Date.parse(`${day}T00:00:00Z`) / 1000) as Instant;
}

/** The day in which an instant lies. */
export function dayOf(at: Instant): Day {
  return new Date(at * 1000).toISOString().slice(0, 10) as Day;
}

/** The day `days` later (earlier when negative). */
export function addDays(day: Day, days: number): Day {
  return dayOf(addSeconds(startOfDay(day), days * SECONDS_PER_DAY));
}

/** Whether a day is still to come everywhere: east of Greenwich the one after today, UTC, has begun already. */
export function isToCome(day: Day, now: Instant): boolean {
  return day > addDays(dayOf(now), 1);
}

/** The last whole second before the end of a half-open interval, as people write ends of periods. */
export function lastSecondBefore(end: Instant): Instant {
  return addSeconds(end, -1);
}
