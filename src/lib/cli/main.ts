import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Config, type Interfaces, run } from '@oclif/core';
import { EXIT, type ExitCode, refuse, UserError } from '../core/errors.ts';
import { homeFolder } from '../io/account.ts';
import { finishStdout, watchStdout } from '../io/stdout.ts';
import { isDocumentBegun } from './document.ts';
import { report } from './report.ts';
import { checkEncoding, commandWords, explainUsage } from './usage.ts';

/**
 * Runs one command line.
 * @param argv what follows the name of the program
 * @param root the folder of package.json
 * @returns the exit code
 */
export async function main(argv: string[], root: string): Promise<ExitCode> {
  // oclif's listener throws, in the midst of the work.
  for (const listener of process.stdout.listeners('error').slice(1))
    process.stdout.off('error', listener as () => void);
  watchStdout();
  const exit = await runCommandLine(argv, root);
  try {
    await finishStdout();
    return exit;
  } catch (error) {
    const told = report(error, { json: false, command: '' });
    return exit === EXIT.DONE ? told : exit;
  }
}

/**
 * Ends the program in the midst of its work, as a signal asks for: transactions end with their connection. Under
 * `--json` the error takes the place of the document, unless that has been begun.
 */
export function interrupt(signal: 'SIGINT' | 'SIGTERM', argv: readonly string[]): never {
  const error = signal === 'SIGINT' ? refuse.INTERRUPTED({}) : refuse.TERMINATED({});
  if (isDocumentWanted(ownWords(argv)) && !isDocumentBegun()) report(error, { json: true, command: '' });
  // Behind the ^C of the terminal, and not as an error: somebody wanted it.
  else process.stderr.write(`\n${error.message} ${error.hint}\n`);
  process.exit(error.exit);
}

/** The words that are not taken as they are: those before `--`. */
function ownWords(argv: readonly string[]): readonly string[] {
  return argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
}

function isDocumentWanted(own: readonly string[]): boolean {
  return own.includes('--json');
}

async function runCommandLine(argv: string[], root: string): Promise<ExitCode> {
  const own = ownWords(argv);
  const json = isDocumentWanted(own);
  if (own.includes('--no-color')) process.env.NO_COLOR = '1';
  let config: Config | undefined;
  try {
    checkEncoding(argv);
    config = await loadConfig(own, root);
    // The plugin asks whether another command was meant: only where there is somebody to answer.
    if (json || own[0]?.startsWith('-') || !process.stdin.isTTY || !process.stderr.isTTY)
      config.plugins.delete('@oclif/plugin-not-found');
    await run(argv, config);
  } catch (error) {
    const told = (config && explainUsage(error, config, own)) ?? error;
    if (isQuietExit(told)) return told.oclif.exit === 0 ? EXIT.DONE : EXIT.USAGE;
    // Told by `main`, as every error of stdout is.
    if (told instanceof UserError && told.code === 'OUTPUT_NOT_WRITABLE') return EXIT.DONE;
    return report(told, {
      json: json && !isDocumentBegun(),
      command: ['uncloud', ...(config === undefined ? [] : commandWords(own, config))].join(' '),
    });
  }
  return (process.exitCode as ExitCode | undefined) ?? EXIT.DONE;
}

/** Loads the plugins only where one may be needed: they are a third of the start-up of every other command. */
async function loadConfig(argv: readonly string[], root: string): Promise<Config> {
  // oclif would ask for shell and home of the account, which the number that a container runs under may not have.
  process.env.SHELL ??= '/bin/sh';
  process.env.HOME = homeFolder(process.env);
  const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Interfaces.PJSON;
  // Nor are there plugins of users: what lies in their homes is not looked at.
  const options = { root, userPlugins: false };
  const config = await Config.load({
    ...options,
    pjson: { ...pjson, oclif: { ...pjson.oclif, plugins: [] } },
  });
  return commandWords(argv, config).length > 0 ? config : Config.load(options);
}

/** Help, and a question that was answered with no, end by an error that has been told already. */
function isQuietExit(error: unknown): error is { oclif: { exit: number } } {
  const exit = (error as { oclif?: { exit?: number } }).oclif?.exit;
  return exit === 0 || exit === 127;
}
