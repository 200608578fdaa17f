import { type AddressChange, type BillingAddress, changeAddress } from './address.ts';
import { changedFields } from './changed-fields.ts';
import { changeUser, type User, type UserChange } from './user.ts';

/** A user with the billing address, if there is one. */
export interface Person {
  readonly user: User;
  readonly address: BillingAddress | null;
}

/** What is to be changed about a person; an absent field stays as it is. */
export interface PersonChange {
  readonly user: UserChange;
  readonly address: AddressChange;
}

/**
 * The person after a change.
 * @throws ADDRESS_NEEDS_COUNTRY, NO_VAT_NUMBER, INVALID_VAT_NUMBER
 */
export function changePerson({ user, address }: Person, change: PersonChange): Person {
  return { user: changeUser(user, change.user), address: changeAddress(address, change.address) };
}

/** The names of the fields, of user and address, in which two states of a person differ. */
export function changedPersonFields(before: Person, after: Person): string[] {
  return [
    ...changedFields(before.user, after.user),
    ...changedFields<Partial<BillingAddress>>(before.address ?? {}, after.address ?? {}),
  ];
}
