import { escapeControl } from './escape-control.ts';
import { shellWord } from './shell-word.ts';

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

/** What each exit code tells a script. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.DONE]: 'done, or nothing to do',
  [EXIT.REFUSED]: 'refused: one line says why, one says what to do',
  [EXIT.USAGE]: 'wrong usage: unknown or missing flag, malformed value, nobody to ask',
  [EXIT.PARTLY]: 'partly done: what was refused is listed, the rest is done',
  [EXIT.PENDING]: 'changes are pending; only with --exit-code',
  [EXIT.BUG]: 'a bug: stack trace on stderr',
  [EXIT.TRY_AGAIN]: 'try again later: database, directory or lock unavailable; run it again',
  [EXIT.INTERRUPTED]: 'interrupted; running again completes the work',
  [EXIT.TERMINATED]: 'terminated; running again completes the work',
};

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
    }: { hint: string; exit?: ExitCode; data?: Readonly<Record<string, unknown>> },
  ) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.exit = exit;
    this.data = data;
  }

  /** The same refusal with another exit code: a bad value is exit 1 in a file and exit 2 in a flag. */
  withExit(exit: ExitCode): UserError {
    return this.#with({ exit });
  }

  /** The same refusal, saying first where it was found: `users.csv, line 3, country`. */
  at(place: string): UserError {
    return this.#with({ message: `${place}: ${this.message}` });
  }

  /** The same refusal with another remedy, for a place where the usual one is not in reach. */
  hinting(hint: string): UserError {
    return this.#with({ hint });
  }

  /** The same refusal about a user who is known by now: `USERNAME` in its hint becomes the name. */
  about(username: string): UserError {
    return this.#with({ hint: this.hint.replaceAll('USERNAME', () => username) });
  }

  /** The same refusal, with what was done all the same. */
  saying(sentence: string, facts: Readonly<Record<string, unknown>>): UserError {
    return this.#with({ message: `${this.message} ${sentence}`, data: { ...this.data, ...facts } });
  }

  #with(other: Partial<Pick<UserError, 'message' | 'hint' | 'exit' | 'data'>>): UserError {
    const { code, message, hint, exit, data } = this;
    const { message: told, ...rest } = { message, hint, exit, data, ...other };
    return new UserError(code, told, rest);
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

/** What is wrong with one row of a file of VAT rates: `reason` is a whole sentence. */
export interface VatFileFault {
  readonly line: number;
  readonly column: string;
  readonly value: string;
  readonly reason: string;
}

/** A range of past days, `to` exclusive, whose VAT rate an import would change; null: would have none. */
export interface VatHistoryChange {
  readonly territory: string;
  readonly rate_type: string;
  readonly from: string;
  readonly to: string;
  readonly stored: string;
  readonly incoming: string | null;
}

/** A fault of a row that cannot be imported. */
export interface RefusedRow {
  readonly line: number;
  /** The column at fault; null when it is the whole row. */
  readonly field: string | null;
  readonly value: string | null;
  readonly code: string;
  readonly reason: string;
  /** What to do about it: the form of the value, or a command. */
  readonly hint: string;
}

/** An order, by its id or its reference, in a sentence. */
function orderName(key: number | string): string {
  return typeof key === 'number' ? String(key) : quote(key);
}

/** An order as an argument of a command. */
function orderWord(key: number | string): string {
  return typeof key === 'number' ? String(key) : shellWord(`ref:${key}`);
}

function define<Facts>(definition: Definition<Facts>): Definition<Facts> {
  return definition;
}

