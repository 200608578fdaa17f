import { parseDatabaseUrl } from '../core/database-url.ts';
import { quote, UserError } from '../core/errors.ts';
import { type Finding, faulty, refused, sound } from '../core/finding.ts';
import { verifyMigrations } from '../io/db/migrations.ts';
import { formatMode, lookAt } from '../io/files.ts';
import { isRotationUnfinished, oldKeyFile, openerFor } from '../io/secrets.ts';
import type { Context } from './context.ts';

/** Looks at everything that the other commands rely on. Nothing is changed. */
export async function examine(context: Context): Promise<Finding[]> {
  const findings = [configuration(context), ...(await database(context))];
  findings.push(...(await privateFiles(context)));
  return findings;
}

function configuration(context: Context): Finding {
  const origins = new Set(Object.values(context.origins).filter((origin) => origin !== 'default'));
  const from = origins.size === 0 ? 'defaults only' : [...origins].join(', ');
  return sound('configuration', 'configuration', `valid: ${from}`);
}

async function database(context: Context): Promise<Finding[]> {
  try {
    const opened = await context.db({ anySchema: true });
    const { applied, pending } = await verifyMigrations(opened);
    const reached = sound('database', opened.address, `answers (${opened.backend})`);
    if (pending.length > 0) {
      const message = `${pending.length} migration(s) are pending: ${pending.join(', ')}`;
      return [reached, faulty('schema', opened.address, message, 'Apply them with: uncloud migrate')];
    }
    const sealed = await opened.kysely.selectFrom('secret_keys').select('id').executeTakeFirst();
    const schema = sound('schema', opened.address, `up to date: ${applied.at(-1)}`);
    if (sealed === undefined)
      return [reached, schema, sound('secrets', opened.address, 'holds no sealed secret yet')];
    const file = context.config['secrets.key_file'];
    const isUnfinished = await opened.read(async (tx) => {
      await openerFor(tx, file);
      return isRotationUnfinished(tx, file);
    });
    const secrets = sound('secrets', file, 'opens the secrets of this database');
    if (!isUnfinished) return [reached, schema, secrets];
    const fix = 'Finish it with: uncloud secrets rotate';
    return [
      reached,
      schema,
      {
        ...secrets,
        level: 'warning',
        message: 'its new key is not yet in its place: a rotation was interrupted',
        fix,
      },
    ];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const id = error.code.startsWith('SECRET') ? 'secrets' : 'database';
    return [refused(id, context.config['database.url'].split('@').at(-1) ?? '', error)];
  }
}

/** Files that only their owner may read: the key file, the SQLite file, a configuration with a password. */
async function privateFiles(context: Context): Promise<Finding[]> {
  const url = parseDatabaseUrl(context.config['database.url']);
  const origin = context.origins['database.url'];
  const files = [
    context.config['secrets.key_file'],
    oldKeyFile(context.config['secrets.key_file']),
    context.config['ldap.bind_password_file'],
    ...(url.backend === 'sqlite' ? [url.path] : []),
    ...(url.backend === 'postgresql' && origin.startsWith('/') ? [origin] : []),
  ].filter((file) => file !== '');
  const findings: Finding[] = [];
  for (const file of files) {
    const found = await lookAt(file);
    if (found === undefined) continue;
    if ((found.mode & 0o077) === 0) {
      findings.push(sound('file-mode', file, `mode ${formatMode(found.mode)}`));
      continue;
    }
    const message = `mode ${formatMode(found.mode)}: others can read ${quote(file)}`;
    findings.push(faulty('file-mode', file, message, `chmod 600 ${file}`));
  }
  return findings;
}
