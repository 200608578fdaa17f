import { Flags } from '@oclif/core';
import { auditDocument, auditTable } from '../../lib/cli/audit.ts';
import { BaseCommand } from '../../lib/cli/command.ts';
import { instant, line } from '../../lib/cli/flags.ts';
import { listAuditEntries } from '../../lib/ops/audit.ts';

export default class AuditList extends BaseCommand {
  static override summary = 'List who changed what, and with which command';
  static override description = `Lists the entries of the audit trail, the newest last.
Every transaction that changed something has one; a command that changed nothing has none.`;
  static override examples = [
    '<%= config.bin %> audit list --limit 20',
    '<%= config.bin %> audit list --from 2026-01-01 --to 2026-02-01 --user nico',
    `<%= config.bin %> audit list --command 'order cancel'`,
    `<%= config.bin %> audit list --json | jq -c '.entries[] | [.at, .os_user, .counts]'`,
  ];
  static override flags = {
    from: instant({ summary: 'Only commands that began at this instant or later' }),
    to: instant({ summary: 'Only commands that began before this instant' }),
    user: line('user', 'Only what this account did, by itself or by sudo'),
    host: line('host', 'Only what was run on this machine'),
    command: line('command', 'Only commands that begin with these words'),
    limit: Flags.integer({
      helpValue: 'N',
      summary: 'The newest so many',
      default: 100,
      min: 1,
      max: 100_000,
    }),
  };

  async run() {
    const { flags } = await this.parse(AuditList);
    const { from, to, user, host, command, limit } = flags;
    const filter = { from, to, user, host, command, limit };
    const entries = await listAuditEntries(await this.context(), filter);
    if (entries.length === 0) this.say('There are no such entries.');
    else if (!this.jsonEnabled()) this.log(auditTable(entries));
    return { entries: entries.map(auditDocument) };
  }
}
