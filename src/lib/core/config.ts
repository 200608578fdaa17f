import { quote, refuse } from './errors.ts';
import { similarNames } from './similar-names.ts';

/** What a key of the configuration can hold. */
export type ConfigValue = string | number | boolean;

interface ConfigKey<Value extends ConfigValue> {
  readonly about: string;
  /** The value when no source gives one; null where it depends on who runs the program and where. */
  readonly fallback: Value | null;
  /** What the example file shows. */
  readonly example: Value;
  /** Checks a value from a TOML file, or from the environment as text. */
  readonly read: (value: unknown) => Value | Fault;
}

interface Fault {
  readonly fault: string;
}

/** Every key of the configuration, in the order of the example file: the one list behind reading, init and show. */
export const CONFIG_KEYS = {
  'database.url': text('Where the data is: sqlite:PATH or postgres://user@host/database', {
    fallback: null,
    example: 'postgres://uncloud@db.example.net/uncloud',
  }),
  'ldap.url': text(
    'The directory that people are read from, ldaps://HOST or ldap://HOST; empty: users are local',
    {
      example: 'ldaps://ldap.example.net',
    },
  ),
  'ldap.base_dn': text('Where people are searched', { example: 'ou=people,dc=example,dc=net' }),
  'ldap.bind_dn': text('Who searches; empty: an anonymous search', {
    example: 'cn=uncloud,dc=example,dc=net',
  }),
  'ldap.bind_password_file': text('A file, mode 0600, with the password of bind_dn', {
    example: '/etc/uncloud/ldap-password',
  }),
  'ldap.user_filter': text('Which entries are people', { fallback: '(objectClass=inetOrgPerson)' }),
  'ldap.login_attribute': text('The attribute that holds the username', { fallback: 'uid' }),
  'ldap.mail_attribute': text('The attribute that holds the mail address', { fallback: 'mail' }),
  'ldap.name_attribute': text('The attribute that holds the full name', { fallback: 'cn' }),
  'ldap.staff_group_dn': text(
    'The group whose members are the staff; empty: the directory does not say who is',
    { example: 'cn=staff,ou=groups,dc=example,dc=net' },
  ),
  'ldap.group_base_dn': text('Where groups are searched; empty: group sync has none to read', {
    example: 'ou=groups,dc=example,dc=net',
  }),
  'ldap.group_filter': text('Which entries are groups', {
    fallback: '(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))',
  }),
  'ldap.group_name_attribute': text('The attribute that holds the name of a group', { fallback: 'cn' }),
  'ldap.start_tls': flag('Upgrade an ldap:// connection with StartTLS before anything else is said', false),
  'ldap.ca_file': text("The certificate authority of the directory; empty: the system's", {
    example: '/etc/ssl/certs/ca-certificates.crt',
  }),
  'ldap.timeout_seconds': whole(
    'How long the directory may take for all that one command asks',
    10,
    [1, 600],
  ),
  'wireguard.config_directory': text('Where the files of the VPN interfaces are', {
    fallback: '/etc/wireguard',
  }),
  'wireguard.ip_command': text('The program that configures links and routes', { fallback: 'ip' }),
  'wireguard.wg_command': text('The program that configures WireGuard', { fallback: 'wg' }),
  'wireguard.use_sudo': flag('Run ip and wg through sudo -n when not root', true),
  'wireguard.userspace_implementation': text('What serves WireGuard where the kernel does not', {
    fallback: 'wireguard-go',
  }),
  // 0 to 4 are the kernel's own: RTPROT_UNSPEC to RTPROT_STATIC (rtnetlink(7)).
  'wireguard.route_protocol': whole('The number that marks our routes (ip-route(8))', 188, [5, 255]),
  'billing.payment_days': whole('Days from the issue of a bill to its due date', 10, [0, 3650]),
  'billing.upgrade_policy': choice(
    'On an upgrade the old order is charged to the day, or for its whole period',
    ['prorate', 'full'],
  ),
  'logging.level': choice('The least severity that is logged', ['info', 'warn', 'error']),
  'logging.file': text('A line for every command that ends is appended to this file; empty: none', {
    example: '/var/log/uncloud.log',
  }),
  'logging.max_bytes': whole(
    'The size at which the log file is rotated',
    2_621_440,
    [1024, 1_099_511_627_776],
  ),
  'logging.backup_count': whole(
    'How many rotated log files are kept; with 0 the log file is not rotated',
    5,
    [0, 1000],
  ),
  'secrets.key_file': text('The key under which private keys are sealed in the database, mode 0600', {
    fallback: null,
    example: '/etc/uncloud/secrets.key',
  }),
} as const satisfies Record<string, ConfigKey<ConfigValue>>;

