import { requiredArg } from '../../../lib/cli/flags.ts';
import { ImportCommand, importFlags } from '../../../lib/cli/import-command.ts';
import { importNetworks } from '../../../lib/ops/vpn-network-import.ts';

export default class VpnNetworkImport extends ImportCommand {
  static override summary = 'Lend networks for the rows of a CSV file';
  static override description =
    `The columns are username, public_key, size and reference; the last two may be left out. A row without a size gets
a /48. Networks are taken as uncloud vpn network create takes them, in the order of the rows.

All rows are imported or none: when rows are faulty they are listed (the first 100) and nothing is changed.
With --partial the good rows are imported and the others listed, with exit code 3.
Importing the same file again changes nothing: a row whose public key has a network of that user already is left alone.`;
  static override examples = [
    '<%= config.bin %> vpn network import networks.csv',
    '<%= config.bin %> vpn network import networks.csv --dry-run',
    '<%= config.bin %> vpn network import networks.csv --partial --json > report.json',
    'ssh old-host cat networks.csv | <%= config.bin %> vpn network import -',
  ];
  static override args = { file: requiredArg('CSV file, UTF-8; - is standard input') };
  static override flags = importFlags;

  async run() {
    const { args, flags } = await this.parse(VpnNetworkImport);
    const options = { partial: flags.partial, dryRun: flags['dry-run'] };
    return this.tell(importNetworks(await this.context(), args.file, options), 'networks', flags);
  }
}