/** Puts untrusted text into a sentence: quoted, control characters visible, at most 80 characters. */
export function quote(text: string): string {
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return escapeControl(JSON.stringify(shown));
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
  RANGE_EMPTY: define<{ from: string; to: string }>({
    when: 'A range of time ends before it begins, or where it begins: `--to` is exclusive.',
    exit: EXIT.USAGE,
    say: ({ from, to }) => ({
      message: `Nothing lies in the range: --from ${from} is ${from === to ? 'the same as' : 'later than'} --to ${to}.`,
      hint:
        from === to
          ? '--to is the first moment that is left out: for one day give the next one, for a month the first of the next.'
          : `Turn them round: --from ${to} --to ${from}`,
    }),
    example: { from: '2026-02-01T00:00:00Z', to: '2026-01-01T00:00:00Z' },
  }),
  INVALID_PRICE: define<{ text: string }>({
    when: 'A price has an exponent, a comma, a plus sign, blanks, more than four decimals or more than nine digits.',
    say: ({ text }) => ({
      message: `${quote(text)} is not a price.`,
      hint: 'Write at most nine digits, a point and at most four decimals, for example 10, 10.50 or 0.0125.',
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

  // ── database ───────────────────────────────────────────────────────────────────────────────────────────
  INVALID_DATABASE_URL: define<{ url: string; reason: string }>({
    when: 'The address of the database is neither sqlite:PATH nor a PostgreSQL URL.',
    exit: EXIT.USAGE,
    say: ({ url, reason }) => ({
      message: `The database address ${quote(url)} cannot be used: ${reason}.`,
      hint: 'Write sqlite:/path/to/uncloud.db or postgres://user@host/database.',
    }),
    example: { url: 'mysql://db/uncloud', reason: 'it begins with neither sqlite: nor postgres://' },
  }),
  PASSWORD_IN_ARGUMENTS: define<Record<never, never>>({
    when: 'The address given with --database holds a password, which every user of the machine can read.',
    exit: EXIT.USAGE,
    say: () => ({
      message:
        'The address given with --database holds a password, and the process list shows it to everybody.',
      hint: 'Put the address into UNCLOUD_DATABASE_URL or the configuration file, or the password into ~/.pgpass.',
    }),
    example: {},
  }),
  DATABASE_MISSING: define<{ database: string; createdb: string | null; migrate: string }>({
    when: 'The SQLite file or the PostgreSQL database does not exist.',
    say: ({ database, createdb, migrate }) => ({
      message: `There is no database at ${quote(database)}.`,
      hint:
        createdb === null
          ? `Create it with: ${migrate}; or correct the path.`
          : `Create it, as a role that may create databases, with: ${createdb}; and its schema with: ${migrate}`,
    }),
    example: {
      database: 'sqlite:/var/lib/uncloud/uncloud.db',
      createdb: null,
      migrate: 'uncloud migrate --database sqlite:/var/lib/uncloud/uncloud.db',
    },
  }),
  DATABASE_UNREACHABLE: define<{ database: string; reason: string }>({
    when: 'The database server does not answer, or the connection was lost. Nothing unfinished is kept.',
    exit: EXIT.TRY_AGAIN,
    say: ({ database, reason }) => ({
      message: `The database ${quote(database)} cannot be reached: ${reason}.`,
      hint: 'Try again later; unfinished work was rolled back. Look for the cause with: uncloud doctor',
    }),
    example: { database: 'postgres://db.example.net/uncloud', reason: 'connection refused' },
  }),
  DATABASE_BUSY: define<{ database: string; reason: string }>({
    when: 'Another command holds a lock for longer than we wait, or a statement ran into its time limit.',
    exit: EXIT.TRY_AGAIN,
    say: ({ database, reason }) => ({
      message: `The database ${quote(database)} is busy: ${reason}.`,
      hint: 'Nothing was changed. Run the same command again when the other one is done.',
    }),
    example: { database: 'sqlite:uncloud.db', reason: 'another command is writing' },
  }),
  DATABASE_LOGIN: define<{ database: string; reason: string; origin: string; isPasswordThere: boolean }>({
    when: 'PostgreSQL refuses the role or its password.',
    say: ({ database, reason, origin, isPasswordThere }) => ({
      message: `The database ${quote(database)} refuses the login: ${reason}.`,
      hint: isPasswordThere
        ? `Check the role and the password in ${origin}, and pg_hba.conf.`
        : `Check the role in ${origin}, its password in ~/.pgpass or PGPASSWORD, and pg_hba.conf.`,
    }),
    example: {
      database: 'postgres://uncloud@db.example.net/uncloud',
      reason: 'password authentication failed',
      origin: '/etc/uncloud/config.toml',
      isPasswordThere: false,
    },
  }),
  DATABASE_TLS: define<{ database: string; reason: string; isOffered: boolean }>({
    when: 'The TLS connection to PostgreSQL cannot be verified, or the server does not offer TLS.',
    say: ({ database, reason, isOffered }) => ({
      message: `The TLS connection to ${quote(database)} failed: ${reason}.`,
      hint: isOffered
        ? 'Give the authority with ?sslmode=verify-full&sslrootcert=/path/ca.pem; see docs/database.md.'
        : 'Turn TLS on at the server, with ssl = on in its postgresql.conf; docs/database.md shows how.',
    }),
    example: {
      database: 'postgres://db.example.net/uncloud',
      reason: 'self-signed certificate',
      isOffered: true,
    },
  }),
  DATABASE_PERMISSION: define<{ database: string; reason: string }>({
    when: 'The database role or the file mode does not allow what the command has to do.',
    say: ({ database, reason }) => ({
      message: `The database ${quote(database)} does not allow this: ${reason}.`,
      hint: 'Run as the owner of the database, or grant the right; docs/database.md lists the roles.',
    }),
    example: {
      database: 'sqlite:/var/lib/uncloud/uncloud.db',
      reason: 'attempt to write a readonly database',
    },
  }),
  DATABASE_ENCODING: define<{ database: string; encoding: string }>({
    when: 'The PostgreSQL database stores text in an encoding that has no room for every name.',
    say: ({ database, encoding }) => ({
      message: `The database ${quote(database)} stores text as ${encoding}, which does not have every character.`,
      hint: 'Make another one with: createdb --template=template0 --encoding=UTF8 NAME',
    }),
    example: { database: 'postgres://db.example.net/uncloud', encoding: 'LATIN1' },
  }),
  DATABASE_FULL: define<{ database: string; reason: string }>({
    when: 'The disk of the database is full. The old content is intact.',
    say: ({ database, reason }) => ({
      message: `The database ${quote(database)} has no room left: ${reason}.`,
      hint: 'Free space on its disk and run the same command again; nothing was changed.',
    }),
    example: { database: 'sqlite:uncloud.db', reason: 'database or disk is full' },
  }),
  NOT_A_DATABASE: define<{ database: string; reason: string }>({
    when: 'The file is not a SQLite database, or is damaged.',
    say: ({ database, reason }) => ({
      message: `The file ${quote(database)} is not a usable SQLite database: ${reason}.`,
      hint: 'Check the path given with --database, or restore the last backup; docs/database.md says how.',
    }),
    example: { database: 'sqlite:notes.txt', reason: 'file is not a database' },
  }),
  CONSTRAINT_VIOLATED: define<{ rule: string }>({
    when: 'The database refused a change because it breaks one of its rules; two commands at once can cause it.',
    say: ({ rule }) => ({
      message: `The database refused the change: ${rule}.`,
      hint: 'Nothing was changed. Run the command again to see which value is at fault.',
    }),
    example: { rule: 'UNIQUE constraint failed: users.username' },
  }),
  SCHEMA_MISSING: define<{ database: string }>({
    when: 'The database holds no uncloud schema yet.',
    say: ({ database }) => ({
      message: `The database ${quote(database)} has no schema yet.`,
      hint: 'Create it with: uncloud migrate',
    }),
    example: { database: 'sqlite:uncloud.db' },
  }),
  SCHEMA_OUTDATED: define<{ pending: string[] }>({
    when: 'Migrations that this version needs were not applied to the database.',
    say: ({ pending }) => ({
      message: `The database lacks ${pending.length === 1 ? 'a migration' : `${pending.length} migrations`}: ${pending.join(', ')}.`,
      hint: 'See them with: uncloud migrate --list; apply them with: uncloud migrate',
      data: { pending },
    }),
    example: { pending: ['0008_audit_entries'] },
  }),
  SCHEMA_NEWER: define<{ unknown: string[] }>({
    when: 'The database was migrated by a newer version of uncloud.',
    say: ({ unknown }) => ({
      message: `The database holds migrations that this version does not know: ${unknown.join(', ')}.`,
      hint: 'Install the version of uncloud that migrated the database; `uncloud info` shows this one.',
      data: { unknown },
    }),
    example: { unknown: ['0042_invented'] },
  }),
  MIGRATION_CHANGED: define<{ name: string }>({
    when: 'A migration that was applied differs from the one shipped with the program.',
    say: ({ name }) => ({
      message: `The migration ${name} was applied in another form than this program ships.`,
      hint: 'Install the version that applied it; a migration is never edited, a new one follows it.',
    }),
    example: { name: '0004_orders' },
  }),
  UNKNOWN_MIGRATION: define<{ name: string; known: string[] }>({
    when: '`migrate --to` names no migration.',
    say: ({ name, known }) => ({
      message: `There is no migration ${quote(name)}.`,
      hint: `Name one of: ${known.join(', ')}, or "zero" for an empty database.`,
    }),
    example: { name: '0099', known: ['0001_users', '0002_providers'] },
  }),
  AMBIGUOUS_MIGRATION: define<{ name: string; matches: string[] }>({
    when: 'The names of several migrations begin with what `migrate --to` is given.',
    say: ({ name, matches }) => ({
      message: `${quote(name)} is the beginning of more than one migration: ${matches.join(', ')}.`,
      hint: `Name one of them, for example with: uncloud migrate --to ${matches[0]}`,
      data: { matches },
    }),
    example: { name: '000', matches: ['0001_users', '0002_providers'] },
  }),

  // ── VPN ────────────────────────────────────────────────────────────────────────────────────────────────
  INVALID_PREFIX: define<{ text: string; rule: string }>({
    when: 'A prefix is not an IPv6 address, a slash and a length: IPv4, a zone id, a missing or odd length.',
    say: ({ text, rule }) => ({
      message: `${quote(text)} is not an IPv6 prefix: ${rule}.`,
      hint: 'Write the address and the length, for example 2a0a:e5c1:200::/40.',
    }),
    example: { text: '2a0a:e5c1:200::', rule: 'its length is missing' },
  }),
  HOST_BITS_SET: define<{ text: string; prefix: string }>({
    when: 'The address of a prefix has bits behind its length.',
    say: ({ text, prefix }) => ({
      message: `${quote(text)} names an address inside a prefix: bits behind the length are set.`,
      hint: `Type ${prefix} if you mean the prefix that this address lies in.`,
      data: { prefix },
    }),
    example: { text: '2a0a:e5c1:200::1/40', prefix: '2a0a:e5c1:200::/40' },
  }),
  POOL_NOT_UNICAST: define<{ prefix: string; reserved: string }>({
    when: 'The prefix of a pool covers loopback, IPv4-mapped, link-local or multicast addresses.',
    say: ({ prefix, reserved }) => ({
      message: `${prefix} cannot be a pool: it shares addresses with ${reserved}.`,
      hint: 'Use a prefix that is routed to the VPN host, inside 2000::/3, or a private one inside fc00::/7.',
    }),
    example: { prefix: 'fe80::/48', reserved: 'fe80::/10 (link-local)' },
  }),
  SIZE_OUTSIDE_POOL: define<{ size: number; pool: string; shortest: number; longest: number }>({
    when: 'A pool is to hand out networks larger than itself, longer than /128, or more than 2^62 of them.',
    say: ({ size, pool, shortest, longest }) => ({
      message: `The pool ${pool} cannot hand out networks of length ${size}.`,
      hint: `Choose a --subnetwork-size from ${shortest} to ${longest}.`,
      data: { shortest, longest },
    }),
    example: { size: 32, pool: '2a0a:e5c1:200::/40', shortest: 40, longest: 102 },
  }),
  POOL_OVERLAPS: define<{ prefix: string; poolId: number; network: string }>({
    when: 'A new pool shares addresses with an existing one.',
    say: ({ prefix, poolId, network }) => ({
      message: `${prefix} shares addresses with pool ${poolId}, ${network}.`,
      hint: `Choose a prefix outside ${network}; see all pools with: uncloud vpn pool list`,
      data: { pool_id: poolId, network },
    }),
    example: { prefix: '2a0a:e5c1:280::/41', poolId: 1, network: '2a0a:e5c1:200::/40' },
  }),
  POOL_EXISTS: define<{ prefix: string; poolId: number; differences: readonly string[] }>({
    when: 'A pool is created whose prefix another pool has, which differs from what is asked for.',
    say: ({ prefix, poolId, differences }) => ({
      message: `${prefix} is the prefix of pool ${poolId}, which differs in ${differences.join(', ')}.`,
      hint: `See it with: uncloud vpn pool show ${poolId}; serve it elsewhere with: uncloud vpn pool update ${poolId}; give it another key with: uncloud vpn pool rotate-key ${poolId}`,
      data: { pool_id: poolId, differences },
    }),
    example: { prefix: '2a0a:e5c1:200::/40', poolId: 1, differences: ['its hostname'] },
  }),
  POOL_FULL: define<{
    size: number;
    count: number;
    free: bigint;
    poolId: number | null;
    elsewhere: readonly { poolId: number; size: number; free: bigint }[];
  }>({
    when: 'No pool, or not the named one, has as many free networks of the size as are asked for.',
    say: ({ size, count, free, poolId, elsewhere }) => ({
      message: `${poolId === null ? `All pools of /${size} together have` : `Pool ${poolId} has`} ${free} free /${size}, and ${count} ${count === 1 ? 'is' : 'are'} asked for.`,
      hint:
        elsewhere.length === 0
          ? 'Nothing is free elsewhere; add room with: uncloud vpn pool create'
          : `Free elsewhere: ${elsewhere
              .slice(0, 5)
              .map((pool) => `${pool.free} /${pool.size} (--pool ${pool.poolId} --size ${pool.size})`)
              .join(', ')}; or add room with: uncloud vpn pool create`,
      data: {
        free: free.toString(),
        elsewhere: elsewhere.map((pool) => ({
          pool_id: pool.poolId,
          size: pool.size,
          free: pool.free.toString(),
        })),
      },
    }),
    example: {
      size: 48,
      count: 1,
      free: 0n,
      poolId: 1,
      elsewhere: [{ poolId: 2, size: 56, free: 200n }],
    },
  }),
  NO_POOL_OF_SIZE: define<{ size: number; poolId: number | null; sizes: readonly number[] }>({
    when: 'No pool, or not the named one, hands out networks of the size that is asked for.',
    say: ({ size, poolId, sizes }) => {
      const other = sizes.map((offered) => `--size ${offered}`).join(' or ');
      const create = `uncloud vpn pool create PREFIX --subnetwork-size ${size} --hostname FQDN --generate-key`;
      return {
        message: `${poolId === null ? 'No pool hands' : `Pool ${poolId} does not hand`} out networks of length ${size}.`,
        hint: `${other === '' ? 'Create' : `Ask for ${other}, or create`} a pool with: ${create}`,
        data: { sizes },
      };
    },
    example: { size: 64, poolId: null, sizes: [48, 56] },
  }),
  UNKNOWN_POOL: define<{ id: string }>({
    when: 'There is no pool with the given id.',
    say: ({ id }) => ({
      message: `There is no pool ${quote(id)}.`,
      hint: 'See the pools and their ids with: uncloud vpn pool list',
    }),
    example: { id: '9' },
  }),
  QR_NEEDS_KEY: define<{ networkId: number }>({
    when: '`vpn network config --qr` is run without the private key of the client.',
    exit: EXIT.USAGE,
    say: ({ networkId }) => ({
      message: 'The private key is missing: a phone takes the code as it is, and cannot put a key into it.',
      hint: `Add the client's: uncloud vpn network config ${networkId} --qr --private-key-file FILE; without --qr the client puts it in.`,
    }),
    example: { networkId: 7 },
  }),
  UNKNOWN_NETWORK: define<{ id: string }>({
    when: 'There is no network with the given id.',
    say: ({ id }) => ({
      message: `There is no network ${quote(id)}.`,
      hint: 'See the networks and their ids with: uncloud vpn network list',
    }),
    example: { id: '42' },
  }),
  POOL_IN_USE: define<{ id: number; networks: number }>({
    when: 'A pool that still lends networks is to be deleted.',
    say: ({ id, networks }) => ({
      message: `Pool ${id} lends ${networks} ${networks === 1 ? 'network' : 'networks'} and cannot be deleted.`,
      hint: `Delete its networks first; see them with: uncloud vpn network list --pool ${id}`,
      data: { networks },
    }),
    example: { id: 1, networks: 12 },
  }),
  INVALID_KEY: define<{ kind: 'public' | 'private'; rule: string }>({
    when: 'A WireGuard key is not 32 bytes in canonical base64. The key itself is never shown.',
    say: ({ kind, rule }) => ({
      message: `The text given is not a WireGuard ${kind} key: ${rule}.`,
      hint:
        kind === 'public'
          ? 'Give the 44 characters that this prints: wg pubkey < privatekey'
          : 'Give a file with the 44 characters that this prints: wg genkey; or use --generate-key.',
    }),
    example: { kind: 'public', rule: 'its length is 43 and not 44' },
  }),
  WEAK_KEY: define<{ kind: 'public' | 'private'; rule: string }>({
    when: 'A WireGuard key is all zeros or a point of low order, with which anybody can read the traffic.',
    say: ({ kind, rule }) => ({
      message: `The ${kind} key protects nothing: it is ${rule}.`,
      hint: 'Make a new key pair with: umask 077; wg genkey | tee privatekey | wg pubkey',
    }),
    example: { kind: 'public', rule: 'a point of low order, all zeros included' },
  }),
  KEY_IN_USE: define<{ publicKey: string; networkId: number }>({
    when: 'The public key already belongs to another network; WireGuard tells peers apart by their key.',
    say: ({ publicKey, networkId }) => ({
      message: `The public key ${publicKey} already belongs to network ${networkId}.`,
      hint: `Make a key pair of its own for each network; see the other with: uncloud vpn network show ${networkId}`,
      data: { network_id: networkId },
    }),
    example: { publicKey: 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=', networkId: 7 },
  }),
  KEY_IS_POOLS: define<{ publicKey: string; poolId: number }>({
    when: 'The public key is that of the pool itself; WireGuard silently drops such a peer.',
    say: ({ publicKey, poolId }) => ({
      message: `The public key ${publicKey} is the key of pool ${poolId} itself.`,
      hint: 'Give the public key of the client: run `wg pubkey < privatekey` on the client.',
      data: { pool_id: poolId },
    }),
    example: { publicKey: 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=', poolId: 1 },
  }),
  KEY_MISMATCH: define<{ networkId: number }>({
    when: 'The private key given for a client configuration does not belong to the public key of the network.',
    say: ({ networkId }) => ({
      message: `The private key does not belong to the public key of network ${networkId}.`,
      hint: `Use the file that the key was made with, or: uncloud vpn network rotate-key ${networkId} --public-key KEY`,
    }),
    example: { networkId: 7 },
  }),
  INVALID_HOSTNAME: define<{ text: string; rule: string }>({
    when: 'A hostname is not a fully qualified domain name (RFC 1123).',
    say: ({ text, rule }) => ({
      message: `${quote(text)} is not a fully qualified hostname: ${rule}.`,
      hint: 'Write the whole name, for example vpn-1.example.net (see: hostname --fqdn); international names as xn--….',
    }),
    example: { text: 'vpnhost', rule: 'it has one label only, so no domain' },
  }),
  INVALID_INTERFACE_NAME: define<{ text: string; rule: string }>({
    when: 'An interface name is one that Linux or wg-quick refuses or reads as something else.',
    say: ({ text, rule }) => ({
      message: `${quote(text)} cannot name an interface: ${rule}.`,
      hint: 'Choose a short name such as wg0, or leave --interface out to get the next free one.',
    }),
    example: { text: 'wg/0', rule: 'it has 1 to 15 letters, digits and _ = + . - only' },
  }),
  INTERFACE_TAKEN: define<{ interface: string; hostname: string; poolId: number; free: string }>({
    when: 'Another pool of the same host already uses the interface name.',
    say: ({ interface: name, hostname, poolId, free }) => ({
      message: `Pool ${poolId} already uses the interface ${name} on ${hostname}.`,
      hint: `Use --interface ${free}, which is free there.`,
      data: { pool_id: poolId, free },
    }),
    example: { interface: 'wg0', hostname: 'vpn-1.example.net', poolId: 1, free: 'wg1' },
  }),
  INVALID_PORT: define<{ text: string }>({
    when: 'A listen port is not a whole number from 1 to 65535.',
    say: ({ text }) => ({
      message: `${quote(text)} is not a UDP port.`,
      hint: 'Give a number from 1 to 65535, or leave --listen-port out to get the next free one from 51820.',
    }),
    example: { text: '65536' },
  }),
  PORT_TAKEN: define<{ port: number; hostname: string; poolId: number; free: number }>({
    when: 'Another pool of the same host already listens on the port.',
    say: ({ port, hostname, poolId, free }) => ({
      message: `Pool ${poolId} already listens on port ${port} of ${hostname}.`,
      hint: `Use --listen-port ${free}, which is free there.`,
      data: { pool_id: poolId, free },
    }),
    example: { port: 51820, hostname: 'vpn-1.example.net', poolId: 1, free: 51821 },
  }),
  NO_FREE_PORT: define<{ first: number; last: number }>({
    when: 'The pools of a host take every port that is given without asking.',
    say: ({ first, last }) => ({
      message: `All ports from ${first} to ${last} are taken by other pools of this host.`,
      hint: `Name a port below ${first} with --listen-port.`,
    }),
    example: { first: 51820, last: 65535 },
  }),
  NO_POOL_FOR_HOST: define<{ hostname: string; hostnames: readonly string[] }>({
    when: '`vpn` was run for a hostname that no pool names. Nothing is removed; a missing link is raised from its file.',
    say: ({ hostname, hostnames }) => ({
      message: `No pool is served by ${hostname}; nothing was changed.`,
      hint:
        hostnames.length === 0
          ? 'On the main node see which host each pool names: uncloud vpn pool list; a role sees only the pools of its host.'
          : `Hosts with pools: ${hostnames.slice(0, 5).join(', ')}; see them on the main node with: uncloud vpn pool list`,
    }),
    example: { hostname: 'vpn-2.example.net', hostnames: ['vpn-1.example.net'] },
  }),
  NETWORK_MISPLACED: define<{ networkId: number; network: string; expected: string }>({
    when: 'A stored network is not what its slot in its pool says. Its peer is left as it is.',
    exit: EXIT.PARTLY,
    say: ({ networkId, network, expected }) => ({
      message: `Network ${networkId} is stored as ${quote(network)}, and its slot is ${expected}.`,
      hint: `Another program wrote this row. Lend a new network, then remove it with: uncloud vpn network delete ${networkId}`,
      data: { network_id: networkId },
    }),
    example: { networkId: 7, network: '2a0a:e5c1:300::/48', expected: '2a0a:e5c1:206::/48' },
  }),
  NETWORK_TWICE: define<{ networkId: number; network: string; other: number }>({
    when: 'Two stored networks are the same prefix. The peer that has it stays as it is.',
    exit: EXIT.PARTLY,
    say: ({ networkId, network, other }) => ({
      message: `Network ${networkId}, ${network}, is also stored as network ${other}.`,
      hint: `Another program wrote this row. Lend a new network, then remove it with: uncloud vpn network delete ${networkId}`,
      data: { network_id: networkId, other_network_id: other },
    }),
    example: { networkId: 7, network: '2a0a:e5c1:206::/48', other: 6 },
  }),
  BRAKED: define<{ interface: string; removed: number; peers: number }>({
    when: 'A run would remove all of three or more peers of an interface, or more than ten and more than half.',
    exit: EXIT.PARTLY,
    say: ({ interface: name, removed, peers }) => ({
      message: `Left ${name} as it is: this would remove ${removed} of its ${peers} peers.`,
      hint: 'On the main node see what is lent: uncloud vpn network list; if the removal is meant, run again with --prune.',
      data: { interface: name, removed, peers },
    }),
    example: { interface: 'wg0', removed: 200, peers: 256 },
  }),
  FILE_NOT_OURS: define<{ file: string }>({
    when: 'A file in the way was not written by uncloud for this host. It is never overwritten.',
    exit: EXIT.PARTLY,
    say: ({ file }) => ({
      message: `Left ${quote(file)} as it is: it was not written by uncloud for this host.`,
      hint: 'Move the file away, or serve the pool by another interface, and run again.',
    }),
    example: { file: 'wg0.conf' },
  }),
  UNSAFE_CONFIG_DIRECTORY: define<{ directory: string; reason: string }>({
    when: 'Others may write into the directory for the WireGuard files, or it belongs to somebody else.',
    say: ({ directory, reason }) => ({
      message: `Private keys are not written into ${quote(directory)}: ${reason}.`,
      hint: `Run as its owner, or make it yours and closed: chown "$(id -u)" ${shellWord(directory)} && chmod 0700 ${shellWord(directory)}`,
    }),
    example: { directory: '/srv/wireguard', reason: 'others may write into it' },
  }),
  CONFIG_DIRECTORY_CLOSED: define<{ directory: string }>({
    when: 'This account may not read and write the directory for the WireGuard files.',
    say: ({ directory }) => ({
      message: `This account may not read and write ${quote(directory)}, the directory for the WireGuard files.`,
      hint: `Run as root, or, as root, give the directory to the account that runs uncloud: chown ACCOUNT: ${shellWord(directory)}`,
    }),
    example: { directory: '/etc/wireguard' },
  }),
  SYMLINK_IN_THE_WAY: define<{ path: string }>({
    when: 'A symbolic link stands where a WireGuard file is to be written. It is not followed.',
    exit: EXIT.PARTLY,
    say: ({ path }) => ({
      message: `${quote(path)} is a symbolic link and was not followed.`,
      hint: 'Look where it leads with: readlink -f; remove it and run again.',
    }),
    example: { path: '/etc/wireguard/wg0.conf' },
  }),

  // ── VPN commands ───────────────────────────────────────────────────────────────────────────────────────
  POOL_KEY_TAKEN: define<{ holder: string }>({
    when: 'The private key given for a pool is that of another pool or of the client of a network.',
    say: ({ holder }) => ({
      message: `The private key already belongs to ${holder}.`,
      hint: 'Give each pool a key of its own: leave --private-key-file out and use --generate-key.',
    }),
    example: { holder: 'pool 1' },
  }),
  NETWORK_EXISTS: define<{ reference: string; networkId: number; differences: readonly string[] }>({
    when: 'A network with that reference exists and differs from the one that is asked for.',
    say: ({ reference, networkId, differences }) => ({
      message: `The reference ${quote(reference)} belongs to network ${networkId}, which differs in ${differences.join(', ')}.`,
      hint: `See it with: uncloud vpn network show ${networkId}; a network of its own needs a reference of its own.`,
      data: { network_id: networkId, differences },
    }),
    example: { reference: 'anna-vpn', networkId: 7, differences: ['its public key'] },
  }),
  INVALID_SIZE: define<{ text: string }>({
    when: 'The length of a network in a file is not a whole number from 0 to 128.',
    say: ({ text }) => ({
      message: `${quote(text)} is not the length of a network.`,
      hint: 'Write a whole number up to 128 that a pool hands out, for example 48, or leave the cell empty.',
    }),
    example: { text: '/48' },
  }),
  PUBLIC_KEY_COUNT: define<{ file: string; keys: number; count: number | null }>({
    when: 'A file of public keys is empty, or has another number of keys than --count says.',
    say: ({ file, keys, count }) => ({
      message:
        count === null
          ? `${quote(file)} holds no public key.`
          : `${quote(file)} holds ${keys} public ${keys === 1 ? 'key' : 'keys'}, and --count asks for ${count} ${count === 1 ? 'network' : 'networks'}.`,
      hint: 'Put one public key on each line, or leave --count out to get a network for each key.',
      data: { keys },
    }),
    example: { file: 'keys.txt', keys: 24, count: 25 },
  }),
  CONFIG_DIRECTORY_MISSING: define<{ directory: string }>({
    when: 'The directory for the WireGuard files does not exist.',
    say: ({ directory }) => ({
      message: `There is no directory ${quote(directory)} for the WireGuard files.`,
      hint: `Make it with: mkdir -m 0700 ${shellWord(directory)}; or name another one with --config-directory.`,
    }),
    example: { directory: '/etc/wireguard' },
  }),
  HOST_BUSY: define<{ directory: string; seconds: number }>({
    when: 'Another run of `vpn` works in the same directory for longer than we wait. Nothing is changed.',
    exit: EXIT.TRY_AGAIN,
    say: ({ directory, seconds }) => ({
      message: `Another run of uncloud vpn has worked in ${quote(directory)} for more than ${seconds} seconds.`,
      hint: 'Run the command again later; as root see who holds its lock with: ss -xlp | grep @uncloud-vpn',
    }),
    example: { directory: '/etc/wireguard', seconds: 30 },
  }),

  // ── VPN interfaces ─────────────────────────────────────────────────────────────────────────────────────
  TOOL_MISSING: define<{ command: string }>({
    when: 'A program that configures the host is in no folder of PATH and in none of the usual ones.',
    say: ({ command }) => ({
      message: `The program ${quote(command)} was not found.`,
      hint: 'Install wireguard-tools and iproute2, or name the programs under [wireguard] in the configuration.',
    }),
    example: { command: 'wg' },
  }),
  NOT_PERMITTED: define<{ command: string; reason: string }>({
    when: '`ip` or `wg` was run without the rights to change interfaces.',
    say: ({ command, reason }) => ({
      message: `${quote(command)} may not be run: ${reason}.`,
      hint: 'Run as root, or let sudo run ip and wg without a password (docs/vpn-host.md, step 5) and set wireguard.use_sudo.',
    }),
    example: { command: 'wg', reason: 'sudo: a password is required' },
  }),
  COMMAND_FAILED: define<{ command: string; reason: string }>({
    when: '`ip` or `wg` ended with an error.',
    say: ({ command, reason }) => ({
      message: `${quote(command)} failed: ${reason}.`,
      hint: 'See each command as it is run with: uncloud vpn --hostname FQDN -v; running again completes the work.',
    }),
    example: { command: 'ip link set dev wg0 up', reason: 'RTNETLINK answers: No buffer space available' },
  }),
  USERSPACE_FAILED: define<{ command: string; interface: string; reason: string }>({
    when: 'The kernel has no WireGuard, and the program that should serve an interface in its place did not start.',
    exit: EXIT.PARTLY,
    say: ({ command, interface: name, reason }) => ({
      message: `${quote(command)} does not serve ${name}: ${reason}.`,
      hint: `Start it by hand to see why, as root: ${command} -f ${name}`,
    }),
    example: { command: 'wireguard-go', interface: 'wg0', reason: 'it ended with 1' },
  }),
  LINK_NOT_OURS: define<{ interface: string; reason: string; mark?: string }>({
    when: 'An interface of the name that a pool wants exists and was not made by uncloud. It is never changed.',
    exit: EXIT.PARTLY,
    say: ({ interface: name, reason, mark }) => ({
      message: `Left ${name} as it is: ${reason}.`,
      hint:
        mark === undefined
          ? `Rename or remove it (ip link show ${name}), or serve the pool by another interface, and run again.`
          : `It has the key of the pool. If it is meant to serve it, mark it, as root: ip link set dev ${name} alias ${mark}`,
    }),
    example: { interface: 'wg0', reason: 'it does not carry our alias' },
  }),
  ROUTE_NOT_OURS: define<{ interface: string; prefix: string }>({
    when: 'A route to the prefix of a pool exists and was not made by uncloud. It is never changed.',
    exit: EXIT.PARTLY,
    say: ({ interface: name, prefix }) => ({
      message: `${prefix} is not routed to ${name}: somebody else made a route for it.`,
      hint: `See it with: ip -6 route show exact ${prefix}; remove it and run again.`,
    }),
    example: { interface: 'wg0', prefix: '2a0a:e5c1:200::/40' },
  }),
  LISTEN_PORT_IN_USE: define<{ interface: string; port: number }>({
    when: 'The UDP port of a pool is used by another process of the host, so its interface cannot listen.',
    exit: EXIT.PARTLY,
    say: ({ interface: name, port }) => ({
      message: `${name} does not listen on UDP port ${port}, which is taken.`,
      hint: `See who has it with: ss -ulpn sport = :${port}; free the port and run again.`,
      data: { interface: name, port },
    }),
    example: { interface: 'wg0', port: 51820 },
  }),
  NOT_TAKEN_OVER: define<{ interface: string; changes: readonly string[] }>({
    when: 'After a run changed an interface, reading it again shows that it is not yet as it should be.',
    exit: EXIT.PARTLY,
    say: ({ interface: name, changes }) => ({
      message: `${name} did not take these changes: ${changes.slice(0, 5).join(', ')}.`,
      hint: 'Look whether another program configures this interface, and run again.',
      data: { interface: name, count: changes.length },
    }),
    example: { interface: 'wg0', changes: ['add route 2a0a:e5c1:200::/40'] },
  }),

  // ── roles of VPN hosts ─────────────────────────────────────────────────────────────────────────────────
  HOST_ROLES_NEED_POSTGRESQL: define<{ path: string }>({
    when: 'A role for a VPN host is asked of SQLite, which has no roles: who reads the file reads everything.',
    say: ({ path }) => ({
      message: `The database is the SQLite file ${quote(path)}, and SQLite has no roles.`,
      hint: 'Run uncloud vpn on the machine with the file, or move to PostgreSQL: docs/database.md.',
    }),
    example: { path: '/var/lib/uncloud/uncloud.db' },
  }),
  HOST_HAS_ROLE: define<{ hostname: string; role: string }>({
    when: 'A VPN host is given a role a second time. Its password stays as it is.',
    say: ({ hostname, role }) => ({
      message: `${hostname} has the role ${role} already; its password was not changed.`,
      hint: `For a new password first run: uncloud vpn host revoke ${hostname}`,
      data: { role },
    }),
    example: { hostname: 'vpn-1.example.net', role: 'uncloud_host_vpn_1_0c1f2a3b4d5e' },
  }),
  HOST_HAS_NO_ROLE: define<{ hostname: string; hostnames: readonly string[] }>({
    when: '`vpn host revoke` names a host that has no role.',
    say: ({ hostname, hostnames }) => ({
      message: `${hostname} has no role; ${hostnames.length === 0 ? 'no host has one' : `these have: ${hostnames.join(', ')}`}.`,
      hint: 'List the hosts that have one with: uncloud vpn host list',
      data: { hostnames },
    }),
    example: { hostname: 'vpn-3.example.net', hostnames: ['vpn-1.example.net', 'vpn-2.example.net'] },
  }),
  HOST_ROLE_TOO_STRONG: define<{ hostname: string; rights: readonly string[] }>({
    when: 'Rights that were given to everybody (PUBLIC) would let the role of a VPN host do more than it has to.',
    say: ({ hostname, rights }) => ({
      message: `No role was made for ${hostname}: everybody who can log in to this database may ${rights.join(', ')}.`,
      hint: 'Take that from PUBLIC as the owner, for example with: revoke create on schema public from public',
      data: { rights },
    }),
    example: { hostname: 'vpn-1.example.net', rights: ['create objects in the schema public'] },
  }),

  // ── configuration, files, usage ────────────────────────────────────────────────────────────────────────
  INVALID_ID: define<{ text: string }>({
    when: 'An id is not a whole number from 1, alone or after `id:`.',
    exit: EXIT.USAGE,
    say: ({ text }) => ({
      message: `${quote(text)} is not an id.`,
      hint: 'Write the number that the list shows in its column ID, for example 7 or id:7.',
    }),
    example: { text: 'abc' },
  }),
  USAGE: define<{ message: string; command: string; better?: readonly string[] }>({
    when: 'A flag or argument is unknown, missing or contradicts another one.',
    exit: EXIT.USAGE,
    say: ({ message, command, better = [] }) => ({
      message,
      hint: better.length > 0 ? `Did you mean: ${better.join(', ')}` : `See: ${command} --help`,
    }),
    example: { message: 'Nonexistent flag: --foo.', command: 'uncloud bill list' },
  }),
  ARGUMENT_NOT_UTF8: define<{ argument: string }>({
    when: 'An argument has bytes that are not UTF-8, as a terminal or a script in Latin-1 sends them.',
    exit: EXIT.USAGE,
    say: ({ argument }) => ({
      message: `The argument ${quote(argument)} is not UTF-8; \ufffd stands for what could not be read.`,
      hint: 'Set the terminal to UTF-8, or convert the script: iconv -f LATIN1 -t UTF-8 OLD > NEW',
    }),
    example: { argument: 'Z\ufffdrich' },
  }),
  WORKING_DIRECTORY_GONE: define<Record<never, never>>({
    when: 'The folder that the command was started in was removed, and a path is relative to it.',
    say: () => ({
      message: 'The folder that uncloud was started in does not exist any more.',
      hint: 'Go to one that does, for example with: cd ~',
    }),
    example: {},
  }),
  UNKNOWN_COMMAND: define<{ command: string; topic: string; close: string[] }>({
    when: 'There is no such command.',
    exit: EXIT.USAGE,
    say: ({ command, topic, close }) => ({
      message: `There is no command ${quote(command)}.`,
      hint:
        close.length > 0
          ? `Did you mean: ${close.join(', ')}?`
          : `List the commands with: ${['uncloud help', topic].join(' ').trim()}`,
    }),
    example: { command: 'bill genrate', topic: 'bill', close: ['uncloud bill generate'] },
  }),
  CONFIRMATION_NEEDED: define<{ question: string }>({
    when: 'A destroying command would ask, and there is no terminal to ask on.',
    exit: EXIT.USAGE,
    say: ({ question }) => ({
      message: `${question} There is no terminal to ask on.`,
      hint: 'Answer beforehand with --yes.',
    }),
    example: { question: 'Delete pool 1?' },
  }),
  NOT_CONFIRMED: define<Record<never, never>>({
    when: 'The question of a destroying command was answered with no.',
    say: () => ({ message: 'Nothing was changed.', hint: 'Answer yes, or give --yes, to go ahead.' }),
    example: {},
  }),
  INVALID_CONFIG: define<{ faults: string[] }>({
    when: 'The configuration has unknown keys, variables or wrong values; every fault is listed.',
    say: ({ faults }) => ({
      message: `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}: ${faults.join('; ')}.`,
      hint:
        'Correct them; `uncloud config init FILE` writes an example with every key. The variable of database.url is ' +
        'UNCLOUD_DATABASE_URL, and so for every key; unset any other that begins with UNCLOUD_.',
      data: { faults },
    }),
    example: { faults: ['/etc/uncloud/config.toml: database.uri is no key (did you mean database.url?)'] },
  }),
  CONFIG_NOT_READABLE: define<{
    file: string;
    reason: string;
    state: 'missing' | 'closed' | 'malformed';
  }>({
    when: 'A configuration file does not exist, cannot be read, or is not TOML.',
    say: ({ file, reason, state }) => ({
      message: `The configuration file ${quote(file)} cannot be used: ${reason}.`,
      hint: {
        missing: `Correct its name, or write it with: uncloud config init ${shellWord(file)}`,
        closed: 'Let this account read it, or name another file with --config.',
        malformed: 'Correct it; an example with every key is printed by: uncloud config init -',
      }[state],
    }),
    example: {
      file: '/etc/uncloud/config.toml',
      reason: 'line 3, column 8: invalid value',
      state: 'malformed',
    },
  }),
  UNSAFE_CONFIG: define<{ file: string; reason: string }>({
    when: 'Root found a configuration file that belongs to another account, or that others may write. It names programs that root runs.',
    say: ({ file, reason }) => ({
      message: `Root does not obey the configuration file ${quote(file)}: ${reason}.`,
      hint: `Look through it and make it root's own: chown root ${shellWord(file)} && chmod go-w ${shellWord(file)}; or name it: --config ${shellWord(file)}`,
    }),
    example: {
      file: '/home/anna/.config/uncloud/config.toml',
      reason: 'it belongs to the account with the id 1000',
    },
  }),
  FILE_EXISTS: define<{ file: string }>({
    when: 'A command would overwrite a file that it did not write.',
    say: ({ file }) => ({
      message: `The file ${quote(file)} exists already.`,
      hint: 'Name another file, or remove this one first.',
    }),
    example: { file: '/etc/uncloud/config.toml' },
  }),
  FILE_NEEDED: define<{ content: string; instead: string }>({
    when: 'An option that names a new file is given `-`, and what goes there is not for standard output.',
    exit: EXIT.USAGE,
    say: ({ content, instead }) => ({
      message: `${content} to a file, not to standard output.`,
      hint: `${instead}; a file that is called - is written ./-`,
    }),
    example: {
      content: 'The password goes',
      instead: 'Name a new file, which gets mode 0600',
    },
  }),
  FOLDER_MISSING: define<{ file: string; folder: string }>({
    when: 'The folder of a file that is to be written does not exist: a path may be misspelt, so none is made.',
    say: ({ file, folder }) => ({
      message: `The file ${quote(file)} cannot be written: there is no folder ${quote(folder)}.`,
      hint: `If that is what you mean, make it with: mkdir -p ${shellWord(folder)}`,
    }),
    example: { file: '/srv/backups/uncloud.jsonl', folder: '/srv/backups' },
  }),
  FILE_NOT_WRITABLE: define<{ file: string; reason: string }>({
    when: 'A file cannot be written: no right, no room, or no such folder. An older content stays as it was.',
    say: ({ file, reason }) => ({
      message: `The file ${quote(file)} cannot be written: ${reason}.`,
      hint: 'Check the folder, its owner and the room on its disk, and run the same command again.',
    }),
    example: { file: '/etc/wireguard/wg0.conf', reason: 'permission denied' },
  }),
  OUTPUT_NOT_WRITABLE: define<{ reason: string }>({
    when: 'What a command prints cannot be written, because a disk is full for example. What it did stays done.',
    say: ({ reason }) => ({
      message: `The output could not be written to its end: ${reason}.`,
      hint: 'Check where standard output leads. Whatever the command changed in the database stays changed.',
    }),
    example: { reason: 'no space left on the disk' },
  }),
  REJECTS_NOT_PLACED: define<{ reason: string }>({
    when: 'An import with --partial is done, and its reject file is written, but could not be given its name.',
    exit: EXIT.PARTLY,
    say: ({ reason }) => ({
      message: `The good rows are imported, but the refused ones are not kept: ${reason}`,
      hint: 'Run the same command again: it imports nothing twice, and writes the refused rows.',
    }),
    example: { reason: 'The file "rejects.csv" cannot be written: it is a directory.' },
  }),
  SECRET_NOT_PLACED: define<{ subject: string; reason: string; next: string }>({
    when: 'A new secret counts already, but the file that holds it could not be put into its place for good.',
    say: ({ subject, reason, next }) => ({
      message: `${subject} has a new secret, but no file that is sure to keep it: ${reason}`,
      hint: `Make another one, in another file: ${next}`,
    }),
    example: {
      subject: 'The service account "controller"',
      reason: 'The file "controller.secret" exists already.',
      next: 'uncloud service rotate controller --secret-file OTHER',
    },
  }),
  SECRET_FILE_MODE: define<{ file: string; mode: string; wanted: string }>({
    when: 'A file that holds a secret can be read by others. Only a group may, and only where root is the owner.',
    say: ({ file, mode, wanted }) => ({
      message: `The file ${quote(file)} holds a secret and has mode ${mode}: others can read it.`,
      hint: `Protect it with: chmod ${wanted} ${shellWord(file)}`,
    }),
    example: { file: '/etc/uncloud/secrets.key', mode: '0644', wanted: '600' },
  }),
  SECRET_KEY_MISSING: define<{ file: string }>({
    when: 'The database holds sealed keys and the key file that opens them is not there.',
    say: ({ file }) => ({
      message: `The key file ${quote(file)} is missing, and the database holds secrets sealed under it.`,
      hint: 'Copy it from the machine where it was made, or name it with secrets.key_file in the configuration.',
    }),
    example: { file: '/etc/uncloud/secrets.key' },
  }),
  SECRET_KEY_WRONG: define<{ file: string }>({
    when: 'The key file is not the one under which the secrets of this database are sealed, or is damaged.',
    say: ({ file }) => ({
      message: `The key file ${quote(file)} does not open the secrets of this database.`,
      hint: 'Copy the right one from the main node, or name it with secrets.key_file in the configuration.',
    }),
    example: { file: '/etc/uncloud/secrets.key' },
  }),

  SECRET_DAMAGED: define<{ place: string }>({
    when: 'A sealed private key was changed, cut off or moved: the key file is the right one and does not open it.',
    say: ({ place }) => ({
      message: `The sealed secret ${place} is damaged; the key file is the right one and does not open it.`,
      hint: 'On the main node give the pool a new key: uncloud vpn pool rotate-key ID --generate-key; or restore a backup.',
    }),
    example: { place: 'vpn_pools/1/private_key' },
  }),
  NOTHING_SEALED: define<Record<never, never>>({
    when: 'The key file is to be rotated, and the database holds no sealed secret yet.',
    say: () => ({
      message: 'This database holds no sealed secret, so no key is in use.',
      hint: 'The key file comes into use with the first pool: uncloud vpn pool create',
    }),
    example: {},
  }),
  OLD_KEY_KEPT: define<{ file: string }>({
    when: 'The key file is to be rotated, and the key that the last rotation replaced is still beside it.',
    say: ({ file }) => ({
      message: `The key of the last rotation is still in ${quote(file)}, and is not overwritten.`,
      hint: 'Move it to the backups of the database that it opens; delete it when none of them is kept.',
    }),
    example: { file: '/etc/uncloud/secrets.key.old' },
  }),

  // ── input files ────────────────────────────────────────────────────────────────────────────────────────
  INPUT_NOT_FOUND: define<{ file: string; reason: string }>({
    when: 'A file that is to be read does not exist, is a directory or may not be read by this user.',
    say: ({ file, reason }) => ({
      message: `The file ${quote(file)} cannot be read: ${reason}.`,
      hint: 'Check the path and the rights of this user; most commands read standard input when given -.',
    }),
    example: { file: 'users.csv', reason: 'no such file or folder' },
  }),
  CSV_ENCODING: define<{ file: string; line: number; byte: number; reason: string; encoding: string }>({
    when: 'A CSV file is not UTF-8 (with or without byte order mark), or holds a NUL byte.',
    say: ({ file, line, byte, reason, encoding }) => ({
      message: `${quote(file)}, line ${line}, byte ${byte} of the line: ${reason}; CSV files must be UTF-8.`,
      hint: `Save the file as UTF-8, for example with: iconv -f ${encoding} -t UTF-8 OLD.csv > NEW.csv`,
      data: { line, byte },
    }),
    example: { file: 'users.csv', line: 3, byte: 12, reason: '0xE9 is not UTF-8', encoding: 'LATIN1' },
  }),
  COMPRESSED_INPUT: define<{ file: string; format: string; unpack: string }>({
    when: 'A file to read is compressed, or is an archive.',
    say: ({ file, format, unpack }) => ({
      message: `${quote(file)} is ${format}; only what is unpacked can be read.`,
      hint: unpack,
    }),
    example: {
      file: 'users.csv.gz',
      format: 'compressed with gzip',
      unpack: 'Unpack it on the way: gzip -dc FILE | uncloud …, with - in place of the file.',
    },
  }),
  JSON_AS_CSV: define<{ file: string }>({
    when: 'A file that is read as CSV begins with a JSON object.',
    say: ({ file }) => ({
      message: `${quote(file)} begins with "{" as JSON Lines do, and is read as CSV.`,
      hint: 'Say how it is written: --format jsonl',
    }),
    example: { file: 'standard input' },
  }),
  CSV_HEADER: define<{ file: string; line: number; reason: string; expected: string }>({
    when: 'The first line of a CSV file lacks a column, or has an unknown one or one twice.',
    say: ({ file, line, reason, expected }) => ({
      message: `${quote(file)}, line ${line}: ${reason}.`,
      hint: `The first line names the columns, in any order: ${expected}`,
      data: { line },
    }),
    example: {
      file: 'users.csv',
      line: 1,
      reason: 'the column "city" is missing',
      expected: 'username,city',
    },
  }),
  CSV_QUOTE: define<{ file: string; line: number; reason: string }>({
    when: 'A quote in a CSV file is not closed, stands inside an unquoted cell, or text follows a closing quote.',
    say: ({ file, line, reason }) => ({
      message: `${quote(file)}, line ${line}: ${reason}.`,
      hint: 'Put the whole cell in double quotes and write a quote inside it twice: "the ""best"" one".',
      data: { line },
    }),
    example: { file: 'users.csv', line: 7, reason: 'the quote that opens here is never closed' },
  }),
  CSV_COLUMNS: define<{ file: string; line: number; found: number; expected: number }>({
    when: 'A row of a CSV file has more or fewer cells than the header.',
    say: ({ file, line, found, expected }) => ({
      message: `${quote(file)}, line ${line}: the row has ${found} cells and the header ${expected}.`,
      hint: 'Give every row one cell per column; a cell that holds a comma or a line end needs double quotes.',
      data: { line, found, expected },
    }),
    example: { file: 'users.csv', line: 4, found: 8, expected: 9 },
  }),
  CSV_RECORD_TOO_LARGE: define<{ file: string; line: number; limit: number }>({
    when: 'One row of a CSV file is larger than any sensible row; usually a quote was not closed.',
    say: ({ file, line, limit }) => ({
      message: `${quote(file)}, line ${line}: the row that starts here is longer than ${limit} bytes.`,
      hint: 'Look for a double quote that is opened on this line and not closed.',
      data: { line, limit },
    }),
    example: { file: 'users.csv', line: 2, limit: 1_048_576 },
  }),
  JSON_ENCODING: define<{ file: string; line: number; byte: number; reason: string; encoding: string }>({
    when: 'A file of JSON lines is not UTF-8 (with or without byte order mark), or holds a NUL byte.',
    say: ({ file, line, byte, reason, encoding }) => ({
      message: `${quote(file)}, line ${line}, byte ${byte} of the line: ${reason}; JSON must be UTF-8.`,
      hint: `Save the file as UTF-8, for example with: iconv -f ${encoding} -t UTF-8 OLD.jsonl > NEW.jsonl`,
      data: { line, byte },
    }),
    example: { file: 'users.jsonl', line: 3, byte: 12, reason: '0xE9 is not UTF-8', encoding: 'LATIN1' },
  }),
  JSON_LINE_TOO_LONG: define<{ file: string; line: number; limit: number }>({
    when: 'One line of a file of JSON lines is longer than any sensible row.',
    say: ({ file, line, limit }) => ({
      message: `${quote(file)}, line ${line}: the line is longer than ${limit} bytes.`,
      hint: 'Write one JSON object on each line. A file that is one array: jq -c ".[]" OLD.json > NEW.jsonl',
      data: { line, limit },
    }),
    example: { file: 'users.jsonl', line: 2, limit: 1_048_576 },
  }),
  JSON_SYNTAX: define<{ column: number; reason: string }>({
    when: 'A line of a file of JSON lines is not one JSON object, or gives a name twice.',
    say: ({ column, reason }) => ({
      message: `No JSON object, in column ${column}: ${reason}.`,
      hint: 'Write one JSON object on each line. A file that is one array: jq -c ".[]" OLD.json > NEW.jsonl',
      data: { column },
    }),
    example: { column: 18, reason: 'the line ends where the closing } should be' },
  }),
  JSON_NAME: define<{ name: string; expected: string }>({
    when: 'An object of a file of JSON lines has a member that no column has the name of.',
    say: ({ name, expected }) => ({
      message: `There is no column ${quote(name)}.`,
      hint: `The names are: ${expected}`,
      data: { name },
    }),
    example: { name: 'user', expected: 'username,city' },
  }),
  JSON_TYPE: define<{ column: string; kind: string; expected: string }>({
    when: 'A member of an object in a file of JSON lines has a value of another type than its column.',
    say: ({ column, kind, expected }) => ({
      message: `The value of ${quote(column)} is ${kind}, and must be ${expected}.`,
      hint: 'Put a string in double quotes; null is an empty cell.',
    }),
    example: { column: 'postal_code', kind: 'a number', expected: 'a string' },
  }),
  INVALID_SOURCE_URL: define<{ url: string; reason: string }>({
    when: 'An address to download from is not https:// (http:// is for loopback only) or holds a password.',
    say: ({ url, reason }) => ({
      message: `Nothing is downloaded from ${quote(url)}: ${reason}.`,
      hint: 'Give an https:// address, or download the file yourself and name it.',
    }),
    example: { url: 'http://example.net/vat_rates.csv', reason: 'it is not https://' },
  }),
  DOWNLOAD_REFUSED: define<{ url: string; reason: string }>({
    when: 'A web server does not hand out the file, redirects in circles, or sends more than we accept.',
    say: ({ url, reason }) => ({
      message: `${quote(url)} cannot be downloaded: ${reason}.`,
      hint: 'Check the address in a browser, or download the file yourself and name it.',
    }),
    example: { url: 'https://example.net/vat_rates.csv', reason: 'the server answered 404' },
  }),
  DOWNLOAD_FAILED: define<{ url: string; reason: string }>({
    when: 'A web server cannot be reached, is too slow or is in trouble (429 and 5xx).',
    exit: EXIT.TRY_AGAIN,
    say: ({ url, reason }) => ({
      message: `${quote(url)} cannot be downloaded now: ${reason}.`,
      hint: 'Nothing was changed. Try again later, or download the file yourself and name it.',
    }),
    example: { url: 'https://example.net/vat_rates.csv', reason: 'no answer within 30 seconds' },
  }),

  // ── imports ────────────────────────────────────────────────────────────────────────────────────────────
  IMPORT_REFUSED: define<{ file: string; rows: number; refusedRows: number; refused: readonly RefusedRow[] }>(
    {
      when: 'Rows of a file are faulty, and --partial was not given, so nothing is imported.',
      say: ({ file, rows, refusedRows, refused }) => ({
        message:
          `${quote(file)} has ${refusedRows === 1 ? 'a faulty row' : `${refusedRows} faulty rows`}, so nothing ` +
          `was imported; the first is in line ${refused[0]?.line}: ${refused[0]?.reason}`,
        hint: 'Correct the file and import it again, or import all other rows with --partial.',
        data: { rows, inserted: 0, updated: 0, unchanged: 0, refused_rows: refusedRows, refused },
      }),
      example: {
        file: 'users.csv',
        rows: 3,
        refusedRows: 1,
        refused: [
          {
            line: 3,
            field: 'country',
            value: 'Switzerland',
            code: 'UNKNOWN_COUNTRY',
            reason: '"Switzerland" is not a country code.',
            hint: 'Use two letters of ISO 3166-1, for example CH, DE or GR.',
          },
        ],
      },
    },
  ),
  EMPTY_CELL: define<{ column: string }>({
    when: 'A row of a file has nothing in a column that every row needs.',
    say: ({ column }) => ({
      message: `The column ${quote(column)} is empty.`,
      hint: 'Fill the cell, or remove the row.',
    }),
    example: { column: 'username' },
  }),
  CELL_COUNT: define<{ found: number; expected: number }>({
    when: 'A row of an imported file has more or fewer cells than the header.',
    say: ({ found, expected }) => ({
      message: `The row has ${found} cells and the header ${expected}.`,
      hint: 'Give every row one cell per column; a cell that holds a comma or a line end needs double quotes.',
    }),
    example: { found: 8, expected: 9 },
  }),
  DUPLICATE_ROW: define<{ column: string; value: string; firstLine: number }>({
    when: 'Two rows of a file are about the same thing.',
    say: ({ column, value, firstLine }) => ({
      message: `The ${column} ${quote(value)} stands in line ${firstLine} already.`,
      hint: 'Keep one of the two rows.',
      data: { first_line: firstLine },
    }),
    example: { column: 'username', value: 'nico', firstLine: 2 },
  }),

  CONTRADICTING_ROW: define<{ product: string; column: string; firstLine: number }>({
    when: 'Two rows of a file give one product two descriptions, or two default prices.',
    say: ({ product, column, firstLine }) => ({
      message: `Line ${firstLine} gives the product ${quote(product)} another ${column} already.`,
      hint: 'Keep one of the two, and leave the other cell empty.',
      data: { first_line: firstLine },
    }),
    example: { product: 'VM', column: 'description', firstLine: 2 },
  }),
  INVALID_BOOLEAN: define<{ field: string; text: string }>({
    when: 'A cell that says whether something is so holds something else than true or false (or yes, no, 1, 0).',
    say: ({ field, text }) => ({
      message: `${quote(text)} is neither true nor false.`,
      hint: 'Write true or false, or leave the cell empty.',
      data: { field },
    }),
    example: { field: 'default', text: 'maybe' },
  }),

  // ── people and the seller ──────────────────────────────────────────────────────────────────────────────
  INVALID_TEXT: define<{ field: string; text: string; rule: string }>({
    when: 'A name or a line of an address has a line end or another control character, or is too long.',
    say: ({ field, text, rule }) => ({
      message: `${quote(text)} cannot be the ${field.replaceAll('_', ' ')}: ${rule}.`,
      hint: 'Write one line of plain text.',
      data: { field },
    }),
    example: { field: 'street', text: 'Main street 1\nBack house', rule: 'it has a line end' },
  }),
  INVALID_USERNAME: define<{ username: string }>({
    when: 'A username has other characters than letters, digits and . _ @ + -, begins with one of . @ + -, or is too long.',
    say: ({ username }) => ({
      message: `${quote(username)} is not a username.`,
      hint: 'Use 1 to 150 letters, digits and . _ @ + - that begin with a letter, a digit or _.',
      data: { field: 'username' },
    }),
    example: { username: 'nico schott' },
  }),
  INVALID_EMAIL: define<{ email: string }>({
    when: 'A mail address has no @ or more than one, or blanks or other characters that no mailbox needs.',
    say: ({ email }) => ({
      message: `${quote(email)} is not a mail address.`,
      hint: 'Write the bare address, for example nico@example.net.',
      data: { field: 'email' },
    }),
    example: { email: 'Nico <nico@example.net>' },
  }),
  UNKNOWN_LANGUAGE: define<{ language: string; known: readonly string[] }>({
    when: 'A file gives a user a language that no bill is written in.',
    say: ({ language, known }) => ({
      message: `${quote(language)} is not a language of bills.`,
      hint: `Write one of: ${known.join(', ')}`,
    }),
    example: { language: 'français', known: ['de', 'en'] },
  }),
  INVALID_VAT_NUMBER: define<{
    text: string;
    prefix: string | null;
    example: string;
    /** Whether form and letters are right, and the check digit is not. */
    isDigitWrong?: boolean;
  }>({
    when: 'A VAT number does not have the form that its country gives out, or its check digit does not fit (CH). The register itself is not asked.',
    say: ({ text, prefix, example, isDigitWrong = false }) => ({
      message:
        `${quote(text)} is not a VAT number${prefix === null ? '' : ` of ${prefix}`}` +
        `${isDigitWrong ? ': its check digit, the last one, does not fit' : ''}.`,
      hint: isDigitWrong
        ? 'Copy it from the register, https://www.uid.admin.ch, or give "" for none.'
        : `Write it with the letters of its country, as in ${example}, or give "" for none.`,
      data: { field: 'vat_number' },
    }),
    example: { text: 'DE12345', prefix: 'DE', example: 'DE123456789' },
  }),
  NO_VAT_NUMBER: define<Record<never, never>>({
    when: 'A day is given on which a VAT number was found valid, and there is no VAT number.',
    say: () => ({
      message: 'There is no VAT number that could have been checked.',
      hint: 'Give it too: --vat-number NUMBER, or the column vat_number of a file.',
      data: { field: 'vat_number' },
    }),
    example: {},
  }),
  VAT_CHECK_IN_FUTURE: define<{ day: string; today: string }>({
    when: 'A VAT number is said to have been found valid on a day that is still to come.',
    say: ({ day, today }) => ({
      message: `${day} is still to come: today is ${today} (UTC).`,
      hint: 'Give the day on which the VAT number was found valid.',
      data: { field: 'vat_checked_on' },
    }),
    example: { day: '2062-01-31', today: '2026-01-31' },
  }),
  ADDRESS_NEEDS_COUNTRY: define<Record<never, never>>({
    when: 'A part of a billing address is given for a user without one, and the country is not among it.',
    say: () => ({
      message: 'A billing address needs a country, because it decides the VAT.',
      hint: 'Give it too: --country CC with two letters of ISO 3166-1, or the column country of a file.',
      data: { field: 'country' },
    }),
    example: {},
  }),
  USERNAME_TAKEN: define<{ username: string }>({
    when: 'A user is to get the name of another one; usernames are unique.',
    say: ({ username }) => ({
      message: `There is a user ${quote(username)} already.`,
      hint: `Look at that one with: uncloud user show ${username}; or choose another name.`,
      data: { username },
    }),
    example: { username: 'nico' },
  }),
  USERNAME_CASE: define<{ username: string; other: { name: string } | { line: number } }>({
    when: 'A file has a new user whose name differs from that of another one in case only: mostly the same person.',
    say: ({ username, other }) => {
      const [who, cure] =
        'name' in other
          ? [quote(other.name), `write ${other.name}`]
          : [`the one of line ${other.line}`, 'keep one of the two rows'];
      return {
        message: `There is no user ${quote(username)}, but ${who}, whose name differs in case only.`,
        hint: `If they are the same person ${cure}; if not, uncloud bootstrap-user --username ${username} creates the other.`,
        data: {
          field: 'username',
          ...('name' in other ? { stored: other.name } : { first_line: other.line }),
        },
      };
    },
    example: { username: 'Nico', other: { name: 'nico' } },
  }),
  UNKNOWN_USER: define<{ username: string }>({
    when: 'There is no user of that name.',
    say: ({ username }) => ({
      message: `There is no user ${quote(username)}.`,
      hint: 'See all with: uncloud user list; create one with: uncloud bootstrap-user --username NAME --no-staff',
      data: { field: 'username' },
    }),
    example: { username: 'nicco' },
  }),
  INVALID_IBAN: define<{ text: string; rule: string }>({
    when: 'An IBAN has the wrong length for its country, or its check digits do not fit.',
    say: ({ text, rule }) => ({
      message: `${quote(text)} is not an IBAN: ${rule}.`,
      hint: 'Copy it from the bank, for example CH93 0076 2011 6238 5295 7.',
    }),
    example: { text: 'CH93 0076 2011 6238 5295 8', rule: 'its check digits do not fit' },
  }),

  // ── groups and rights ──────────────────────────────────────────────────────────────────────────────────
  UNKNOWN_GROUP: define<{ name: string }>({
    when: 'There is no group of that name.',
    say: ({ name }) => ({
      message: `There is no group ${quote(name)}.`,
      hint: 'See all with: uncloud group list; create one with: uncloud group create NAME --owner USER',
    }),
    example: { name: 'gletscher' },
  }),
  GROUP_EXISTS: define<{ name: string; owner: string }>({
    when: 'A group is created, or renamed, under a name that another group has.',
    say: ({ name, owner }) => ({
      message: `There is a group ${quote(name)} already, owned by ${quote(owner)}.`,
      hint: `Look at it with: uncloud group show ${shellWord(name)}`,
    }),
    example: { name: 'Gletscher', owner: 'nico' },
  }),
  USER_INACTIVE: define<{ username: string }>({
    when: 'A command is run in the name of a user who is not active.',
    say: ({ username }) => ({
      message: `The user ${quote(username)} is not active, so nothing is done in that name.`,
      hint: `Let the user back in with: uncloud user update ${username} --active`,
    }),
    example: { username: 'nico' },
  }),
  FORBIDDEN: define<{ username: string; what: string }>({
    when: 'A command is run in the name of a user (--as-user) who has no right to what it asks for.',
    say: ({ username, what }) => ({
      message: `The user ${quote(username)} has no right to ${what}.`,
      hint: `Staff may do everything, the owner and the administrators of a group what concerns its members: uncloud group list --user ${username}`,
    }),
    example: { username: 'nico', what: 'network 7' },
  }),
  SERVICE_EXISTS: define<{ name: string }>({
    when: 'A service account is created under a name that is taken.',
    say: ({ name }) => ({
      message: `There is a service account ${quote(name)} already.`,
      hint: `Give it another secret with: uncloud service rotate ${shellWord(name)}`,
    }),
    example: { name: 'controller' },
  }),
  UNKNOWN_SERVICE: define<{ name: string }>({
    when: 'There is no service account of that name.',
    say: ({ name }) => ({
      message: `There is no service account ${quote(name)}.`,
      hint: 'See all with: uncloud service list; create one with: uncloud service create NAME',
    }),
    example: { name: 'controler' },
  }),
  WRONG_SECRET: define<{ name: string }>({
    when: 'The secret that `service verify` was given is not the one of the service account.',
    say: ({ name }) => ({
      message: `This is not the secret of the service account ${quote(name)}.`,
      hint: `Give the account another one with: uncloud service rotate ${shellWord(name)}`,
    }),
    example: { name: 'controller' },
  }),
  SECRET_FILE_NEEDED: define<{ command: string }>({
    when: 'A command that makes a secret is run with --json, which never has secrets.',
    exit: EXIT.USAGE,
    say: ({ command }) => ({
      message: 'The new secret has no place in a --json document.',
      hint: `Let it be written to a new file: uncloud ${command} --secret-file FILE`,
    }),
    example: { command: 'service create controller' },
  }),
  // ── dumps ──────────────────────────────────────────────────────────────────────────────────────────────
  INVALID_DUMP: define<{ file: string; line: number; reason: string }>({
    when: 'A file given to `db load` is not a whole dump as `db dump` writes it.',
    say: ({ file, line, reason }) => ({
      message: `${file}, line ${line}: ${reason}. Nothing was loaded.`,
      hint: 'Dump again with: uncloud db dump --output FILE',
      data: { line },
    }),
    example: { file: 'uncloud.jsonl', line: 812, reason: 'the dump ends without its last line' },
  }),
  DUMP_VERSION: define<{ file: string; version: string; known: number }>({
    when: 'A dump was written in a version of the format that this program does not read.',
    say: ({ file, version, known }) => ({
      message: `${file} is a dump of version ${quote(version)}, and this uncloud reads version ${known}.`,
      hint: 'Load it with the uncloud that wrote it; uncloud info says which one this is.',
    }),
    example: { file: 'uncloud.jsonl', version: '2', known: 1 },
  }),
  DUMP_SCHEMA: define<{ file: string; dump: string; database: string }>({
    when: 'A dump was made of a schema that has other migrations than the database that it is loaded into.',
    say: ({ file, dump, database }) => ({
      message: `${file} was made at migration ${dump}, and the database is at ${database}.`,
      hint: `Bring the empty database there with uncloud migrate --to ${dump}, load, and migrate again.`,
    }),
    example: { file: 'uncloud.jsonl', dump: '0012_payments', database: '0016_services' },
  }),
  DATABASE_NOT_EMPTY: define<{ database: string; tables: string[] }>({
    when: 'A dump is to be loaded into a database that holds something already.',
    say: ({ database, tables }) => ({
      message: `The database ${database} is not empty: there are rows in ${tables.join(', ')}.`,
      hint: 'Load into a fresh one: uncloud migrate --database URL, then uncloud db load FILE --database URL.',
      data: { tables },
    }),
    example: { database: 'sqlite:uncloud.db', tables: ['users', 'orders'] },
  }),
  NOT_TEST_DATA: define<{ database: string; username: string }>({
    when: '`db seed` is run on a database with users that it did not make.',
    say: ({ database, username }) => ({
      message: `The database ${database} holds more than test data: the user ${quote(username)} is no made-up one.`,
      hint: 'Seed another database: uncloud migrate --database URL, then uncloud db seed --database URL.',
    }),
    example: { database: 'postgres://db.example.net/uncloud', username: 'nico' },
  }),
  OUTPUT_NEEDED: define<{ command: string }>({
    when: 'A command that writes data to standard output is run with --json, whose document goes there.',
    exit: EXIT.USAGE,
    say: ({ command }) => ({
      message: 'Standard output cannot hold both the data and the --json document.',
      hint: `Write the data to a file: uncloud ${command} --json --output FILE`,
    }),
    example: { command: 'db dump' },
  }),
  // ── signals ────────────────────────────────────────────────────────────────────────────────────────────
  INTERRUPTED: define<Record<never, never>>({
    when: 'The command is ended by SIGINT, which Ctrl-C sends.',
    exit: EXIT.INTERRUPTED,
    say: () => ({
      message: 'Interrupted: finished work stays, unfinished work is rolled back.',
      hint: 'If any is left, running the command again completes it.',
    }),
    example: {},
  }),
  TERMINATED: define<Record<never, never>>({
    when: 'The command is ended by SIGTERM, as `kill`, `timeout` and a shutdown send it.',
    exit: EXIT.TERMINATED,
    say: () => ({
      message: 'Terminated: finished work stays, unfinished work is rolled back.',
      hint: 'If any is left, running the command again completes it.',
    }),
    example: {},
  }),
  // ── directory ──────────────────────────────────────────────────────────────────────────────────────────
  LDAP_NOT_CONFIGURED: define<Record<never, never>>({
    when: 'A command that reads a directory is run, and ldap.url is empty.',
    say: () => ({
      message: 'No directory is configured: ldap.url is empty.',
      hint: 'Set [ldap] in the configuration: uncloud config init writes an example, docs/people.md explains it. Then try it with: uncloud ldap check',
    }),
    example: {},
  }),
  INVALID_LDAP_SETTING: define<{ key: string; fault: string; cure?: string }>({
    when: 'A setting of the section [ldap] cannot be used, or does not go with another one.',
    say: ({ key, fault, cure = 'docs/people.md shows a whole example.' }) => ({
      message: `${key} ${fault}.`,
      hint: `See where it was set with: uncloud config show --origin; ${cure}`,
      data: { key },
    }),
    example: {
      key: 'ldap.url',
      fault: 'is plain ldap:// to another machine, which would show the password to the network',
      cure: 'write ldaps://ldap.example.net, or set ldap.start_tls = true.',
    },
  }),
  LDAP_UNREACHABLE: define<{ url: string; reason: string }>({
    when: 'The directory does not answer, not in time, not to the end, or says that it is busy. Nothing is changed.',
    exit: EXIT.TRY_AGAIN,
    say: ({ url, reason }) => ({
      message: `The directory ${quote(url)} cannot be read now: ${reason}.`,
      hint: 'Nothing was changed; try again later. Check ldap.url, the server and the way to it; ldap.timeout_seconds gives it more time.',
    }),
    example: { url: 'ldaps://ldap.example.net', reason: 'the connection was refused' },
  }),
  LDAP_TLS: define<{ url: string; reason: string }>({
    when: 'There is no TLS with the directory, or its certificate cannot be verified. No password was sent.',
    say: ({ url, reason }) => ({
      message: `There is no safe connection to the directory ${quote(url)}: ${reason}.`,
      hint: 'No password was sent. Check the host in ldap.url, the certificate of the server, and its authority in ldap.ca_file.',
    }),
    example: { url: 'ldaps://ldap.example.net', reason: 'the certificate has expired' },
  }),
  LDAP_LOGIN: define<{ url: string; bindDn: string | null; reason: string }>({
    when: 'The directory refuses the bind: a wrong name or password, or it takes no such login.',
    say: ({ url, bindDn, reason }) => ({
      message:
        bindDn === null
          ? `The directory ${quote(url)} refuses an anonymous search: ${reason}.`
          : `The directory ${quote(url)} refuses the bind as ${quote(bindDn)}: ${reason}.`,
      hint: `${
        bindDn === null
          ? 'Set ldap.bind_dn and ldap.bind_password_file'
          : 'Check ldap.bind_dn and the password in ldap.bind_password_file'
      }, then try: uncloud ldap check`,
    }),
    example: {
      url: 'ldaps://ldap.example.net',
      bindDn: 'cn=uncloud,dc=example,dc=net',
      reason: 'invalid credentials (49)',
    },
  }),
  LDAP_ANONYMOUS: define<{ url: string; bindDn: string }>({
    when: '`ldap check` finds that the directory takes the bind and yet treats us as nobody.',
    say: ({ url, bindDn }) => ({
      message: `The directory ${quote(url)} takes the bind as ${quote(bindDn)} and yet treats us as nobody.`,
      hint: 'Such a login sees what anybody sees: look at the rules of the server for that name.',
    }),
    example: { url: 'ldaps://ldap.example.net', bindDn: 'cn=uncloud,dc=example,dc=net' },
  }),
  LDAP_PROTOCOL: define<{ url: string; reason: string }>({
    when: 'What answers is no LDAP server, or breaks the rules of LDAP, or sends more than it was asked for.',
    say: ({ url, reason }) => ({
      message: `The directory ${quote(url)} does not answer as an LDAP server should: ${reason}.`,
      hint: 'Check host and port in ldap.url: usually ldaps:// is port 636, and ldap:// with ldap.start_tls port 389.',
    }),
    example: { url: 'ldaps://ldap.example.net', reason: 'it announces a message of 2147483647 bytes' },
  }),
  LDAP_REFERRAL: define<{ url: string; target: string }>({
    when: 'The directory points to another server. Referrals are not followed: people behind one would seem gone.',
    say: ({ url, target }) => ({
      message: `The directory ${quote(url)} refers to ${quote(target)}, and referrals are not followed.`,
      hint: 'Name a server that holds all people itself in ldap.url, or a deeper ldap.base_dn.',
    }),
    example: { url: 'ldaps://ldap.example.net', target: 'ldap://ldap-2.example.net/dc=example,dc=net' },
  }),
  LDAP_NO_ENTRY: define<{ url: string; key: string; dn: string; isAnonymous: boolean }>({
    when: 'The place that is searched, or the group of the staff, is not in the directory, or may not be seen.',
    say: ({ url, key, dn, isAnonymous }) => ({
      message: `The directory ${quote(url)} shows no entry ${quote(dn)}, which ${key} names.`,
      hint: `Correct ${key}, or ${
        isAnonymous
          ? 'set ldap.bind_dn: an anonymous search is not shown everything.'
          : 'let ldap.bind_dn read that entry.'
      }`,
      data: { key },
    }),
    example: {
      url: 'ldaps://ldap.example.net',
      key: 'ldap.base_dn',
      dn: 'ou=people,dc=example,dc=net',
      isAnonymous: false,
    },
  }),
  LDAP_REFUSED: define<{ url: string; base: string; reason: string }>({
    when: 'The directory refuses a search: a limit of its own, no right, or a filter that it does not take.',
    say: ({ url, base, reason }) => ({
      message: `The directory ${quote(url)} refuses the search below ${quote(base)}: ${reason}.`,
      hint: 'Nothing was changed. Let ldap.bind_dn read all that is there, in pages of 1,000 and without a limit of size (OpenLDAP: size=unlimited size.pr=unlimited size.prtotal=unlimited).',
    }),
    example: {
      url: 'ldaps://ldap.example.net',
      base: 'ou=people,dc=example,dc=net',
      reason: 'size limit exceeded (4)',
    },
  }),
  NOT_IN_DIRECTORY: define<{ username: string; baseDn: string; filter: string }>({
    when: '`bootstrap-user` or `ldap check` names somebody whom the directory does not know.',
    say: ({ username, baseDn, filter }) => ({
      message: `The directory has nobody called ${quote(username)} below ${quote(baseDn)} with ${filter}.`,
      hint: 'See who is found with: uncloud ldap check; for a user outside the directory add --no-ldap to bootstrap-user.',
      data: { field: 'username' },
    }),
    example: {
      username: 'nicco',
      baseDn: 'ou=people,dc=example,dc=net',
      filter: '(&(objectClass=inetOrgPerson)(uid=nicco))',
    },
  }),
  LOGIN_TWICE: define<{ username: string; dns: readonly string[] }>({
    when: 'Two entries of the directory have the same login, so neither can be the user.',
    say: ({ username, dns }) => ({
      message: `The login ${quote(username)} has more than one entry: ${dns.slice(0, 3).map(quote).join(', ')}.`,
      hint: 'Remove one of them, or leave it out with ldap.base_dn or ldap.user_filter.',
      data: { field: 'username', username },
    }),
    example: {
      username: 'nico',
      dns: ['uid=nico,ou=people,dc=example,dc=net', 'uid=nico,ou=former,dc=example,dc=net'],
    },
  }),
  LOGIN_TAKEN: define<{
    username: string;
    dn: string;
    current: string | null;
    holder: 'has an entry' | 'has none' | 'entry is gone';
  }>({
    when: 'An entry has the login of a user who is somebody else; usernames are unique.',
    say: ({ username, dn, current, holder }) => ({
      message:
        `The entry ${quote(dn)} has the login ${quote(username)}, which another user ` +
        `${{ 'has an entry': 'has', 'has none': 'has who is not in the directory', 'entry is gone': 'has whose entry is gone' }[holder]}` +
        `${current === null ? '' : `; its own user stays ${quote(current)}`}.`,
      hint:
        holder === 'has an entry'
          ? `Look at both with: uncloud user show ${username}; then change the login of one entry.`
          : `Give the other user another name: uncloud user update ${username} --username NEW`,
      data: { field: 'username', username },
    }),
    example: {
      username: 'nico',
      dn: 'uid=nico,ou=people,dc=example,dc=net',
      current: 'nico.s',
      holder: 'entry is gone',
    },
  }),
  ENTRY_REPLACED: define<{ username: string; dn: string }>({
    when: "A user's entry is gone and another one has its login: the same person made anew, or another person.",
    say: ({ username, dn }) => ({
      message: `${quote(dn)} is another entry than the one that ${quote(username)} came from.`,
      hint: `If it is the same person: uncloud bootstrap-user --username ${username} --relink; if not: uncloud user update ${username} --username NEW`,
      data: { field: 'username', username },
    }),
    example: { username: 'nico', dn: 'uid=nico,ou=people,dc=example,dc=net' },
  }),
  ENTRY_WITHOUT_ID: define<{ dn: string }>({
    when: 'An entry has no entryUUID (RFC 4530), by which it is known again after it was renamed or moved.',
    say: ({ dn }) => ({
      message: `The entry ${quote(dn)} shows no entryUUID.`,
      hint: 'Let ldap.bind_dn read the operational attribute entryUUID; nobody becomes inactive until then.',
    }),
    example: { dn: 'uid=nico,ou=people,dc=example,dc=net' },
  }),
  ENTRY_WITHOUT_LOGIN: define<{ dn: string; attribute: string }>({
    when: 'An entry has no value in the attribute that holds the login.',
    say: ({ dn, attribute }) => ({
      message: `The entry ${quote(dn)} shows no ${attribute}.`,
      hint: 'Let ldap.bind_dn read that attribute, or name another one with ldap.login_attribute.',
    }),
    example: { dn: 'cn=Nico,ou=people,dc=example,dc=net', attribute: 'uid' },
  }),
  SYNC_BRAKED: define<{ command: 'user sync' | 'group sync'; loss: string; lost: number; of: number }>({
    when: 'A sync would take away all of three or more users, groups, or members of groups, or more than ten and more than half; or staff likewise.',
    say: ({ command, loss, lost, of }) => ({
      message: `Nothing was changed: the directory would take away ${lost} of ${of} ${loss}.`,
      hint: `See which with: uncloud ${command} --prune --dry-run; if that is meant, run it without --dry-run.`,
      data: { lost, of },
    }),
    example: { command: 'user sync', loss: 'active users', lost: 200, of: 256 },
  }),
  ENTRY_WITHOUT_NAME: define<{ dn: string; attribute: string }>({
    when: 'The entry of a group has no value in the attribute that holds its name.',
    say: ({ dn, attribute }) => ({
      message: `The entry ${quote(dn)} shows no ${attribute}.`,
      hint: 'Let ldap.bind_dn read that attribute, or name another one with ldap.group_name_attribute.',
    }),
    example: { dn: 'ou=research,ou=groups,dc=example,dc=net', attribute: 'cn' },
  }),
  GROUP_TWICE: define<{ name: string; dns: readonly string[] }>({
    when: 'Two entries of the directory name a group alike, so neither can be the group.',
    say: ({ name, dns }) => ({
      message: `The group ${quote(name)} has more than one entry: ${dns.slice(0, 3).map(quote).join(', ')}.`,
      hint: 'Rename one of them, or leave it out with ldap.group_base_dn or ldap.group_filter.',
      data: { group: name },
    }),
    example: {
      name: 'research',
      dns: ['cn=research,ou=groups,dc=example,dc=net', 'cn=research,ou=former,dc=example,dc=net'],
    },
  }),
  GROUP_TAKEN: define<{ name: string; dn: string; holder: string | null }>({
    when: 'An entry of the directory names a group as one that was made by hand, or came from another entry.',
    say: ({ name, dn, holder }) => ({
      message:
        `The entry ${quote(dn)} is named ${quote(name)}, as the group ` +
        `${holder === null ? 'that was made by hand' : `that came from ${quote(holder)}`}.`,
      hint: `Rename one of them; the group here with: uncloud group update ${shellWord(name)} --name NEW`,
      data: { group: name },
    }),
    example: { name: 'research', dn: 'cn=research,ou=groups,dc=example,dc=net', holder: null },
  }),
  GROUP_WITHOUT_OWNER: define<{ name: string; dn: string }>({
    when: 'A group of the directory is new, and none of its owners there is a user here.',
    say: ({ name, dn }) => ({
      message: `The entry ${quote(dn)} has no owner who is a user here, and a new group needs one.`,
      hint: 'Name an owner for all such groups with: uncloud group sync --owner USER',
      data: { group: name },
    }),
    example: { name: 'research', dn: 'cn=research,ou=groups,dc=example,dc=net' },
  }),

  // ── products ───────────────────────────────────────────────────────────────────────────────────────────
  INVALID_PRICE_OPTION: define<{ text: string }>({
    when: 'A price of a product is not written PERIOD=ONE_TIME+RECURRING.',
    say: ({ text }) => ({
      message: `${quote(text)} is not a price with its period.`,
      hint: 'Write PERIOD=ONE_TIME+RECURRING: 30d=1+10 is 1 at the start and 10 for each 30 days.',
    }),
    example: { text: '30d=10' },
  }),
  INVALID_PRODUCT_PRICES: define<{ fault: string }>({
    when: 'A product is to have no price, two prices for one period, or a recurring price with the period once.',
    exit: EXIT.USAGE,
    say: ({ fault }) => ({
      message: `${fault}.`,
      hint: 'Give --period, --recurring-price and --one-time-price, or --price PERIOD=ONE_TIME+RECURRING for each period.',
    }),
    example: { fault: 'A product needs a price' },
  }),
  PRODUCT_EXISTS: define<{ name: string; differences: string[] }>({
    when: 'A product of that name exists with another description or other prices.',
    say: ({ name, differences }) => ({
      message: `The product ${quote(name)} exists already and differs in ${differences.join(', ')}.`,
      hint: 'Orders copy prices, so give a new price a new product: choose another name. See: uncloud product list',
      data: { differences },
    }),
    example: {
      name: 'VM',
      differences: ['the price for 30d (stored: 0.00+10.50 CHF by default; asked for: none)'],
    },
  }),
  UNKNOWN_PRODUCT: define<{ name: string }>({
    when: 'There is no product of that name.',
    say: ({ name }) => ({
      message: `There is no product ${quote(name)}.`,
      hint: 'See all with: uncloud product list; create one with: uncloud product create NAME',
      data: { field: 'product' },
    }),
    example: { name: 'VMs' },
  }),

  // ── VAT rates ──────────────────────────────────────────────────────────────────────────────────────────
  VAT_FILE_REFUSED: define<{
    file: string;
    refused: readonly [VatFileFault, ...VatFileFault[]];
    faults: number;
  }>({
    when: 'Rows of a file of VAT rates are faulty, contradict each other or overlap; nothing is imported.',
    say: ({ file, refused: [first, ...others], faults }) => ({
      message:
        `${quote(file)}, line ${first.line}, ${first.column}: ${first.reason}` +
        (faults === 1 ? '' : ` The file has ${faults - 1} more ${faults === 2 ? 'fault' : 'faults'}.`),
      hint: 'Nothing was imported. Correct the file and import it again; up to 100 faults are listed.',
      data: { refused: [first, ...others], faults },
    }),
    example: {
      file: 'vat_rates.csv',
      refused: [
        {
          line: 3,
          column: 'rate',
          value: '19',
          reason: '"19" is not a VAT rate; write a fraction with at most four decimals, 0.19 for 19 %.',
        },
      ],
      faults: 1,
    },
  }),
  VAT_HISTORY_CHANGE: define<{ changes: readonly [VatHistoryChange, ...VatHistoryChange[]] }>({
    when: 'An import would change or end a VAT rate that applied on a day that is already past.',
    say: ({ changes: [first, ...others] }) => ({
      message:
        `The import would change a VAT rate of the past: ${first.territory} from ${first.from} to ${first.to} ` +
        `was ${first.stored} and would ${first.incoming === null ? 'have none' : `be ${first.incoming}`}` +
        (others.length === 0 ? '.' : `, and ${others.length} more.`),
      hint: 'Bills already made keep their rates. To change history, add --allow-history-change.',
      data: { changes: [first, ...others] },
    }),
    example: {
      changes: [
        {
          territory: 'AT',
          rate_type: 'standard',
          from: '1984-01-01',
          to: '2026-01-01',
          stored: '0.2',
          incoming: '0.21',
        },
      ],
    },
  }),
  // ── placing orders ─────────────────────────────────────────────────────────────────────────────────────
  UNKNOWN_ORDER: define<{ key: number | string }>({
    when: 'There is no order with that id or reference.',
    say: ({ key }) => ({
      message: `There is no order ${typeof key === 'number' ? key : `with the reference ${quote(key)}`}.`,
      hint: `See all with: uncloud order list${typeof key === 'number' ? `; a reference is written ref:${key}` : ''}`,
    }),
    example: { key: 'nico-vm' },
  }),
  INCOMPLETE_ORDER: define<{ field: string; missing: string }>({
    when: 'An order has no product, and not all that a product would give.',
    exit: EXIT.USAGE,
    say: ({ field, missing }) => ({
      message: `An order without a product needs ${missing}.`,
      hint: 'Name a product, or give period, recurring price (or one-time price) and currency.',
      data: { field },
    }),
    example: { field: 'currency', missing: 'a currency' },
  }),
  UNKNOWN_PRODUCT_PRICE: define<{ product: string; period: string | null; periods: readonly string[] }>({
    when: 'A product is ordered with a period that it has no price for, or without a period and it has no default.',
    say: ({ product, period, periods }) => ({
      message: `The product ${quote(product)} has no ${period === null ? 'default price' : `price for ${period}`}.`,
      hint: `Name a period that it has: ${periods.join(', ')}. See: uncloud product list`,
      data: { field: 'period', periods },
    }),
    example: { product: 'VM', period: 'hour', periods: ['30d', '365d'] },
  }),
  REFERENCE_TAKEN: define<{ reference: string; order: number; fields: readonly string[] }>({
    when: 'A reference belongs to an order with other content; an order is never changed by repeating it.',
    say: ({ reference, order, fields }) => ({
      message:
        `The reference ${quote(reference)} belongs to order ${order}` +
        `${fields.length === 0 ? '' : `, which differs in ${fields.join(', ')}`}.`,
      hint: `Choose another reference, or change the order with: uncloud order replace ${order}`,
      data: { field: fields[0] ?? 'reference', fields, order },
    }),
    example: { reference: 'nico-vm', order: 7, fields: ['quantity', 'recurring_price'] },
  }),

  // ── orders and bills ───────────────────────────────────────────────────────────────────────────────────
  INVALID_PERIOD: define<{ text: string }>({
    when: 'A recurring period is neither one of the names nor a number of seconds up to 2,147,483,647.',
    say: ({ text }) => ({
      message: `${quote(text)} is not a recurring period.`,
      hint: 'Write 365d, 30d, week, day, hour, minute, second, once or seconds; months have no fixed length.',
    }),
    example: { text: 'month' },
  }),
  UNKNOWN_COUNTRY: define<{ country: string }>({
    when: 'A country is not an ISO 3166-1 alpha-2 code.',
    say: ({ country }) => ({
      message: `${quote(country)} is not a country code.`,
      hint: 'Use two letters of ISO 3166-1, for example CH, DE or GR.',
    }),
    example: { country: 'Switzerland' },
  }),
  INVALID_TERRITORY: define<{ territory: string }>({
    when: 'A VAT territory is not a country code, alone or with a postal code or subdivision after a hyphen.',
    say: ({ territory }) => ({
      message: `${quote(territory)} is not a VAT territory.`,
      hint: 'Write a country or a part of it, for example AT or AT-6691; `uncloud vat-rate list` shows the known ones.',
    }),
    example: { territory: 'Tyrol' },
  }),
  INVALID_VAT_RATE: define<{ text: string }>({
    when: 'A VAT rate is not a fraction from 0 up to below 1 with at most four decimals.',
    say: ({ text }) => ({
      message: `${quote(text)} is not a VAT rate.`,
      hint: 'Write a fraction with at most four decimals: 19 % is 0.19, 25.5 % is 0.255.',
    }),
    example: { text: '19' },
  }),
  INVALID_ORDER: define<{ field: string; fault: string }>({
    when: 'A field of an order breaks a rule: a quantity below 1, an end before the start, an unknown predecessor.',
    say: ({ field, fault }) => ({
      message: `The order's ${field} ${fault}.`,
      hint: 'Correct that field; `uncloud order create --help` shows the rules. A stored order is left out of billing with `uncloud order update ID --not-for-billing`.',
      data: { field },
    }),
    example: { field: 'quantity', fault: 'is 0, and must be a whole number from 1 to 2147483647' },
  }),
  PRICE_TOO_SMALL: define<{ price: string; currency: string }>({
    when: 'A positive recurring price, times the quantity, rounds to nothing for a whole period.',
    say: ({ price, currency }) => ({
      message: `${price} ${currency} for a whole period rounds to nothing.`,
      hint: 'Choose a longer --period with a higher --recurring-price, or the price 0 for what is free.',
      data: { field: 'recurring_price' },
    }),
    example: { price: '0.0049', currency: 'CHF' },
  }),
  REPLACEMENT_CYCLE: define<{ order: number | string }>({
    when: 'Following what an order replaces leads back to the same order.',
    say: ({ order }) => ({
      message: `Order ${orderName(order)} replaces itself, directly or over other orders.`,
      hint:
        typeof order === 'number'
          ? `Look at the chain with \`uncloud order show ${order}\` and correct the order that replaces a newer one.`
          : 'Correct the row that replaces a newer one.',
      data: { field: 'replaces' },
    }),
    example: { order: 7 },
  }),
  CURRENCY_MISMATCH: define<{ order: number | string; currency: string; other: string }>({
    when: 'An order is to be replaced by one in another currency.',
    say: ({ order, currency, other }) => ({
      message: `Order ${orderName(order)} is in ${currency} and cannot be replaced by one in ${other}.`,
      hint: `End it with \`uncloud order cancel ${orderWord(order)}\` and place a new one with \`uncloud order create\`.`,
      data: { field: 'currency' },
    }),
    example: { order: 7, currency: 'CHF', other: 'EUR' },
  }),
  ORDER_UNCHANGED: define<{ order: number }>({
    when: 'An order is to be replaced by one with the same terms.',
    say: ({ order }) => ({
      message: `Order ${order} has these terms already: its replacement would be the same order once more.`,
      hint: `See them with \`uncloud order show ${order}\`, and say what changes, for example: uncloud order replace ${order} --quantity 2`,
      data: { order },
    }),
    example: { order: 7 },
  }),
  ORDER_REPLACED: define<{ order: number | string; successor: number | string }>({
    when: 'An order that was replaced already is replaced again.',
    say: ({ order, successor }) => ({
      message: `Order ${orderName(order)} is replaced by order ${orderName(successor)} already.`,
      hint:
        typeof successor === 'number'
          ? `Replace that one with: uncloud order replace ${successor}; or take it back with: uncloud order cancel ${successor}`
          : 'Let one of the rows replace the other, or none.',
      data: { field: 'replaces', order, replaced_by: successor },
    }),
    example: { order: 1, successor: 2 },
  }),
  ORDERS_OVERLAP: define<{ order: number | string; end: string; start: string }>({
    when: 'An order would go on after the start of the one that replaces it, and both would be billed.',
    say: ({ order, end, start }) => ({
      message: `Order ${orderName(order)} ends at ${end}, after the start of the order that replaces it, ${start}.`,
      hint: `Let it end there, in its row of the file or with \`uncloud order update ${orderWord(order)} --ends-at ${start}\`; an order that is to run beside it replaces none.`,
      data: { field: 'replaces' },
    }),
    example: { order: 7, end: '2025-03-01T00:00:00Z', start: '2025-02-01T00:00:00Z' },
  }),
  ORDER_ENDED: define<{ order: number; end: string }>({
    when: 'An order that has ended is to be cancelled or replaced.',
    say: ({ order, end }) => ({
      message: `Order ${order} ended at ${end}.`,
      hint: `Place a new order with \`uncloud order create\`, or move its end with: uncloud order update ${order} --ends-at TIME`,
    }),
    example: { order: 7, end: '2025-01-31T00:00:00Z' },
  }),
  ORDER_CHANGED: define<{ order: number; record: number; field: string }>({
    when: 'A bill record was made from other terms than its order has now; the terms of an order never change.',
    say: ({ order, record, field }) => ({
      message: `The ${field} of order ${order} differs from what its bill record ${record} was made with.`,
      hint: 'Somebody wrote to the database directly: restore the order, then find all faults with `uncloud bill verify`.',
      data: { order, record, field },
    }),
    example: { order: 7, record: 42, field: 'unit price' },
  }),
  BILL_TOO_LARGE: define<{ currency: string }>({
    when: 'An amount on a bill would be beyond ±9,007,199,254,740,991 of the smallest unit of its currency.',
    say: ({ currency }) => ({
      message: `The bill in ${currency} would have amounts too large to be stored exactly.`,
      hint: 'Bill in steps with an earlier `uncloud bill generate --until`, or look at the prices: `uncloud order list --user USERNAME`.',
    }),
    example: { currency: 'CHF' },
  }),
  TOO_MANY_PERIODS: define<{ order: number; limit: number }>({
    when: 'One run would create more than 10,000 bill records for one order.',
    say: ({ order, limit }) => ({
      message: `Order ${order} has more than ${limit} records to bill in one run.`,
      hint: 'Bill it in steps with an earlier `uncloud bill generate --until`, or choose a longer period.',
    }),
    example: { order: 7, limit: 10_000 },
  }),
  MISSING_COUNTRY: define<Record<never, never>>({
    when: 'A user without a country in the billing address has something to be billed.',
    say: () => ({
      message: 'The billing address has no country, so the VAT cannot be decided.',
      hint: 'Set it with `uncloud user update USERNAME --country CC`.',
    }),
    example: {},
  }),
  MISSING_VAT_RATE: define<{ territory: string; day: string }>({
    when: 'A supply needs a VAT rate that the table does not have for that day.',
    say: ({ territory, day }) => ({
      message: `There is no VAT rate for ${quote(territory)} on ${day}.`,
      hint: 'Import the rates with `uncloud import-vat-rates`; `uncloud vat-rate list --territory` shows what is known.',
      data: { territory, day },
    }),
    example: { territory: 'CH', day: '2015-06-01' },
  }),
  SELLER_NOT_REGISTERED: define<{ country: string }>({
    when: 'VAT is due in a country of the buyer where the provider is neither registered nor covered by the One Stop Shop.',
    say: ({ country }) => ({
      message: `The provider must charge the VAT of ${country} but is not registered for it.`,
      hint: `Enter the registration with \`uncloud provider set --oss\` or \`--registered-in ${country}\`.`,
      data: { country },
    }),
    example: { country: 'DE' },
  }),
  PROVIDER_INCOMPLETE: define<Record<never, never>>({
    when: 'There is something to bill and the provider has no name or no country yet.',
    say: () => ({
      message: 'A bill needs the name and the country of the provider.',
      hint: 'Set them with `uncloud provider set --name NAME --country CC`.',
    }),
    example: {},
  }),
  DRAFT_PENDING: define<{ id: number }>({
    when: 'A user has a bill that is still a draft, so nothing new can be billed.',
    say: ({ id }) => ({
      message: `The user has a draft bill with the id ${id}.`,
      hint: `Finish it with \`uncloud bill close ${id}\` or drop it with \`uncloud bill discard ${id}\`; \`uncloud bill list --drafts\` shows all.`,
    }),
    example: { id: 7 },
  }),
  ISSUE_DATE_TAKEN: define<{ at: string; currency: string }>({
    when: 'A user has something new to be billed at an instant that already has a bill in the same currency.',
    say: ({ at, currency }) => ({
      message: `The user already has a bill in ${currency} issued at ${at}.`,
      hint: 'Run again with a later instant: `uncloud bill generate --until T`, or `uncloud bill close ID --at T` for a draft.',
    }),
    example: { at: '2025-02-01T00:00:00Z', currency: 'CHF' },
  }),
  ISSUE_DATE_BEFORE_LAST_BILL: define<{ at: string; last: string }>({
    when: 'Bills are to be issued at an instant before the newest bill of anybody; numbers rise with issue dates.',
    say: ({ at, last }) => ({
      message: `Bills cannot be issued at ${at}: the newest one was issued at ${last}.`,
      hint: `Use ${last} or later: \`uncloud bill generate --until ${last}\`, or \`uncloud bill close ID --at ${last}\` for a draft.`,
    }),
    example: { at: '2025-01-01T00:00:00Z', last: '2025-02-01T00:00:00Z' },
  }),
  // ── bills ──────────────────────────────────────────────────────────────────────────────────────────────
  ISSUE_DATE_IN_FUTURE: define<{ at: string; now: string }>({
    when: 'Bills are to be issued at an instant that is still to come.',
    say: ({ at, now }) => ({
      message: `Bills cannot be issued at ${at}: it is only ${now}.`,
      hint: `See what there will be with \`uncloud bill generate --until ${at} --dry-run\`.`,
    }),
    example: { at: '2030-01-01T00:00:00Z', now: '2026-01-01T00:00:00Z' },
  }),
  ISSUE_DATE_BEFORE_DRAFT: define<{ id: number; at: string; own: string }>({
    when: 'A draft is to be issued at an instant before the one up to which it charges.',
    say: ({ id, at, own }) => ({
      message: `Draft ${id} charges what was due at ${own} and cannot be issued earlier, at ${at}.`,
      hint: `Close it as it is with \`uncloud bill close ${id}\`, or with a later --at.`,
    }),
    example: { id: 7, at: '2025-01-01T00:00:00Z', own: '2025-02-01T00:00:00Z' },
  }),
  INVALID_BILL_NUMBER: define<{ text: string }>({
    when: 'A bill is named neither by its number nor by `id:` and its id.',
    say: ({ text }) => ({
      message: `${quote(text)} is not the number of a bill.`,
      hint: 'Write the number, for example 12, or id:7 for a draft; `uncloud bill list` shows both.',
    }),
    example: { text: 'draft' },
  }),
  UNKNOWN_BILL: define<{ bill: string }>({
    when: 'There is no bill with that number or id.',
    say: ({ bill }) => ({
      message: `There is no bill ${bill}.`,
      hint: 'List the bills with: uncloud bill list',
      data: { bill },
    }),
    example: { bill: 'id:7' },
  }),
  BILL_ISSUED: define<{ id: number; number: number }>({
    when: 'A bill that has its number is to be closed or discarded; only drafts can be.',
    say: ({ id, number }) => ({
      message: `The bill with the id ${id} is issued: it has the number ${number} and does not change any more.`,
      hint: `Look at it with \`uncloud bill show ${number}\`; correct the orders, and the next bill credits the difference.`,
      data: { id, number },
    }),
    example: { id: 7, number: 12 },
  }),
  STDOUT_TAKEN: define<{ documents: number }>({
    when: 'More than one document would go to standard output; the one of --json counts.',
    exit: EXIT.USAGE,
    say: ({ documents }) => ({
      message: `Standard output takes one document, not ${documents}.`,
      hint: 'Export one bill, or one journal, without --json, or give a folder with --output.',
    }),
    example: { documents: 2 },
  }),
  // ── documents of bills ────────────────────────────────────────────────────────────────────────────────
  SELECTION_UNCLEAR: define<{ both: boolean }>({
    when: 'A command says neither which bills by their names nor by a filter, or it says both.',
    exit: EXIT.USAGE,
    say: ({ both }) => ({
      message: both
        ? 'Bills are named one by one, and at the same time chosen by a filter.'
        : 'It is not said which bills are meant.',
      hint: 'Name them, or choose them with --all, --user, --from, --to or --currency; `uncloud bill list` shows them, with --drafts only drafts.',
    }),
    example: { both: false },
  }),
  DRAFT_NOT_ISSUED: define<{ id: number }>({
    when: 'A draft is to become a document that only an issued bill can be: an electronic invoice or a journal.',
    say: ({ id }) => ({
      message: `The bill with the id ${id} is a draft: it has no number yet.`,
      hint: `Issue it first with: uncloud bill close ${id}`,
      data: { id },
    }),
    example: { id: 7 },
  }),
  E_INVOICE_INCOMPLETE: define<{
    number: number;
    party: 'seller' | 'buyer';
    username: string;
    rule: string;
  }>({
    when: 'A bill does not say what an electronic invoice has to say. Bills do not change: it helps the bills to come.',
    say: ({ number, party, username, rule }) => ({
      message: `Bill ${number} cannot be an electronic invoice: it has no VAT number of the ${party} (EN 16931, ${rule}).`,
      hint:
        party === 'seller'
          ? 'Set it for the bills to come with: uncloud provider set --vat-number NUMBER'
          : `Set it for the bills to come with: uncloud user update ${shellWord(username)} --vat-number NUMBER`,
      data: { number, party, rule },
    }),
    example: { number: 12, party: 'seller', username: 'nico', rule: 'BR-S-02' },
  }),
  // ── payments ───────────────────────────────────────────────────────────────────────────────────────────
  INVALID_AMOUNT: define<{ amount: string; currency: string; decimals: number }>({
    when: 'An amount of money has more decimals than its currency.',
    say: ({ amount, currency, decimals }) => ({
      message: `${amount} ${currency} cannot be paid: the currency has ${decimals === 0 ? 'no' : decimals} decimals.`,
      hint: 'Give the amount that was paid, as the bank shows it.',
      data: { field: 'amount' },
    }),
    example: { amount: '10.005', currency: 'CHF', decimals: 2 },
  }),
  BILL_NOT_ISSUED: define<{ id: number }>({
    when: 'A payment is to be recorded for a draft.',
    say: ({ id }) => ({
      message: `Bill id:${id} is a draft, for which nobody can pay yet.`,
      hint: `Issue it first: uncloud bill close ${id}`,
      data: { id },
    }),
    example: { id: 7 },
  }),
  PAYMENT_NOTHING: define<Record<never, never>>({
    when: 'A payment of nothing is to be recorded.',
    say: () => ({
      message: 'The amount is 0, which is no payment.',
      hint: 'Give the amount that was paid; below zero it is money given back: --amount -10.00',
      data: { field: 'amount' },
    }),
    example: {},
  }),
  PAYMENT_TOO_LARGE: define<{ amount: string; currency: string }>({
    when: 'A bank statement shows a payment larger than any bill: its smallest units do not fit into 53 bits.',
    say: ({ amount, currency }) => ({
      message: `${amount} ${currency} is more than any bill can be.`,
      hint: 'Ask the bank whether the amount is right.',
      data: { field: 'amount' },
    }),
    example: { amount: '999999999999999999.00', currency: 'CHF' },
  }),
  PAYMENT_IN_FUTURE: define<{ day: string; today: string }>({
    when: 'A payment is to be recorded for a day that is still to come.',
    say: ({ day, today }) => ({
      message: `${day} is still to come: today is ${today} (UTC).`,
      hint: 'Give the day on which the money arrived.',
      data: { field: 'date' },
    }),
    example: { day: '2062-01-31', today: '2026-01-31' },
  }),
  PAYMENT_WRONG_WAY: define<{
    number: number;
    isCreditNote: boolean;
    paid: string;
    amount: string;
    currency: string;
  }>({
    when: 'More would be given back for an invoice than was received, or a credit note would be paid by the buyer.',
    say: ({ number, isCreditNote, paid, amount, currency }) => ({
      message: isCreditNote
        ? `Bill ${number} is a credit note with payments of ${paid} ${currency}; ${amount} ${currency} would be money received for it.`
        : `Bill ${number} has payments of ${paid} ${currency}; ${amount} ${currency} would give back more than that.`,
      hint: `Look at what was paid with: uncloud bill show ${number}`,
      data: { number, field: 'amount' },
    }),
    example: { number: 12, isCreditNote: false, paid: '5.00', amount: '-10.00', currency: 'CHF' },
  }),
  PAYMENT_DIFFERS: define<{ number: number; reference: string; stored: string; given: string }>({
    when: 'A bill has a payment with the same reference but another amount or day.',
    say: ({ number, reference, stored, given }) => ({
      message: `Bill ${number} has a payment ${quote(reference)} of ${stored}, not ${given}.`,
      hint: `Give another payment another reference; take a mistake back with a payment of a negative amount. See the payments with: uncloud payment list --bill ${number}`,
      data: { number, field: 'reference' },
    }),
    example: {
      number: 12,
      reference: 'ZV1',
      stored: '10.00 CHF on 2026-01-31',
      given: '5.00 CHF on 2026-01-31',
    },
  }),
  PAYMENT_REPEATED: define<{ reference: string; firstLine: number }>({
    when: "Two entries of a bank statement have the same bank's reference and pay the same bill.",
    say: ({ reference, firstLine }) => ({
      message: `The reference ${quote(reference)} stands in line ${firstLine} too: it may be the same payment or another one.`,
      hint: 'Ask the bank; record another payment by hand: uncloud payment record BILL --amount A --date DAY --reference R',
    }),
    example: { reference: 'ZV1', firstLine: 40 },
  }),
  PAYMENT_WITHOUT_REFERENCE: define<Record<never, never>>({
    when: 'An entry of a bank statement has no structured reference, so nobody knows what it pays.',
    say: () => ({
      message: 'It has no structured reference.',
      hint: 'Record it by hand: uncloud payment record BILL --amount A --date DAY --reference R',
    }),
    example: {},
  }),
  SEVERAL_REFERENCES: define<{ references: readonly string[] }>({
    when: 'An entry of a bank statement has several references, so it pays several bills.',
    say: ({ references }) => ({
      message: `It has several references: ${references.map(quote).join(', ')}.`,
      hint: 'Record a payment for each bill: uncloud payment record BILL --amount A --date DAY --reference R',
    }),
    example: { references: ['RF6412', 'RF3713'] },
  }),
  FOREIGN_REFERENCE: define<{ reference: string }>({
    when: 'The reference of an entry of a bank statement is not one that stands on our bills.',
    say: ({ reference }) => ({
      message: `${quote(reference)} is not a reference of a bill.`,
      hint: 'Record it by hand when it pays a bill: uncloud payment record BILL --amount A --date DAY --reference R',
    }),
    example: { reference: '210000000003139471430009017' },
  }),
  PAYMENT_CURRENCY: define<{ number: number; currency: string; other: string }>({
    when: 'A payment is in another currency than the bill that it names.',
    say: ({ number, currency, other }) => ({
      message: `Bill ${number} is in ${currency}, and the payment in ${quote(other)}.`,
      hint: `Record what the bank made of it in ${currency}: uncloud payment record ${number} --amount A --date DAY --reference R`,
    }),
    example: { number: 12, currency: 'CHF', other: 'EUR' },
  }),
  STATEMENT_DETAILS: define<Record<never, never>>({
    when: 'The transactions of an entry of a bank statement do not add up to the amount that was booked.',
    say: () => ({
      message: 'Its transactions do not add up to the amount that was booked.',
      hint: 'Ask the bank for the details; record it by hand: uncloud payment record BILL --amount A --date DAY --reference R',
    }),
    example: {},
  }),
  NOT_A_STATEMENT: define<{ file: string; found: string }>({
    when: 'A file of XML is not a bank statement camt.053 of a version that is known.',
    say: ({ file, found }) => ({
      message: `${quote(file)} is not a bank statement: its root is ${found}.`,
      hint: 'Ask the bank for camt.053 (ISO 20022), version 001.02, 001.04 or 001.08.',
    }),
    example: {
      file: 'statement.xml',
      found: '"Document" of "urn:iso:std:iso:20022:tech:xsd:camt.052.001.04"',
    },
  }),
  STATEMENT_FAULTY: define<{ file: string; line: number; reason: string }>({
    when: 'An entry of a bank statement lacks what every entry has, or has it in a form that the standard forbids.',
    say: ({ file, line, reason }) => ({
      message: `${quote(file)}, line ${line}: ${reason}.`,
      hint: 'Nothing was imported. Ask the bank for a statement that follows ISO 20022.',
      data: { line },
    }),
    example: { file: 'statement.xml', line: 40, reason: 'the entry has no Amt' },
  }),
  XML_MALFORMED: define<{ file: string; line: number; column: number; reason: string }>({
    when: 'A file is not well-formed XML, has a document type, or is larger or deeper in one place than any statement.',
    say: ({ file, line, column, reason }) => ({
      message: `${quote(file)}, line ${line}, column ${column}: ${reason}.`,
      hint: 'Nothing was imported. Get the file from the bank once more; do not edit it by hand.',
      data: { line, column },
    }),
    example: { file: 'statement.xml', line: 3, column: 12, reason: 'unexpected end' },
  }),
  XML_ENCODING: define<{ file: string; encoding: string; reason: string }>({
    when: 'The encoding that a file of XML declares is not known, or the file is not in it.',
    say: ({ file, encoding, reason }) => ({
      message: `${quote(file)} says that it is in ${quote(encoding)}, ${reason}.`,
      hint: 'Use UTF-8, UTF-16, ISO-8859-1, ISO-8859-15, Windows-1252 or US-ASCII, and declare the one that it is.',
      data: { encoding },
    }),
    example: { file: 'statement.xml', encoding: 'EBCDIC', reason: 'which is not read' },
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
