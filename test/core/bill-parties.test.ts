import { describe, expect, it } from 'vitest';
import { changeAddress } from '../../src/lib/core/address.ts';
import { buyerOf, buyerOnBill, sellerOf } from '../../src/lib/core/bill-parties.ts';
import { type Country, parseCountry } from '../../src/lib/core/country.ts';
import { type Instant, parseDay } from '../../src/lib/core/instant.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import type { Person } from '../../src/lib/core/person.ts';
import { changeProvider, NO_PROVIDER } from '../../src/lib/core/provider.ts';
import { newUser, parseUsername } from '../../src/lib/core/user.ts';
import { parseVatNumber } from '../../src/lib/core/vat-number.ts';
import { refusalOf } from '../support/refusal.ts';

const user = newUser(parseUsername('nico'), 0 as Instant);
const person = (address: Parameters<typeof changeAddress>[1]): Person => ({
  user,
  address: changeAddress(null, address),
});

describe('the seller', () => {
  const named = changeProvider(NO_PROVIDER, { name: parseLine('name', 'Example AG') });

  it('needs a name and a country', () => {
    expect(sellerOf(null)).toBeNull();
    expect(sellerOf(NO_PROVIDER)).toBeNull();
    expect(sellerOf(named)).toBeNull();
    expect(sellerOf(changeProvider(NO_PROVIDER, { country: parseCountry('CH') }))).toBeNull();
    const whole = changeProvider(named, { country: parseCountry('CH'), registeredIn: [parseCountry('DE')] });
    expect(sellerOf(whole)).toEqual({ country: 'CH', oss: false, registeredIn: ['DE'] });
  });
});

describe('the buyer', () => {
  it('without an address has no country', () => {
    expect(buyerOf({ user, address: null }).country).toBeNull();
    expect(buyerOnBill({ user, address: null })).toMatchObject({ username: 'nico', country: '' });
  });

  it('has a valid VAT number only when it was found valid on some day', () => {
    const vatNumber = parseVatNumber('DE136695976');
    const country = parseCountry('DE');
    expect(buyerOf(person({ country, vatNumber })).vatIdValid).toBe(false);
    const vatCheckedOn = parseDay('2025-01-01');
    expect(buyerOf(person({ country, vatNumber, vatCheckedOn })).vatIdValid).toBe(true);
  });

  it('counts as in the country that was meant, however another writer spelled it', () => {
    expect(buyerOf(person({ country: 'EL' as Country })).country).toBe('GR');
    expect(buyerOf(person({ country: 'ch' as Country })).country).toBe('CH');
    expect(refusalOf(() => buyerOf(person({ country: 'XX' as Country }))).code).toBe('UNKNOWN_COUNTRY');
  });

  it('has no postal code when it is empty', () => {
    const country = parseCountry('AT');
    expect(buyerOf(person({ country })).postalCode).toBeNull();
    expect(buyerOf(person({ country, postalCode: parseLine('postal_code', '6691') })).postalCode).toBe(
      '6691',
    );
  });
});
