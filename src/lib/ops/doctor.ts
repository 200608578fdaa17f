import { environmentName, sourcesOf } from '../core/config.ts';
import { parseDatabaseUrl, redactDatabaseUrl } from '../core/database-url.ts';
import { quote, UserError } from '../core/errors.ts';
import { asFinding, doubtful, type Finding, faulty, sound } from '../core/finding.ts';
import type { Provider } from '../core/provider.ts';
import { shellWord } from '../core/shell-word.ts';
import type { Database } from '../io/db/database.ts';
import { verifyMigrations } from '../io/db/migrations.ts';
import { findNamelessBuyers } from '../io/db/people.ts';
import { findProvider } from '../io/db/provider.ts';
import { formatMode, isShared, privateMode, statsOf } from '../io/files.ts';
import { isRotationUnfinished, oldKeyFile, openerFor, recordedFingerprint } from '../io/secrets.ts';
import type { Context } from './context.ts';

/** Looks at everything that the other commands rely on. Nothing is changed. */
export async function examine(context: Context): Promise<Finding[]> {
  const findings = [configuration(context), ...(await database(context)), ...privateFiles(context)];
  const isUpToDate = findings.some(({ id, level }) => id === 'schema' && level === 'ok');
  return isUpToDate ? [...findings, ...(await parties(context))] : findings;
}

function configuration(context: Context): Finding {
  const from = sourcesOf(context.origins).join(', ') || 'defaults only';
  return sound('configuration', 'configuration', `valid: ${from}`);
}

async function database(context: Context): Promise<Finding[]> {
  try {
    const opened = await context.db({ anySchema: true });
    const { applied, pending } = await verifyMigrations(opened);
    const reached = sound('database', opened.address, `answers (${opened.backend})`);
    if (pending.length > 0) {
      const count = pending.length === 1 ? 'a migration is' : `${pending.length} migrations are`;
      const message = `${count} pending: ${pending.join(', ')}`;
      return [reached, faulty('schema', opened.address, message, 'Apply them with: uncloud migrate')];
    }
    const schema = sound('schema', opened.address, `up to date: ${applied.at(-1)}`);
    return [reached, schema, await secrets(context, opened)];
  } catch (error) {
    const finding = asFinding('database', redactDatabaseUrl(context.config['database.url']), error);
    const isUnreachable = error instanceof UserError && error.code === 'DATABASE_UNREACHABLE';
    return [isUnreachable ? { ...finding, fix: howToReach(context) } : finding];
  }
}

/** Whether the key file opens the secrets of the database. */
async function secrets(context: Context, opened: Database): Promise<Finding> {
  const file = context.config['secrets.key_file'];
  try {
    const isUnfinished = await opened.read(async (tx) => {
      if ((await recordedFingerprint(tx)) === undefined) return null;
      await openerFor(tx, file);
      return isRotationUnfinished(tx, file);
    });
    if (isUnfinished === null) return sound('secrets', opened.address, 'holds no sealed secret yet');
    const message = 'its new key is not yet in its place: a rotation was interrupted';
    return isUnfinished
      ? doubtful('secrets', file, message, 'Finish it with: uncloud secrets rotate')
      : sound('secrets', file, 'opens the secrets of this database');
  } catch (error) {
    return asFinding('secrets', file, error);
  }
}

/** What is to be looked at when a server does not answer; the refusal itself sends people here. */
function howToReach(context: Context): string {
  const origin = context.origins['database.url'];
  const url = parseDatabaseUrl(context.config['database.url']);
  if (url.backend === 'sqlite') return `See that the disk of ${url.path} works.`;
  if (url.host.startsWith('/'))
    return `See that PostgreSQL runs on this machine, that unix_socket_directories has ${url.host}, and the port in ${origin}.`;
  return `See that host and port in ${origin} are right, that PostgreSQL runs there, listens (listen_addresses) and is let through by firewalls.`;
}

const DATABASE_VARIABLE = environmentName('database.url');

/** Files that only their owner may read: the key file, the SQLite file, a configuration with a password. */
function privateFiles(context: Context): Finding[] {
  const url = parseDatabaseUrl(context.config['database.url']);
  const origin = context.origins['database.url'];
  const files = [
    context.config['secrets.key_file'],
    oldKeyFile(context.config['secrets.key_file']),
    context.config['ldap.bind_password_file'],
    ...(url.backend === 'sqlite' ? [url.path] : []),
    ...(url.backend === 'postgresql' && url.password !== '' && origin !== DATABASE_VARIABLE ? [origin] : []),
  ].filter((file) => file !== '');
  return files.flatMap(privateFile);
}

function privateFile(file: string): Finding[] {
  try {
    const stats = statsOf(file);
    if (stats === undefined) return [];
    const mode = `mode ${formatMode(stats.mode)}`;
    if (!isShared(stats)) return [sound('file-mode', file, mode)];
    const fix = `chmod ${privateMode(stats)} ${shellWord(file)}`;
    return [faulty('file-mode', file, `${mode}: others can read ${quote(file)}`, fix)];
  } catch (error) {
    return [asFinding('file-mode', file, error)];
  }
}

/** Users that are named one by one. */
const MOST_NAMED = 5;

/**
 * What bills have to say of seller and buyer (Directive 2006/112/EC Art. 226) and would leave out. Without it they are
 * made all the same; nothing is looked at before there is a seller, or with a role that may not read it.
 */
async function parties(context: Context): Promise<Finding[]> {
  const database = await context.db();
  try {
    return await database.read(async (tx) => {
      const provider = await findProvider(tx);
      if (provider === null || provider.name === '') return [];
      const missing = SAID_OF_SELLER.filter(([field]) => provider[field] === '');
      const words = missing.map(([, word]) => word).join(', ');
      const flags = missing.map(([, , flag]) => `${flag} …`).join(' ');
      const seller =
        missing.length === 0
          ? sound('seller', provider.name, 'has what bills say of it')
          : doubtful(
              'seller',
              provider.name,
              `bills leave out its ${words}`,
              `Set it for the bills to come with: uncloud provider set ${flags}`,
            );
      const { count, usernames } = await findNamelessBuyers(tx, MOST_NAMED);
      if (count === 0) return [seller, sound('buyers', 'users with orders', 'have names and addresses')];
      const more = count > usernames.length ? ` and ${count - usernames.length} more` : '';
      const message = `bills leave out a name, street or city: ${usernames.map(quote).join(', ')}${more}`;
      const fix = 'Set them with: uncloud user update NAME --full-name … --street … --city …';
      return [seller, doubtful('buyers', 'users with orders', message, fix)];
    });
  } catch (error) {
    if (error instanceof UserError && error.code === 'DATABASE_PERMISSION') return [];
    throw error;
  }
}

/** What a bill says of its seller besides the name, and the flag that sets it. */
const SAID_OF_SELLER = [
  ['street', 'street', '--street'],
  ['postalCode', 'postal code', '--postal-code'],
  ['city', 'city', '--city'],
  ['vatNumber', 'VAT number', '--vat-number'],
  ['iban', 'IBAN', '--iban'],
] as const satisfies [keyof Provider, string, string][];