export type ConfigName = keyof typeof CONFIG_KEYS;

/** The values of all keys, checked. */
export type Config = {
  readonly [Name in ConfigName]: Exclude<ReturnType<(typeof CONFIG_KEYS)[Name]['read']>, Fault>;
};

/** Where the value of a key came from: a file, an environment variable, a flag, or `default`. */
export type ConfigOrigins = Readonly<Record<ConfigName, string>>;

/** Which places gave values, in the order of the keys that they gave: files, variables, flags; none: only defaults. */
export function sourcesOf(origins: ConfigOrigins): string[] {
  return [...new Set(Object.values(origins))].filter((origin) => origin !== 'default');
}

/** One place that gives values, from the weakest to the strongest. */
export interface ConfigSource {
  readonly origin: string;
  /** Nested tables as TOML gives them. */
  readonly tables: Readonly<Record<string, unknown>>;
}

const PREFIX = 'UNCLOUD_';

/** The environment variable that overrides a key: `database.url` is UNCLOUD_DATABASE_URL. */
export function environmentName(name: string): string {
  return `${PREFIX}${name.replaceAll('.', '_').toUpperCase()}`;
}

/**
 * Joins the sources, weakest first, into checked values, and says of each where it came from.
 * @throws INVALID_CONFIG with every fault of every source
 */
export function readConfig(
  sources: readonly ConfigSource[],
  environment: Readonly<Record<string, string | undefined>>,
  defaults: Readonly<Partial<Record<ConfigName, ConfigValue>>>,
): { config: Config; origins: ConfigOrigins } {
  const faults: string[] = [];
  const values: Partial<Record<ConfigName, ConfigValue>> = {};
  const origins: Partial<Record<ConfigName, string>> = {};
  for (const [name, key] of Object.entries(CONFIG_KEYS) as [ConfigName, ConfigKey<ConfigValue>][]) {
    values[name] = defaults[name] ?? key.fallback ?? '';
    origins[name] = 'default';
  }
  const take = (name: ConfigName, raw: unknown, origin: string) => {
    const value = CONFIG_KEYS[name].read(raw);
    if (typeof value === 'object') {
      faults.push(`${origin}: ${name} ${value.fault}`);
    } else {
      values[name] = value;
      origins[name] = origin;
    }
  };
  for (const { origin, tables } of sources) {
    for (const [table, content] of Object.entries(tables)) {
      if (typeof content !== 'object' || content === null || Array.isArray(content)) {
        faults.push(`${origin}: ${keyName(table)} stands outside a [table]`);
        continue;
      }
      for (const [key, raw] of Object.entries(content)) {
        const name = `${table}.${key}`;
        if (isConfigName(name)) take(name, raw, origin);
        else faults.push(`${origin}: ${keyName(name)} is no key${suggestion(name)}`);
      }
    }
  }
  for (const name of Object.keys(CONFIG_KEYS) as ConfigName[]) {
    const variable = environmentName(name);
    const raw = environment[variable];
    if (raw !== undefined) take(name, raw, variable);
  }
  for (const variable of Object.keys(environment)) {
    const meant = misspelt(variable);
    if (meant !== null) faults.push(`${variable} is no variable${meant}`);
  }
  if (faults.length > 0) throw refuse.INVALID_CONFIG({ faults });
  return { config: values as Config, origins: origins as ConfigOrigins };
}

/** A key in a message: TOML lets one have any characters, line ends too. */
function keyName(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : quote(name);
}

