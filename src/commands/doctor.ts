import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/cli/command.ts';
import { examineRows, findingText } from '../lib/cli/doctor.ts';
import { hostname } from '../lib/cli/flags.ts';
import { EXIT } from '../lib/core/errors.ts';
import { withoutRepeats } from '../lib/core/finding.ts';
import { examineSchema } from '../lib/ops/data-doctor.ts';
import { examine } from '../lib/ops/doctor.ts';
import { examineHost } from '../lib/ops/vpn-host-doctor.ts';

/** Without these the data cannot be looked at; they are told by themselves. */
const UNREADABLE = new Set(['database', 'schema']);

export default class Doctor extends BaseCommand {
  static override summary = 'Check the configuration, the database, its schema and the files with secrets';
  static override description =
    'Changes nothing. Ends with 1 when something is wrong; every finding says what to do.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --data',
    '<%= config.bin %> doctor --hostname vpn-1.example.net',
    '<%= config.bin %> doctor --json',
  ];
  static override flags = {
    data: Flags.boolean({
      summary:
        'Also check the stored data: schema, references, networks, payments, bills, secrets, audit trail',
    }),
    hostname: hostname({ summary: 'Also check what uncloud vpn needs on this VPN host' }),
  };

  async run() {
    const { flags } = await this.parse(Doctor);
    const context = await this.context();
    const onHost = flags.hostname === undefined ? [] : await examineHost(context, flags.hostname);
    const findings = withoutRepeats([...(await examine(context)), ...onHost]);
    const isReadable = !findings.some(({ id, level }) => UNREADABLE.has(id) && level === 'error');
    if (flags.data && isReadable) {
      findings.push(...(await examineSchema(context)), ...(await examineRows(context, flags.hostname)));
    }
    for (const finding of findings) this.log(findingText(finding));
    if (findings.some(({ level }) => level === 'error')) this.exitWith(EXIT.REFUSED);
    return { findings };
  }
}
