import { ExportCommand, exportFlags } from '../../../lib/cli/export-command.ts';
import { asUser, username } from '../../../lib/cli/flags.ts';
import { exportNetworks } from '../../../lib/ops/vpn-network-export.ts';

export default class VpnNetworkExport extends ExportCommand {
  static override summary = 'Write networks as vpn network import reads them';
  static override description =
    `The file has the columns of uncloud vpn network import, and importing it again changes nothing. It leaves out the
prefixes: another database lends each row the next network that its pools have. The rows stand in the order of the
networks, so that fresh pools lend the same ones, provided that none was given back. uncloud db dump has everything.`;
  static override examples = [
    '<%= config.bin %> vpn network export --output networks.csv',
    '<%= config.bin %> vpn network export --user nico --format jsonl',
  ];
  static override flags = {
    ...exportFlags,
    user: username({ summary: 'Only the networks of this user' }),
    'as-user': asUser,
  };

  async run() {
    const { flags } = await this.parse(VpnNetworkExport);
    const { output, format, user } = flags;
    return this.export(exportNetworks, 'networks', { output, format, username: user });
  }
}
