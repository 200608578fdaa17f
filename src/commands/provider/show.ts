import { BaseCommand } from '../../lib/cli/command.ts';
import { providerDocument, providerFields } from '../../lib/cli/provider.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { showProvider } from '../../lib/ops/provider.ts';

export default class ProviderShow extends BaseCommand {
  static override summary = 'Show the seller who stands on the bills';
  static override description = 'Bills can be made once the seller has a name and a country.';
  static override examples = [
    '<%= config.bin %> provider show',
    '<%= config.bin %> provider show --json | jq .provider.iban',
  ];

  async run() {
    await this.parse(ProviderShow);
    const provider = await showProvider(await this.context());
    this.log(renderFields(providerFields(provider)));
    return { provider: providerDocument(provider) };
  }
}
