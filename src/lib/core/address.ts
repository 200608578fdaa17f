import type { Country } from './country.ts';
import { refuse } from './errors.ts';
import { type Day, dayOf, type Instant, isToCome } from './instant.ts';
import { type Line, parseLine } from './line.ts';
import type { Territory } from './vat.ts';
import { checkVatNumberIn, parseVatNumber, type VatNumber } from './vat-number.ts';

/** Who is billed, where, and what decides the VAT. */
export interface BillingAddress {
  readonly organization: Line;
  readonly street: Line;
  readonly city: Line;
  readonly postalCode: Line;
  readonly country: Country;
  readonly vatNumber: VatNumber;
  /** The day on which the VAT number was found valid; null: not checked, so it counts for nothing. */
  readonly vatCheckedOn: Day | null;
  /** The territory whose VAT rate applies, when staff set it by hand. */
  readonly vatTerritory: Territory | null;
}

/** What is to be changed about an address; an absent field stays as it is. */
export type AddressChange = { readonly [Field in keyof BillingAddress]?: BillingAddress[Field] | undefined };

const NOTHING = {
  organization: parseLine('organization', ''),
  street: parseLine('street', ''),
  city: parseLine('city', ''),
  postalCode: parseLine('postal_code', ''),
  vatNumber: parseVatNumber(''),
  vatCheckedOn: null,
  vatTerritory: null,
};

/**
 * Checks the day on which a VAT number is said to have been found valid: a day to come would make the number count
 * before anybody looked.
 * @throws VAT_CHECK_IN_FUTURE
 */
export function checkDayOfCheck({ vatCheckedOn }: AddressChange, now: Instant): void {
  if (!vatCheckedOn || !isToCome(vatCheckedOn, now)) return;
  throw refuse.VAT_CHECK_IN_FUTURE({ day: vatCheckedOn, today: dayOf(now) });
}

/**
 * The address after a change; null when there was none and the change gives none. Another VAT number than before
 * counts as not checked, unless the change brings the day of its check; in another country than before the territory
 * that was set by hand is none, unless the change brings one.
 * @throws ADDRESS_NEEDS_COUNTRY, NO_VAT_NUMBER when a check has no number, INVALID_VAT_NUMBER
 */
export function changeAddress(stored: BillingAddress | null, change: AddressChange): BillingAddress | null {
  const country = change.country ?? stored?.country;
  if (country === undefined) {
    const isEmpty = Object.values(change).every((value) => (value ?? '') === '');
    if (isEmpty) return null;
    throw refuse.ADDRESS_NEEDS_COUNTRY({});
  }
  const before = stored ?? { ...NOTHING, country };
  const vatNumber = change.vatNumber ?? before.vatNumber;
  const checkedBefore = vatNumber === before.vatNumber ? before.vatCheckedOn : null;
  const vatCheckedOn = change.vatCheckedOn === undefined ? checkedBefore : change.vatCheckedOn;
  const territoryBefore = country === before.country ? before.vatTerritory : null;
  if (vatCheckedOn !== null && vatNumber === '') throw refuse.NO_VAT_NUMBER({});
  checkVatNumberIn(country, vatNumber);
  return {
    organization: change.organization ?? before.organization,
    street: change.street ?? before.street,
    city: change.city ?? before.city,
    postalCode: change.postalCode ?? before.postalCode,
    country,
    vatNumber,
    vatCheckedOn,
    vatTerritory: change.vatTerritory === undefined ? territoryBefore : change.vatTerritory,
  };
}