/** The commented example that `config init` writes: every key with what it means and its default. */
export function exampleConfig(): string {
  const lines = [
    '# Configuration of uncloud. Flags and UNCLOUD_… variables override it; see: uncloud config show --origin',
  ];
  let table = '';
  for (const [name, key] of Object.entries(CONFIG_KEYS)) {
    const [section = '', short = ''] = name.split('.');
    if (section !== table) lines.push('', `[${section}]`);
    table = section;
    lines.push(`# ${key.about}.`, `# ${short} = ${JSON.stringify(key.example)}`);
  }
  return `${lines.join('\n')}\n`;
}

function isConfigName(name: string): name is ConfigName {
  return Object.hasOwn(CONFIG_KEYS, name);
}

/** Names the key that was probably meant: the same last part, or a similar name. */
function suggestion(name: string): string {
  const names = Object.keys(CONFIG_KEYS);
  const short = name.split('.').at(-1) ?? '';
  const close = names.find((known) => known.endsWith(`.${short}`)) ?? similarNames(name, names)[0];
  return question(close);
}

function question(meant: string | undefined): string {
  return meant === undefined ? '' : ` (did you mean ${meant}?)`;
}

/** Variables that parts of this program read by themselves: of oclif, its completion, and the tests. */
const NOT_OF_CONFIG = /^UNCLOUD_(AC_.*|BINPATH|CACHE_DIR|DEBUG|REDIRECTED|TEST_.*)$/;

/** What to say of a variable that looks as if it were one of ours and is none; null for the others. */
function misspelt(variable: string): string | null {
  if (!variable.startsWith(PREFIX) || NOT_OF_CONFIG.test(variable)) return null;
  // Without what all have in common, which would make all of them similar.
  const names = Object.keys(CONFIG_KEYS).map((key) => environmentName(key).slice(PREFIX.length));
  const name = variable.slice(PREFIX.length);
  if (names.includes(name)) return null;
  if (/^CONFIG(_FILE|_PATH)?$/.test(name)) return ' (a file is named by --config FILE)';
  const last = name.slice(name.lastIndexOf('_') + 1);
  const close =
    names.find((known) => known.startsWith(`${name}_`)) ??
    similarNames(name, names)[0] ??
    names.find((known) => known.startsWith(name.charAt(0)) && known.endsWith(`_${last}`));
  return question(close && `${PREFIX}${close}`);
}

function text(
  about: string,
  { fallback = '', example = fallback ?? '' }: { fallback?: string | null; example?: string },
): ConfigKey<string> {
  const read = (value: unknown) => {
    if (typeof value !== 'string') return { fault: `is ${shown(value)}, not text in quotes` };
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a control character in a path or name is never meant
    return /[\u0000-\u001f\u007f]/.test(value) ? { fault: 'holds a control character' } : value;
  };
  return { about, fallback, example, read };
}

function flag(about: string, fallback: boolean): ConfigKey<boolean> {
  const read = (value: unknown) => {
    if (value === true || value === 'true') return true;
    if (value === false || value === 'false') return false;
    return { fault: `is ${shown(value)}, neither true nor false` };
  };
  return { about, fallback, example: fallback, read };
}

function whole(about: string, fallback: number, [least, most]: readonly [number, number]): ConfigKey<number> {
  const read = (value: unknown) => {
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isInteger(number) && number >= least && number <= most)
      return number;
    return { fault: `is ${shown(value)}, not a whole number from ${least} to ${most}` };
  };
  return { about, fallback, example: fallback, read };
}

function choice<const Choices extends readonly [string, ...string[]]>(
  about: string,
  choices: Choices,
): ConfigKey<Choices[number]> {
  const read = (value: unknown) =>
    choices.find((known) => known === value) ?? {
      fault: `is ${shown(value)}, not one of ${choices.join(', ')}`,
    };
  return { about, fallback: choices[0], example: choices[0], read };
}

/** A value of the wrong kind, as a message shows it. */
function shown(value: unknown): string {
  if (value instanceof Date) return 'a date';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a table' : quote(String(value));
}
