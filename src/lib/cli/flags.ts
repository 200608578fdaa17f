import { Args, Flags } from '@oclif/core';
import { type Instant, parseDay, parseInstant } from '../core/instant.ts';
import { parsePrice } from '../core/money.ts';

/** `--dry-run`: show the plan, change nothing. */
export const dryRun = Flags.boolean({ char: 'n', summary: 'Show what would be done and change nothing' });

/** `--exit-code`: 4 when the shown plan is not empty. */
export const exitCode = Flags.boolean({ summary: 'End with 4 when changes are pending' });

/** `--yes`: destroy without asking. */
export const yes = Flags.boolean({ char: 'y', summary: 'Do not ask' });

/** An instant: ISO 8601 with a zone, a day, or now. */
export const instant = Flags.custom<Instant>({
  helpValue: 'TIME',
  parse: async (text) => parseInstant(text, Math.floor(Date.now() / 1000) as Instant),
});

/** A day, YYYY-MM-DD. */
export const day = Flags.custom({ helpValue: 'DAY', parse: async (text) => parseDay(text) });

/** A price that is not negative. */
export const price = Flags.custom({ helpValue: 'PRICE', parse: async (text) => parsePrice(text) });

/** A price that may be negative: an adjustment. */
export const signedPrice = Flags.custom({
  helpValue: 'PRICE',
  parse: async (text) => parsePrice(text, { negative: true }),
});

/** A required positional argument. Without `ignoreStdin` oclif would fill it from piped input. */
export function requiredArg(description: string) {
  return Args.string({ description, required: true, ignoreStdin: true });
}

/** An optional positional argument. */
export function optionalArg(description: string) {
  return Args.string({ description, ignoreStdin: true });
}

/** A required positional id. */
export function idArg(description: string) {
  return Args.integer({ description, required: true, min: 1, ignoreStdin: true });
}
