import { BaseCommand } from '../lib/cli/command.ts';
import { escapeControl } from '../lib/cli/table.ts';
import { EXIT } from '../lib/core/errors.ts';
import { examine } from '../lib/ops/doctor.ts';

const MARKS = { ok: 'ok     ', warning: 'warning', error: 'ERROR  ' } as const;

export default class Doctor extends BaseCommand {
  static override summary = 'Check the configuration, the database, its schema and the files with secrets';
  static override description =
    'Changes nothing. Ends with 1 when something is wrong; every finding says what to do.';
  static override examples = ['<%= config.bin %> doctor', '<%= config.bin %> doctor --json'];

  async run() {
    await this.parse(Doctor);
    const findings = await examine(await this.context());
    for (const { level, id, subject, message, fix } of findings) {
      this.log(escapeControl(`${MARKS[level]}  ${id}: ${subject}: ${message}`));
      if (fix !== '') this.log(escapeControl(`         ${fix}`));
    }
    if (findings.some(({ level }) => level === 'error')) this.exitWith(EXIT.REFUSED);
    return { findings };
  }
}
