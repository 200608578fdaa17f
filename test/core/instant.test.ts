import { describe, expect, it } from 'vitest';
import {
  checkRange,
  formatInstant,
  type Instant,
  parseDay,
  parseInstant,
} from '../../src/lib/core/instant.ts';
import { refusalOf } from '../support/refusal.ts';

const at = (text: string) => parseInstant(text, 0 as Instant);

describe('ranges of time', () => {
  it('may be open, and hold a second at least', () => {
    const from = at('2026-01-01');
    for (const range of [{}, { from }, { to: from }, { from, to: (from + 1) as Instant }]) checkRange(range);
    checkRange({ from: parseDay('2026-01-31'), to: parseDay('2026-02-01') });
  });

  it.each([
    ['2026-01-02', '2026-01-01'],
    ['2026-01-01', '2026-01-01'],
  ])('from %s to %s are refused', (from, to) => {
    expect(refusalOf(() => checkRange({ from: at(from), to: at(to) })).code).toBe('RANGE_EMPTY');
    expect(refusalOf(() => checkRange({ from: parseDay(from), to: parseDay(to) })).code).toBe('RANGE_EMPTY');
  });
});

describe('instants', () => {
  it('are written to the second, and as the number that they are when they are none', () => {
    expect(formatInstant(at('9999-12-31T23:59:59Z'))).toBe('9999-12-31T23:59:59Z');
    expect(formatInstant(1_735_689_600_000_000 as Instant)).toBe('second 1735689600000000');
    expect(formatInstant(at('0000-01-01'))).toBe('0000-01-01T00:00:00Z');
    expect(formatInstant((at('0000-01-01') - 1) as Instant)).toBe('second -62167219201');
  });

  it.each(['0000-01-01T00:00:00+00:01', '9999-12-31T23:59:59-00:01'])(
    'of a year without four digits are refused: %s',
    (text) => expect(refusalOf(() => at(text)).code).toBe('INVALID_INSTANT'),
  );
});
