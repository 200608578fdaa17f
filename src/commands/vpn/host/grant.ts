import { BaseCommand } from '../../../lib/cli/command.ts';
import { fileOnly } from '../../../lib/cli/flags.ts';
import { renderFields } from '../../../lib/cli/table.ts';
import { hostDocument, hostnameArg, saidOfUnnamed } from '../../../lib/cli/vpn-hosts.ts';
import { grantHost } from '../../../lib/ops/vpn-host-roles.ts';

export default class VpnHostGrant extends BaseCommand {
  static override summary = 'Give a VPN host a database role that reads its own pools and networks only';
  static override description =
    `PostgreSQL only. The role logs in with a password, sees by row-level security what its host serves, and writes
nothing. The password is written to a new file with mode 0600 and shown nowhere. Your own role needs CREATEROLE.`;
  static override examples = [
    '<%= config.bin %> vpn host grant vpn-1.example.net --password-file vpn-1.password',
  ];
  static override args = { hostname: hostnameArg };
  static override flags = {
    'password-file': fileOnly(
      'The password goes',
      'Name a new file, which gets mode 0600',
    )({
      required: true,
      summary: 'Where the password goes; the file must not exist',
    }),
  };

  async run() {
    const { args, flags } = await this.parse(VpnHostGrant);
    const passwordFile = flags['password-file'];
    const { host, poolIds, url, local } = await grantHost(await this.context(), {
      hostname: args.hostname,
      passwordFile,
    });
    this.log(
      renderFields({
        Hostname: host.hostname,
        Role: host.role,
        'Database URL': url,
        'Password file': passwordFile,
      }),
    );
    if (local)
      this.sayWarning('this URL leads to this machine: on the host, name the database server in it.');
    if (poolIds.length === 0) this.sayWarning(saidOfUnnamed(host));
    this.say(
      `Created the role of ${host.hostname}. Move the password to the host; docs/vpn-host.md says how.`,
    );
    return { host: { ...hostDocument(host), pool_ids: poolIds, url, password_file: passwordFile } };
  }
}
