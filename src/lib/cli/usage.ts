import { stripVTControlCharacters } from 'node:util';
import { type Command, type Config, toConfiguredId } from '@oclif/core';
import { refuse, type UserError } from '../core/errors.ts';
import { shellWord } from '../core/shell-word.ts';
import { similarNames } from '../core/similar-names.ts';

/** What oclif's parser throws: beside its text the facts, which differ by kind. */
interface ParseError extends Error {
  readonly args?: readonly (string | { readonly name: string; readonly description?: string })[];
  readonly flags?: readonly string[];
}

/** The flags of a command, from its class or from the manifest. */
type Flags = Command.Loadable['flags'];

/**
 * What is wrong with a command line, said in our words, or undefined when the error is not about that.
 * @param argv what follows the name of the program
 */
export function explainUsage(error: unknown, config: Config, argv: readonly string[]): UserError | undefined {
  if (!(error instanceof Error) || !('oclif' in error)) return undefined;
  if (/^command .* not found$/s.test(error.message)) return explainCommand(config, argv);
  const words = commandWords(argv, config);
  const command = `${config.bin} ${words.join(' ')}`;
  const known = config.findCommand(words.join(':'))?.flags ?? {};
  const { args = [], flags = [] } = error as ParseError;
  if (error.message.startsWith('Nonexistent flag')) return noSuchFlags(flags, { command, known });
  if (/^Missing \d+ required arg/.test(error.message)) {
    const missing = args.flatMap((arg) => (typeof arg === 'string' ? [] : [arg]));
    const [first] = missing;
    if (missing.length !== 1 || first === undefined) {
      const message = `Arguments are missing: ${missing.map(({ name }) => name.toUpperCase()).join(', ')}.`;
      return refuse.USAGE({ message, command });
    }
    const message = `The argument ${first.name.toUpperCase()} is missing: ${first.description}.`;
    return refuse.USAGE({ message, command });
  }
  if (error.message.startsWith('Unexpected argument')) {
    return tooMany(
      args.filter((arg) => typeof arg === 'string'),
      { command, known, argv },
    );
  }
  const strange = strangeFlags(argv.slice(words.length), known);
  if (strange.length > 0) return noSuchFlags(strange, { command, known });
  const faults = flagFaults(error.message, known);
  return faults === undefined ? undefined : refuse.USAGE({ message: faults, command });
}

/**
 * Refuses arguments of another encoding. Node puts U+FFFD in the place of bytes that are not UTF-8.
 * @throws ARGUMENT_NOT_UTF8
 */
export function checkEncoding(argv: readonly string[]): void {
  const argument = argv.find((word) => word.includes('\ufffd'));
  if (argument !== undefined) throw refuse.ARGUMENT_NOT_UTF8({ argument });
}

/**
 * What to say instead of a refused argument when a flag stands before it that does not exist: oclif takes the value of
 * such a flag for an argument, or for one more value of the flag before it.
 * @param argv what follows the name of the command
 */
export function explainStrangeFlags(
  argv: readonly string[],
  id: string,
  config: Config,
): UserError | undefined {
  const known = config.findCommand(id)?.flags ?? {};
  const strange = strangeFlags(argv, known);
  if (strange.length === 0) return undefined;
  return noSuchFlags(strange, { command: `${config.bin} ${toConfiguredId(id, config)}`, known });
}

/** The words that look like flags and are none. What follows an option is its value; what follows `--`, arguments. */
function strangeFlags(argv: readonly string[], known: Flags): string[] {
  const flags = Object.values(known);
  const options = new Set(flags.flatMap(({ name, type }) => (type === 'option' ? [`--${name}`] : [])));
  const names = new Set(flags.flatMap(({ name }) => [`--${name}`, `--no-${name}`]));
  const words = argv.slice(0, argv.indexOf('--') >>> 0);
  return words
    .filter((_, index) => !options.has(words[index - 1] ?? ''))
    .map((word) => word.replace(/=.*$/s, ''))
    .filter((word) => /^--[a-z]/.test(word) && !names.has(word) && word !== '--help');
}

function noSuchFlags(
  flags: readonly string[],
  { command, known }: { command: string; known: Flags },
): UserError {
  const message = `There is no flag ${flags.join(' and no flag ')}.`;
  const similar = similarNames(
    flags[0] ?? '',
    Object.entries(known).flatMap(([name, flag]) => [
      `--${name}`,
      ...(flag.type === 'boolean' && flag.allowNo === true ? [`--no-${name}`] : []),
    ]),
  );
  return refuse.USAGE({ message, command, better: similar.slice(0, 1) });
}

