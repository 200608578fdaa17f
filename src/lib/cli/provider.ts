import { formatIban } from '../core/iban.ts';
import type { Provider } from '../core/provider.ts';
import type { Cell } from './table.ts';

/** The seller as `--json` gives it. */
export function providerDocument(provider: Provider) {
  return {
    name: provider.name,
    street: provider.street,
    city: provider.city,
    postal_code: provider.postalCode,
    country: provider.country,
    vat_number: provider.vatNumber,
    iban: provider.iban,
    oss: provider.oss,
    registered_in: provider.registeredIn,
  };
}

/** The seller as a reader sees it: what was not set shows as a dash. */
export function providerFields(provider: Provider): Record<string, Cell> {
  return {
    Name: provider.name || null,
    Street: provider.street || null,
    'Postal code': provider.postalCode || null,
    City: provider.city || null,
    Country: provider.country,
    'VAT number': provider.vatNumber || null,
    IBAN: formatIban(provider.iban) || null,
    'One Stop Shop': provider.oss ? 'yes' : 'no',
    'Registered in': provider.registeredIn.join(', ') || null,
  };
}
