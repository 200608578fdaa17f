import type { Country } from './country.ts';
import { type Iban, parseIban } from './iban.ts';
import { type Line, parseLine } from './line.ts';
import { checkVatNumberIn, parseVatNumber, type VatNumber } from './vat-number.ts';

/** The seller: who stands on every bill. */
export interface Provider {
  readonly name: Line;
  readonly street: Line;
  readonly city: Line;
  readonly postalCode: Line;
  /** Null until it was set; nothing can be billed before. */
  readonly country: Country | null;
  readonly vatNumber: VatNumber;
  readonly iban: Iban;
  /** Takes part in the One Stop Shop of the Union (Directive 2006/112/EC Art. 358–369). */
  readonly oss: boolean;
  /** Countries with a VAT registration besides the own, in alphabetical order. */
  readonly registeredIn: readonly Country[];
}

/** What is to be changed about the seller; an absent field stays as it is. */
export type ProviderChange = { readonly [Field in keyof Provider]?: Provider[Field] | undefined };

/** The seller before anything was set. */
export const NO_PROVIDER: Provider = {
  name: parseLine('name', ''),
  street: parseLine('street', ''),
  city: parseLine('city', ''),
  postalCode: parseLine('postal_code', ''),
  country: null,
  vatNumber: parseVatNumber(''),
  iban: parseIban(''),
  oss: false,
  registeredIn: [],
};

/**
 * The seller after a change. The list of registrations is replaced as a whole.
 * @throws INVALID_VAT_NUMBER
 */
export function changeProvider(provider: Provider, change: ProviderChange): Provider {
  const country = change.country ?? provider.country;
  const vatNumber = change.vatNumber ?? provider.vatNumber;
  if (country !== null) checkVatNumberIn(country, vatNumber);
  return {
    name: change.name ?? provider.name,
    street: change.street ?? provider.street,
    city: change.city ?? provider.city,
    postalCode: change.postalCode ?? provider.postalCode,
    country,
    vatNumber,
    iban: change.iban ?? provider.iban,
    oss: change.oss ?? provider.oss,
    registeredIn: [...new Set(change.registeredIn ?? provider.registeredIn)].sort(),
  };
}
