import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { fieldNames, saidOfChange } from '../../lib/cli/field-names.ts';
import { country, countryOrNone, iban, line, orNull, vatNumber } from '../../lib/cli/flags.ts';
import { providerDocument, providerFields } from '../../lib/cli/provider.ts';
import { renderFields } from '../../lib/cli/table.ts';
import { setProvider } from '../../lib/ops/provider.ts';

export default class ProviderSet extends BaseCommand {
  static override summary = 'Change the seller who stands on the bills';
  static override description = `Changes what the flags name and nothing else; "" empties a field.
--registered-in names all countries besides the own in which the seller is registered for VAT; it replaces the
countries named before. Bills already made keep the seller that they were made with.`;
  static override examples = [
    '<%= config.bin %> provider set --name "Example Hosting AG" --street "Hauptstrasse 1" --postal-code 8750 --city Glarus --country CH',
    '<%= config.bin %> provider set --vat-number "CHE-123.456.788 MWST" --iban "CH93 0076 2011 6238 5295 7"',
    '<%= config.bin %> provider set --registered-in DE --registered-in AT',
    '<%= config.bin %> provider set --no-oss --registered-in none',
  ];
  static override flags = {
    name: line('name', 'Name on the bills'),
    street: line('street', 'Street and number'),
    city: line('city', 'Town'),
    'postal-code': line('postal_code', 'Postal code'),
    country: country({ summary: 'Country, ISO 3166-1 alpha-2; decides the VAT' }),
    'vat-number': vatNumber({ summary: 'VAT number' }),
    iban: iban({ summary: 'Account that bills are paid to' }),
    oss: Flags.boolean({ allowNo: true, summary: 'Whether VAT is declared in the One Stop Shop of the EU' }),
    'registered-in': countryOrNone({
      multiple: true,
      summary: 'Another country with a VAT registration; repeatable',
    }),
  };

  async run() {
    const { flags } = await this.parse(ProviderSet);
    const { name, street, city, oss } = flags;
    const { provider, changed } = await setProvider(await this.context(), {
      name,
      street,
      city,
      oss,
      iban: flags.iban,
      postalCode: flags['postal-code'],
      country: flags.country,
      vatNumber: flags['vat-number'],
      registeredIn: flags['registered-in']?.flatMap((registered) => orNull(registered) ?? []),
    });
    this.log(renderFields(providerFields(provider)));
    this.say(saidOfChange(changed));
    return { provider: providerDocument(provider), changed: fieldNames(changed) };
  }
}
