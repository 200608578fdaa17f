import { Args, Flags } from '@oclif/core';
import { parseBillReference } from '../core/bill-reference.ts';
import { parseCountry } from '../core/country.ts';
import { refuse } from '../core/errors.ts';
import { parseHostname } from '../core/hostname.ts';
import { parseIban } from '../core/iban.ts';
import { parseId } from '../core/id.ts';
import { type Instant, parseDay, parseInstant } from '../core/instant.ts';
import { parseLine } from '../core/line.ts';
import { parseCurrency, parsePrice } from '../core/money.ts';
import { parsePeriod } from '../core/period.ts';
import { parseProductDescription } from '../core/product.ts';
import { parseReference } from '../core/reference.ts';
import { parseEmail, parseUsername } from '../core/user.ts';
import { parseTerritory } from '../core/vat.ts';
import { parseVatNumber } from '../core/vat-number.ts';

/** `--dry-run`: show the plan, change nothing. */
export const dryRun = Flags.boolean({ char: 'n', summary: 'Show what would be done and change nothing' });

/** `--exit-code`: 4 when the shown plan is not empty. */
export const exitCode = Flags.boolean({ summary: 'End with 4 when changes are pending' });

/** `--yes`: destroy without asking. */
export const yes = Flags.boolean({ char: 'y', summary: 'Do not ask' });

/** A flag whose text becomes a value by a `parse…` of core; `helpValue` stands for the text in the help. */
export function parsed<T>(helpValue: string, parse: (text: string) => T) {
  // Of a type that is still open, TypeScript cannot tell that it is no array, and takes the flag for a repeatable one.
  return Flags.custom<unknown>({ helpValue, parse: async (text) => parse(text) }) as ReturnType<
    typeof Flags.custom<T>
  >;
}

/** A flag that also takes the word none, which takes the stored value away. */
function orNone<T>(helpValue: string, parse: (text: string) => T) {
  return parsed<T | 'none'>(`${helpValue}|none`, (text) => (text === 'none' ? text : parse(text)));
}

function readInstant(text: string): Instant {
  return parseInstant(text, Math.floor(Date.now() / 1000) as Instant);
}

/** An instant: ISO 8601 with a zone, a day, or now. */
export const instant = parsed('TIME', readInstant);

/** An instant, or the word none, which takes the stored one away. */
export const instantOrNone = orNone('TIME', readInstant);

/** A day, YYYY-MM-DD. */
export const day = parsed('DAY', parseDay);

/** A day, or the word none, which takes the stored one away. */
export const dayOrNone = orNone('DAY', parseDay);

/** A VAT territory: a country, alone or with a part of it. */
export const territory = parsed('CODE', parseTerritory);

/** A VAT territory, or the word none. */
export const territoryOrNone = orNone('CODE', parseTerritory);

/** The value of a flag that takes the word none: null for none, undefined when the flag was not given. */
export function orNull<T extends string | number>(value: T | 'none' | undefined): T | null | undefined {
  return value === 'none' ? null : (value as T | undefined);
}

/** A country code in either case. */
export const country = parsed('CC', parseCountry);

/** A country code, or the word none. */
export const countryOrNone = orNone('CC', parseCountry);

/** A VAT number; empty for none. */
export const vatNumber = parsed('NUMBER', parseVatNumber);

/** An IBAN; empty for none. */
export const iban = parsed('IBAN', parseIban);

/** A mail address; empty for none. */
export const email = parsed('ADDRESS', parseEmail);

/** The name of a user. */
export const username = parsed('NAME', parseUsername);

/** In whose name a command works, on the commands that users have a right to: the context takes it from there. */
export const asUser = username({
  summary: 'Work in the name of this user, with the rights of that user only',
});

/** The fully qualified name of a VPN host. */
export const hostname = parsed('FQDN', parseHostname);

/** The length of a prefix. */
export function prefixLength(options: { summary: string; dependsOn?: string[]; aliases?: string[] }) {
  return Flags.integer({ helpValue: 'LENGTH', min: 0, max: 128, ...options });
}

/** A bill by its number, or id:N. */
export const billReference = parsed('BILL', parseBillReference);

/**
 * A file that is made, where standard output, `-`, would be no place for what goes into it.
 * @param content how a refusal begins: `The password goes`
 * @param instead what to do, for the hint
 */
export function fileOnly(content: string, instead: string) {
  return Flags.custom<string>({
    helpValue: 'FILE',
    parse: async (text) => {
      if (text === '-') throw refuse.FILE_NEEDED({ content, instead });
      return text;
    },
  });
}

/** One line of text; `field` is its name in a refusal. */
export function line(field: string, summary: string) {
  return parsed('TEXT', (text) => parseLine(field, text))({ summary });
}

/** What a product or an order is, in one line. */
export const description = parsed('TEXT', parseProductDescription);

/** The name under which somebody outside knows something. */
export const reference = parsed('TEXT', parseReference);

/** A recurring period by name or in seconds. */
export const period = parsed('PERIOD', parsePeriod);

/** An ISO 4217 code. */
export const currency = parsed('CODE', parseCurrency);

/** A price that is not negative. */
export const price = parsed('PRICE', (text) => parsePrice(text));

/** A price that may be negative: an adjustment. */
export const signedPrice = parsed('PRICE', (text) => parsePrice(text, { negative: true }));

/** A required positional argument. Without `ignoreStdin` oclif would fill it from piped input. */
export function requiredArg(description: string) {
  return Args.string({ description, required: true, ignoreStdin: true });
}

/** A required positional argument that is read into a type at once. */
export function parsedArg<T>(description: string, parse: (text: string) => T) {
  return argOf(parse)({ description, required: true });
}

/** Positional arguments, at least one, each read into a type at once. */
export function parsedArgs<T>(description: string, parse: (text: string) => T) {
  return argOf(parse)({ description, required: true, multiple: true });
}

/** Positional arguments, any number of them, each read into a type at once. */
export function optionalArgs<T>(description: string, parse: (text: string) => T) {
  return argOf(parse)({
    description,
    multiple: true,
    default: async () => [],
    // Nothing to tell: the help would show an empty list as "[default: ]".
    defaultHelp: async () => undefined,
  });
}

function argOf<T>(parse: (text: string) => T) {
  return Args.custom<T>({ parse: async (text) => parse(text), ignoreStdin: true });
}

/** An optional positional argument. */
export function optionalArg(description: string) {
  return Args.string({ description, ignoreStdin: true });
}

/** A required positional id, written `7` or `id:7`. */
export function idArg(description: string) {
  return parsedArg(description, parseId);
}

/** The argument that names one user. */
export const usernameArg = parsedArg('Name of the user', parseUsername);

/** The argument that names one bill. */
export const billArg = parsedArg('Number of the bill, or id:N', parseBillReference);
