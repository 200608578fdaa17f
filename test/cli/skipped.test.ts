import { expect, it } from 'vitest';
import { skippedWarnings } from '../../src/lib/cli/skipped.ts';
import { refuse } from '../../src/lib/core/errors.ts';
import { parseUsername } from '../../src/lib/core/user.ts';

function users(
  count: number,
  refusal: (name: string, index: number) => ReturnType<typeof refuse.MISSING_COUNTRY>,
) {
  return Array.from({ length: count }, (_, index) => {
    const username = parseUsername(`u${index}`);
    return { username, refusal: refusal(username, index) };
  });
}

it('tells each cause once, with how many users it concerns and what to type for the first', () => {
  const warnings = skippedWarnings([
    ...users(1, () => refuse.MISSING_VAT_RATE({ territory: 'CH', day: '2015-06-01' })),
    ...users(2000, (name) => refuse.MISSING_COUNTRY({}).about(name)),
    ...users(2, () => refuse.MISSING_VAT_RATE({ territory: 'DE', day: '2015-06-01' })),
  ]);
  expect(warnings).toEqual([
    '2000 users (u0, u1, u2, 1997 more) are skipped (MISSING_COUNTRY): The billing address has no country, so the VAT ' +
      'cannot be decided.\n  Set it with `uncloud user update u0 --country CC`.',
    expect.stringMatching(/^2 users \(u0, u1\) are skipped \(MISSING_VAT_RATE\): .*"DE"/),
    expect.stringMatching(/^u0 is skipped \(MISSING_VAT_RATE\): .*"CH"/),
  ]);
});

it('gives one warning for a rule that says another number about everybody', () => {
  const warnings = skippedWarnings(
    users(50, (_, order) => refuse.TOO_MANY_PERIODS({ order, limit: 10_000 })),
  );
  expect(warnings).toEqual([
    expect.stringMatching(/^50 users \(u0, u1, u2, 47 more\) are skipped .*Order 0 has/),
  ]);
});
