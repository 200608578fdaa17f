import { refuse } from '../core/errors.ts';
import { formatInstant } from '../core/instant.ts';
import { parseServiceName } from '../core/service.ts';
import type { StoredService } from '../io/db/services.ts';
import type { NewSecret, SecretRequest } from '../ops/services.ts';
import { BaseCommand } from './command.ts';
import { fileOnly, parsedArg } from './flags.ts';
import { renderFields, renderTable, right, toDay } from './table.ts';

/** The name of a service account, as an argument. */
export const serviceArg = parsedArg('Name of the service account', parseServiceName);

/** A service account as `--json` gives it. */
export function serviceDocument({ id, name, createdAt, rotatedAt }: StoredService) {
  return { id, name, created_at: formatInstant(createdAt), rotated_at: formatInstant(rotatedAt) };
}

/** Service accounts, one a line. */
export function serviceTable(services: readonly StoredService[]): string {
  return renderTable(
    [
      right('id'),
      { title: 'name', yields: true },
      { title: 'created', shorten: toDay },
      { title: 'secret since', shorten: toDay },
    ],
    services.map(({ id, name, createdAt, rotatedAt }) => [
      id,
      name,
      formatInstant(createdAt),
      formatInstant(rotatedAt),
    ]),
  );
}

/** The flags of commands that give a service account a secret. */
export const secretFlags = {
  'secret-file': fileOnly(
    'The secret goes',
    'Leave out --secret-file to have it shown, or name a new file',
  )({
    summary: 'Write the secret to a new file, mode 0600, instead of showing it',
  }),
};

/** A command that gives a service account a secret, and shows it this once. */
export abstract class SecretCommand extends BaseCommand {
  /** Runs the command, once it is sure that the secret has a place to go to. */
  protected async give(
    { name, secretFile }: { name: SecretRequest['name']; secretFile: string | undefined },
    give: (request: SecretRequest) => Promise<NewSecret>,
  ) {
    if (this.jsonEnabled() && secretFile === undefined) {
      throw refuse.SECRET_FILE_NEEDED({ command: `${this.words} ${name}` });
    }
    const { service, secret } = await give({ name, secretFile: secretFile ?? null });
    if (secretFile === undefined) {
      this.log(renderFields({ Name: service.name, Secret: secret }));
      this.say('The secret is shown this once: only its hash is stored.');
    } else {
      this.say(`Wrote the secret of ${service.name} to ${secretFile}.`);
    }
    return { service: { ...serviceDocument(service), secret_file: secretFile ?? null } };
  }
}
