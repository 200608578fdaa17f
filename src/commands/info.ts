import { BaseCommand } from '../lib/cli/command.ts';
import { renderFields } from '../lib/cli/table.ts';
import { readInfo } from '../lib/ops/info.ts';

export default class Info extends BaseCommand {
  static override summary = 'Show versions, paths, the database and what it holds';
  static override examples = ['<%= config.bin %> info', '<%= config.bin %> info --json'];

  async run() {
    await this.parse(Info);
    const context = await this.context();
    const info = await readInfo(context);
    const program = { version: this.config.version, node: process.versions.node, path: this.config.root };
    const files = { secrets_key_file: context.config['secrets.key_file'] };
    this.log(
      renderFields({
        uncloud: `${program.version} on Node.js ${program.node}`,
        program: program.path,
        configuration: info.configuration.join(', ') || 'defaults only',
        'secrets key file': files.secrets_key_file,
        database: info.database.url,
        backend: info.database.backend && `${info.database.backend} ${info.database.server_version}`,
        schema: info.database.schema_version,
        'pending migrations': info.database.pending_migrations,
        ...info.counts,
      }),
    );
    if (info.database.problem !== null) this.sayWarning(info.database.problem);
    return { ...program, files, ...info };
  }
}
