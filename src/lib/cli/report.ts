import { stripVTControlCharacters } from 'node:util';
import { EXIT, type ExitCode, refuse, UserError } from '../core/errors.ts';
import { escapeLines } from '../core/escape-control.ts';
import { writeDocument } from './document.ts';
import { widthOf, wrapSentences } from './sentence.ts';
import { isPlain } from './table.ts';

/** How an error of any kind is to be told. */
interface Report {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly exit: ExitCode;
  readonly data: Readonly<Record<string, unknown>>;
  /** Only of a bug. */
  readonly stack?: string;
}

/**
 * Tells an error: a refusal in two lines on stderr, a bug with its stack; under `--json` as a document on stdout.
 * This is the one place that prints errors.
 * @returns the exit code
 */
export function report(thrown: unknown, { json, command }: { json: boolean; command: string }): ExitCode {
  const told = explain(thrown, command);
  if (told.stack !== undefined) process.stderr.write(`${escapeLines(redact(told.stack))}\n`);
  if (json) {
    const { code, exit, data } = told;
    const error = { code, message: redact(told.message), hint: redact(told.hint), exit, ...data };
    const document = { schema_version: 1, error };
    writeDocument(document);
  } else {
    const words = wrapSentences(`Error: ${escapeLines(redact(told.message))}`, widthOf(process.stderr));
    process.stderr.write(
      `${isPlain(process.stderr) ? words : words.replace('Error:', '\u001b[31mError:\u001b[39m')}\n`,
    );
    const hint = wrapSentences(`  ${escapeLines(redact(told.hint))}`, widthOf(process.stderr), '  ');
    if (told.hint !== '') process.stderr.write(`${hint}\n`);
  }
  return told.exit;
}

function explain(error: unknown, command: string): Report {
  if (error instanceof UserError) return tell(error);
  if (isAbortedPrompt(error)) {
    return {
      code: 'INTERRUPTED',
      message: 'Interrupted; nothing was changed.',
      hint: '',
      exit: EXIT.INTERRUPTED,
      data: {},
    };
  }
  if (isOfWorkingDirectory(error)) return tell(refuse.WORKING_DIRECTORY_GONE({}));
  const usage = usageMessage(error);
  if (usage !== undefined) return tell(refuse.USAGE({ message: usage, command }));
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    code: 'BUG',
    message: 'This is a bug in uncloud, not a mistake of yours.',
    hint: 'Report it with the stack above, the command, and the output of: uncloud info',
    exit: EXIT.BUG,
    data: {},
    stack,
  };
}

function tell({ code, message, hint, exit, data }: UserError): Report {
  return { code, message, hint, exit, data };
}

/** What oclif's parser has to say, in one line; undefined for what does not come from it. */
function usageMessage(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('oclif' in error)) return undefined;
  if ('code' in error && error.code === 'MODULE_NOT_FOUND') return undefined;
  const [message = ''] = stripVTControlCharacters(error.message)
    .replace(/^The following errors? occurred:\s*/, '')
    .split('\nSee more help');
  return message
    .trim()
    .replace(/^Parsing (--\S+)\s+/, '$1: ')
    .replace(/([.:?!])?\s*\n\s*/g, (_, end: string | undefined) => `${end ?? '.'} `)
    .replace(/[^.?!]$/, '$&.');
}

function isAbortedPrompt(error: unknown): boolean {
  return error instanceof Error && error.name === 'ExitPromptError';
}

/** libuv's name for the system call getcwd(3), which fails for a folder that is gone. */
function isOfWorkingDirectory(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd';
}

/** Removes what must never be printed: passwords in URLs, and whatever looks like a WireGuard key behind its name. */
export function redact(text: string): string {
  return text
    .replace(/(:\/\/[^\s/?#:@]*):[^\s/@]*@/g, '$1@')
    .replace(/((?:private|preshared)_?key\W{1,4})[A-Za-z0-9+/]{42}[A-Za-z0-9+/=]{2}/gi, '$1[removed]');
}