/** Which flags are missing or do not go together, in sentences; undefined when the message is about something else. */
function flagFaults(message: string, known: Flags): string | undefined {
  const [text = ''] = stripVTControlCharacters(message).split('\nSee more help');
  const [, reasons] = /^The following errors? occurred:\s+(.*)$/s.exec(text) ?? [];
  const sentences = reasons?.split(/\n\s*/).map((reason) => {
    const [, missing] = /^Missing required flag (\S+)$/.exec(reason) ?? [];
    if (missing !== undefined) return `The flag --${missing} is missing: ${known[missing]?.summary}.`;
    const [, some] = /^(?:Exactly|At least) one of the following must be provided: (.+)$/.exec(reason) ?? [];
    if (some !== undefined) return `One of these flags is missing: ${some}.`;
    const [, flag, needed] =
      /^All of the following must be provided when using (--\S+): (.+)$/.exec(reason) ?? [];
    if (flag !== undefined) return `${flag} needs ${needed}.`;
    const [, ...pair] = /^(--[^\s=]+).* cannot also be provided when using (--\S+)$/.exec(reason) ?? [];
    return pair.length === 0 ? undefined : `${pair.sort().join(' and ')} exclude each other.`;
  });
  return sentences?.includes(undefined) ? undefined : [...new Set(sentences)].join(' ') || undefined;
}

/** oclif takes what follows a command without arguments for a part of its name, and its colons for blanks. */
function explainCommand(config: Config, argv: readonly string[]): UserError {
  const given = leadingWords(argv);
  if (given.length === 0) return flagsFirst(config, argv);
  const command = commandWords(argv, config);
  const isTopic = (words: readonly string[]) =>
    config.commandIDs.some((id) => id.startsWith(`${words.join(':')}:`));
  if (command.length > 0 && !isTopic(command)) {
    const known = config.findCommand(command.join(':'))?.flags ?? {};
    const line = `${config.bin} ${command.join(' ')}`;
    return tooMany(given.slice(command.length), { command: line, known, argv });
  }
  const ids = config.commands.filter(({ hidden }) => !hidden).map(({ id }) => id);
  const start = given.findIndex((_, index) => !isTopic(given.slice(0, index + 1)));
  const topic = given.slice(0, start).join(' ');
  // Which of the words that follow are arguments nobody can tell.
  for (let end = start + 1; end <= given.length && /^[a-z:-]+$/i.test(given[end - 1] ?? ''); end += 1) {
    const name = given.slice(0, end);
    const close = similarNames(name.join(':'), ids).map(
      (id) => `${config.bin} ${toConfiguredId(id, config)}`,
    );
    if (close.length > 0) return refuse.UNKNOWN_COMMAND({ command: name.join(' '), topic, close });
  }
  return refuse.UNKNOWN_COMMAND({ command: given.slice(0, start + 1).join(' '), topic, close: [] });
}

/** Says where flags belong: oclif looks for the command in the first word. */
function flagsFirst(config: Config, argv: readonly string[]): UserError {
  const start = argv.findIndex((_, index) => commandWords(argv.slice(index), config).length > 0);
  const message = `The flag ${argv[0]} stands before the command.`;
  if (start < 0) return refuse.USAGE({ message, command: config.bin });
  const words = commandWords(argv.slice(start), config);
  const rest = [...argv.slice(start + words.length), ...argv.slice(0, start)].map(shellWord);
  const command = [config.bin, ...words].join(' ');
  return refuse.USAGE({ message, command, better: [[command, ...rest].join(' ')] });
}

/** Words that no argument takes: a single one is mostly the value of the flag that the command cannot do without. */
function tooMany(
  words: readonly string[],
  { command, known, argv }: { command: string; known: Flags; argv: readonly string[] },
): UserError {
  const message = `Unexpected argument${words.length === 1 ? '' : 's'}: ${words.join(' ')}.`;
  const [flag] = Object.values(known).filter(
    ({ name, required, type }) => required && type === 'option' && !argv.includes(`--${name}`),
  );
  if (flag === undefined || words.length !== 1) return refuse.USAGE({ message, command });
  return refuse.USAGE({ message, command, better: [`--${flag.name} ${shellWord(words[0] ?? '')}`] });
}

/** The longest leading words that name a command. */
export function commandWords(argv: readonly string[], config: Config): string[] {
  const words = leadingWords(argv);
  while (words.length > 0 && config.findCommand(words.join(':')) === undefined) words.pop();
  return words;
}

/** The words before the first flag. */
function leadingWords(argv: readonly string[]): string[] {
  return argv.slice(0, argv.findIndex((word) => word.startsWith('-')) >>> 0);
}
