import { parseCountry } from './country.ts';
import type { Person } from './person.ts';
import type { Provider } from './provider.ts';
import type { Buyer, Seller } from './vat.ts';

/** Who sells, as the bill says it: stored with the bill as JSON, and never joined (Directive 2006/112/EC Art. 226). */
export interface SellerOnBill {
  readonly name: string;
  readonly street: string;
  readonly city: string;
  readonly postal_code: string;
  readonly country: string;
  readonly vat_number: string;
  readonly iban: string;
}

/** Who buys, as the bill says it. */
export interface BuyerOnBill {
  readonly username: string;
  readonly full_name: string;
  readonly email: string;
  readonly language: string;
  readonly organization: string;
  readonly street: string;
  readonly city: string;
  readonly postal_code: string;
  readonly country: string;
  readonly vat_number: string;
}

/**
 * The seller as far as VAT cares; null when the name or the country is missing, and then nothing can be billed.
 * @throws UNKNOWN_COUNTRY
 */
export function sellerOf(provider: Provider | null): Seller | null {
  if (provider === null || provider.name === '' || provider.country === null) return null;
  const { country, oss, registeredIn } = provider;
  return { country: parseCountry(country), oss, registeredIn: registeredIn.map(parseCountry) };
}

/**
 * The buyer as far as VAT cares. The country is read anew: one that another writer stored as EL or in lower case
 * would otherwise count as outside of the European Union, and nothing would be charged.
 * @throws UNKNOWN_COUNTRY
 */
export function buyerOf({ address }: Person): Buyer {
  if (address === null) return { country: null, postalCode: null, vatIdValid: false, vatTerritory: null };
  return {
    country: parseCountry(address.country),
    postalCode: address.postalCode === '' ? null : address.postalCode,
    vatIdValid: address.vatNumber !== '' && address.vatCheckedOn !== null,
    vatTerritory: address.vatTerritory,
  };
}

/** What a bill says about its seller. */
export function sellerOnBill(provider: Provider): SellerOnBill {
  return {
    name: provider.name,
    street: provider.street,
    city: provider.city,
    postal_code: provider.postalCode,
    country: provider.country ?? '',
    vat_number: provider.vatNumber,
    iban: provider.iban,
  };
}

/** What a bill says about its buyer. */
export function buyerOnBill({ user, address }: Person): BuyerOnBill {
  return {
    username: user.username,
    full_name: user.fullName,
    email: user.email,
    language: user.language,
    organization: address?.organization ?? '',
    street: address?.street ?? '',
    city: address?.city ?? '',
    postal_code: address?.postalCode ?? '',
    country: address?.country ?? '',
    vat_number: address?.vatNumber ?? '',
  };
}

/** Who is billed: the organization, or else the person, by full name or by the name of the account. */
export function buyerName({ organization, full_name, username }: BuyerOnBill): string {
  return organization || full_name || username;
}
