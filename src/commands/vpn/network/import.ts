import { asUser } from '../../../lib/cli/flags.ts';
import { ImportCommand, importArgs, importFlags, importRules } from '../../../lib/cli/import-command.ts';
import { importNetworks } from '../../../lib/ops/vpn-network-import.ts';

export default class VpnNetworkImport extends ImportCommand {
  static override summary = 'Lend networks for the rows of a file';
  static override description =
    `The columns are username, public_key, size and reference; the last two may be left out. A row without a size gets
a /48. Networks are taken as uncloud vpn network create takes them, in the order of the rows. A row whose public key
has a network of that user already is left alone.

${importRules}`;
  static override examples = [
    '<%= config.bin %> vpn network import networks.csv',
    '<%= config.bin %> vpn network import networks.csv --dry-run',
    '<%= config.bin %> vpn network import networks.jsonl --partial --rejects rejects.jsonl',
    'ssh old-host cat networks.csv | <%= config.bin %> vpn network import -',
  ];
  static override args = importArgs;
  static override flags = { ...importFlags, 'as-user': asUser };

  async run() {
    const { args, flags } = await this.parse(VpnNetworkImport);
    return this.import(importNetworks, 'networks', args.file, flags);
  }
}
