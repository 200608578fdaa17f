import { Command, Flags, type Interfaces } from '@oclif/core';
import type { Author } from '../core/audit.ts';
import type { Config, ConfigOrigins } from '../core/config.ts';
import { hasPassword, parseDatabaseUrl, redactDatabaseUrl } from '../core/database-url.ts';
import { EXIT, type ExitCode, refuse, UserError } from '../core/errors.ts';
import { escapeLines } from '../core/escape-control.ts';
import type { Instant } from '../core/instant.ts';
import { parseLdapSettings } from '../core/ldap-settings.ts';
import { shellWord } from '../core/shell-word.ts';
import type { Username } from '../core/user.ts';
import { authorOf } from '../io/author.ts';
import { openDatabase } from '../io/db/open.ts';
import type { Context } from '../ops/context.ts';
import { writeDocument } from './document.ts';
import { Progress } from './progress.ts';
import { redact } from './report.ts';
import { widthOf, wrapSentences } from './sentence.ts';

/** What a command returns: the document of `--json`, without the schema version. */
export type Document = Readonly<Record<string, unknown>>;

interface GlobalFlags {
  readonly database?: string | undefined;
  readonly config?: string | undefined;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly 'as-user'?: Username | undefined;
  /** Where the data of some commands goes: a file, or `-` for standard output. */
  readonly output?: string | undefined;
}

