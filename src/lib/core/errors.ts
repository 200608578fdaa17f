/**
 * Every refusal that the program can make stands in this file, once. `docs/errors.md` is generated from it.
 * Anything thrown that is not a UserError is a bug.
 */

/** Exit codes, as the contract and `uncloud help exit-codes` list them. */
export const EXIT = {
  DONE: 0,
  REFUSED: 1,
  USAGE: 2,
  PARTLY: 3,
  PENDING: 4,
  BUG: 70,
  TRY_AGAIN: 75,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A refusal: the program is right and the request, the input or the surroundings are not. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly code: string;
  readonly exit: ExitCode;
  /** What to do next, as one sentence or command. */
  readonly hint: string;
  /** Facts for machines, added to the error document of `--json`; never secrets. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    {
      hint,
      exit = EXIT.REFUSED,
      data = {},
    }: { hint: string; exit?: ExitCode; data?: Record<string, unknown> },
  ) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.exit = exit;
    this.data = data;
  }

  /** The same refusal with another exit code: a bad value is exit 1 in a file and exit 2 in a flag. */
  withExit(exit: ExitCode): UserError {
    return new UserError(this.code, this.message, { hint: this.hint, exit, data: { ...this.data } });
  }

  /** The same refusal, saying first where it was found: `users.csv, line 3, country`. */
  at(place: string): UserError {
    const { hint, exit, data } = this;
    return new UserError(this.code, `${place}: ${this.message}`, { hint, exit, data: { ...data } });
  }
}

interface Said {
  readonly message: string;
  readonly hint: string;
  readonly data?: Record<string, unknown>;
}

interface Definition<Facts> {
  /** When it happens, for the manual. */
  readonly when: string;
  readonly exit?: ExitCode;
  readonly say: (facts: Facts) => Said;
  /** Facts that make the example in the manual and in its test. */
  readonly example: Facts;
}

function define<Facts>(definition: Definition<Facts>): Definition<Facts> {
  return definition;
}

/** Puts untrusted text into a sentence: quoted, control characters visible, at most 80 characters. */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

const DEFINITIONS = {
  // ── values ─────────────────────────────────────────────────────────────────────────────────────────────
  INVALID_INSTANT: define<{ text: string }>({
    when: 'A time is not ISO 8601 with a zone, not a day and not `now`, or has fractions of a second.',
    say: ({ text }) => ({
      message: `${quote(text)} is not a time.`,
      hint: 'Write 2026-01-31T12:00:00Z, 2026-01-31 (00:00 UTC) or now; billing counts whole seconds.',
    }),
    example: { text: '31.01.2026' },
  }),
  INVALID_DAY: define<{ text: string }>({
    when: 'A day is not written YYYY-MM-DD or does not exist in the calendar.',
    say: ({ text }) => ({
      message: `${quote(text)} is not a day.`,
      hint: 'Write it as YYYY-MM-DD, for example 2026-01-31.',
    }),
    example: { text: '2026-02-30' },
  }),
  INVALID_PRICE: define<{ text: string }>({
    when: 'A price has an exponent, a comma, a plus sign, blanks, more than four decimals or more than nine digits.',
    say: ({ text }) => ({
      message: `${quote(text)} is not a price.`,
      hint: 'Write digits with a point and at most four decimals, for example 10, 10.50 or 0.0125.',
    }),
    example: { text: '10,50' },
  }),
  NEGATIVE_PRICE: define<{ text: string }>({
    when: 'A recurring price is negative.',
    say: ({ text }) => ({
      message: `The price ${quote(text)} is negative.`,
      hint: 'Only a one-time price may be negative: record a refund as an order with --one-time-price.',
    }),
    example: { text: '-5' },
  }),
  UNKNOWN_CURRENCY: define<{ currency: string }>({
    when: 'A currency is not an ISO 4217 code that can be billed, in upper case.',
    say: ({ currency }) => ({
      message: `${quote(currency)} is not a currency that can be billed.`,
      hint: 'Use an ISO 4217 code in upper case, for example CHF, EUR or USD.',
    }),
    example: { currency: 'chf' },
  }),
} as const;

type Definitions = typeof DEFINITIONS;
export type RefusalCode = keyof Definitions;
type Refuse = { readonly [Code in RefusalCode]: (facts: Definitions[Code]['example']) => UserError };

const ENTRIES = Object.entries(DEFINITIONS as unknown as Record<string, Definition<unknown>>);

/** Makes a refusal by its code: `throw refuse.INVALID_DAY({ text })`. */
export const refuse = Object.fromEntries(
  ENTRIES.map(([code, definition]) => [code, (facts: unknown) => make(code, definition, facts)]),
) as unknown as Refuse;

/** Every refusal with its example, in the order of this file: the source of `docs/errors.md`. */
export function refusalExamples(): { code: string; when: string; error: UserError }[] {
  return ENTRIES.map(([code, definition]) => ({
    code,
    when: definition.when,
    error: make(code, definition, definition.example),
  }));
}

function make(code: string, definition: Definition<unknown>, facts: unknown): UserError {
  const { message, hint, data } = definition.say(facts);
  return new UserError(code, message, {
    hint,
    ...(definition.exit === undefined ? {} : { exit: definition.exit }),
    ...(data === undefined ? {} : { data }),
  });
}