/** The base of every command: the common flags, the context, questions, and words apart from data. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  static override baseFlags = {
    database: Flags.string({
      helpGroup: 'GLOBAL',
      helpValue: 'URL',
      summary: 'sqlite:PATH or postgres://…; default: database.url of the configuration',
    }),
    config: Flags.string({
      char: 'c',
      helpGroup: 'GLOBAL',
      helpValue: 'FILE',
      summary: 'Read this configuration file and no other',
    }),
    quiet: Flags.boolean({ char: 'q', helpGroup: 'GLOBAL', summary: 'Print data, warnings and errors only' }),
    verbose: Flags.boolean({
      char: 'v',
      helpGroup: 'GLOBAL',
      summary: 'Say which configuration, database and commands of the system are used',
    }),
    json: Flags.boolean({ helpGroup: 'GLOBAL', summary: 'Print one JSON document, and no words' }),
    'no-color': Flags.boolean({ helpGroup: 'GLOBAL', summary: 'Do not colour; NO_COLOR does the same' }),
  };

  #flags: GlobalFlags = {};
  #context: Promise<Context> | undefined;
  #progress: Progress | undefined;
  #close: (() => Promise<void>)[] = [];

  /** What calls it: `vpn pool list`. */
  protected get words(): string {
    return (this.id ?? '').replaceAll(':', ' ');
  }

  /** The context that ops take. Reading the configuration and opening the database wait for their first use. */
  protected context(): Promise<Context> {
    this.#context ??= this.#openContext();
    return this.#context;
  }

  async #openContext(): Promise<Context> {
    const { loadConfig } = await import('../io/config.ts');
    const address = this.#flags.database;
    if (address !== undefined && hasPassword(address)) throw refuse.PASSWORD_IN_ARGUMENTS({});
    const loaded = await loadConfig(this.#flags.config);
    const config = address === undefined ? loaded.config : { ...loaded.config, 'database.url': address };
    const origins =
      address === undefined ? loaded.origins : { ...loaded.origins, 'database.url': '--database' };
    if (this.#flags.verbose === true) {
      this.say(`Configuration: ${loaded.files.join(', ') || 'defaults'}`);
      this.say(`Database: ${redactDatabaseUrl(config['database.url'])} (${origins['database.url']})`);
    }
    // Data that fills the terminal shows by itself how the work goes on.
    const isDataShown = this.#flags.output === '-' && process.stdout.isTTY;
    const progress = new Progress(this.#isSilent() || isDataShown);
    this.#progress = progress;
    const now = Math.floor(Date.now() / 1000) as Instant;
    let directory: ReturnType<Context['ldap']> | undefined;
    return {
      now,
      asUser: this.#flags['as-user'] ?? null,
      config,
      origins,
      db: this.#databaseOpener({ config, origins, files: loaded.files }, now),
      ldap: () => {
        directory ??= this.#openDirectory(config);
        return directory;
      },
      run: async (...call) => {
        const { runner } = await import('../io/run.ts');
        const show =
          this.#flags.verbose === true ? (command: string) => this.say(`Running: ${command}`) : null;
        return runner({ useSudo: config['wireguard.use_sudo'], show })(...call);
      },
      showsProgress: progress.isShown,
      progress: (done, total, unit) => progress.show(done, total, unit),
    };
  }

  /** Opens one database for the whole command; one that could not be opened may be tried again, with other options. */
  #databaseOpener(
    { config, origins, files }: { config: Config; origins: ConfigOrigins; files: readonly string[] },
    now: Instant,
  ): Context['db'] {
    let opened: ReturnType<Context['db']> | undefined;
    return (options) => {
      const url = parseDatabaseUrl(config['database.url']);
      const name = origins['database.url'];
      const origin = { name, isFile: files.includes(name) };
      opened ??= openDatabase(url, this.#author(now), { ...options, origin }).then(
        (database) => {
          this.#close.push(() => database.close());
          return database;
        },
        (error: unknown) => {
          opened = undefined;
          throw error;
        },
      );
      return opened;
    };
  }

  async #openDirectory(config: Config): ReturnType<Context['ldap']> {
    const settings = parseLdapSettings(config);
    if (this.#flags.verbose === true) this.say(`Directory: ${settings.url}`);
    const { openDirectory } = await import('../io/ldap/directory.ts');
    const directory = await openDirectory(settings);
    this.#close.push(async () => directory.close());
    return directory;
  }

  /** Who runs this command line, as the audit trail records it. */
  #author(now: Instant): Author {
    const words = [...(this.id ?? '').split(':'), ...this.argv];
    return authorOf(redact(words.map(shellWord).join(' ')), now);
  }

  /** Prints data, on stdout; silent under --json. */
  override log(text: string): void {
    if (!this.jsonEnabled()) this.#write(process.stdout, text);
  }

  /** Says something to the person, on stderr; silent under --quiet and --json. */
  protected say(text: string): void {
    if (!this.#isSilent()) this.#tell(text);
  }

  /** Warns the person, on stderr, also under --quiet. */
  protected sayWarning(text: string): void {
    if (this.jsonEnabled()) return;
    this.#tell(`Warning: ${text}`);
  }

  #tell(text: string): void {
    this.#write(process.stderr, wrapSentences(escapeLines(text), widthOf(process.stderr)));
  }

  /** All that a command prints goes this way: what the progress line shared its line with would be lost. */
  #write(stream: NodeJS.WritableStream, text: string): void {
    this.#progress?.clear();
    stream.write(`${text}\n`);
  }

  /** Ends with another code than 0 although the work was done: 3 when only partly, 4 when changes are pending. */
  protected exitWith(code: ExitCode): void {
    process.exitCode = code;
  }

  /** Ends with 4 when `--exit-code` asks whether the plan of a `--dry-run` holds any change, and it does. */
  protected exitIfPending(flags: { 'dry-run': boolean; 'exit-code': boolean }, isPending: boolean): void {
    if (flags['dry-run'] && flags['exit-code'] && isPending) this.exitWith(EXIT.PENDING);
  }

  /**
   * Asks before something is destroyed.
   * @throws CONFIRMATION_NEEDED without a terminal, NOT_CONFIRMED after a no
   */
  protected async confirm(question: string, { yes }: { yes: boolean }): Promise<void> {
    if (yes) return;
    if (!process.stdin.isTTY || !process.stderr.isTTY || this.jsonEnabled()) {
      throw refuse.CONFIRMATION_NEEDED({ question });
    }
    this.#progress?.clear();
    const { confirm } = await import('@inquirer/prompts');
    const answer = await confirm({ message: question, default: false }, { output: process.stderr });
    if (!answer) throw refuse.NOT_CONFIRMED({});
  }

  /** A malformed value is a refusal in a file and wrong usage in a flag: here all are flags. */
  protected override async parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(options?: Interfaces.Input<F, B, A>, argv?: string[]): Promise<Interfaces.ParserOutput<F, B, A>> {
    try {
      const output = await super.parse(options, argv);
      this.#flags = output.flags as GlobalFlags;
      return output;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const { explainStrangeFlags } = await import('./usage.ts');
      const strange = explainStrangeFlags(argv ?? this.argv, this.id ?? '', this.config);
      throw strange ?? ofFlag(error).withExit(EXIT.USAGE);
    }
  }

  protected override async catch(error: Error): Promise<void> {
    this.#progress?.clear();
    throw error;
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#progress?.clear();
    for (const close of this.#close) await close();
    if (this.#context !== undefined) await this.#log(await this.#context.catch(() => undefined), error);
  }

  /** One line in the log file, if there is one: the command, how it ended, how long it took. */
  async #log(context: Context | undefined, error: Error | undefined): Promise<void> {
    if (context === undefined || context.config['logging.file'] === '') return;
    const { appendLog } = await import('../io/log.ts');
    const exit = error instanceof UserError ? error.exit : error ? EXIT.BUG : (process.exitCode ?? EXIT.DONE);
    const level = error !== undefined ? 'error' : exit === EXIT.PARTLY ? 'warn' : 'info';
    const reason = error instanceof UserError ? `: ${error.code}: ${redact(error.message)}` : '';
    const message = `${this.words} ended with ${exit} after ${Math.round(performance.now())} ms${reason}`;
    await appendLog(context.config, level, context.now, message).catch((cause: Error) => {
      this.sayWarning(`this run is not in the log: ${cause.message}`);
    });
  }

  protected override toSuccessJson(result: unknown): unknown {
    return { schema_version: 1, ...(result as Document) };
  }

  /** Prints the document as it is: oclif would take it apart to colour it, at ten times its memory. */
  protected override logJson(document: unknown): void {
    this.#progress?.clear();
    writeDocument(document);
  }

  #isSilent(): boolean {
    return this.jsonEnabled() || this.#flags.quiet === true;
  }
}

/** oclif wraps the message of an error in a flag's value into three lines; here it is one again, with the flag. */
function ofFlag(error: UserError): UserError {
  const match = /^Parsing (--\S+) \n\t([\s\S]*)\nSee more help with --help$/.exec(error.message);
  if (match === null) return error;
  const [, flag = '', message = ''] = match;
  error.message = message;
  return error.at(flag);
}
