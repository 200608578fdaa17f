import { Flags } from '@oclif/core';
import type { BillingAddress } from '../core/address.ts';
import { formatInstant } from '../core/instant.ts';
import type { Person, PersonChange } from '../core/person.ts';
import type { DirectoryLink } from '../core/user.ts';
import { fieldNames } from './field-names.ts';
import { country, email, line, vatNumber } from './flags.ts';
import { type Cell, renderTable } from './table.ts';

/** The flags for what is known about a person: those of `bootstrap-user` and `user update`. */
export const personFlags = {
  staff: Flags.boolean({ allowNo: true, summary: 'Whether the user belongs to the staff' }),
  email: email({ summary: 'Mail address' }),
  'full-name': line('full_name', 'Full name'),
  organization: line('organization', 'Company or other body that is billed'),
  street: line('street', 'Street and number'),
  city: line('city', 'Town'),
  'postal-code': line('postal_code', 'Postal code'),
  country: country({ summary: 'Country, ISO 3166-1 alpha-2; decides the VAT' }),
  'vat-number': vatNumber({ summary: 'VAT number; another one than before counts as unchecked' }),
};

type Given<Flag> = { readonly [Name in keyof Flag]?: Flag[Name] | undefined };

/** The change that the flags ask for. */
export function changeFromFlags(
  flags: Given<{
    staff: boolean;
    email: PersonChange['user']['email'];
    'full-name': PersonChange['user']['fullName'];
    organization: BillingAddress['organization'];
    street: BillingAddress['street'];
    city: BillingAddress['city'];
    'postal-code': BillingAddress['postalCode'];
    country: BillingAddress['country'];
    'vat-number': BillingAddress['vatNumber'];
  }>,
): PersonChange {
  const { organization, street, city } = flags;
  return {
    user: { isStaff: flags.staff, email: flags.email, fullName: flags['full-name'] },
    address: {
      organization,
      street,
      city,
      postalCode: flags['postal-code'],
      country: flags.country,
      vatNumber: flags['vat-number'],
    },
  };
}

/** A table of users. */
export function personTable(people: readonly Person[]): string {
  const columns = [
    { title: 'username' },
    { title: 'full name', yields: true },
    { title: 'email', yields: true },
    { title: 'organization', yields: true, spare: 1 },
    { title: 'country' },
    { title: 'staff' },
    { title: 'active' },
  ];
  const rows = people.map(({ user, address }) => [
    user.username,
    user.fullName,
    user.email,
    address?.organization ?? null,
    address?.country ?? null,
    user.isStaff ? 'yes' : 'no',
    user.isActive ? 'yes' : 'no',
  ]);
  return renderTable(columns, rows);
}

/** A user as `--json` gives it. */
export function userDocument({ id, user }: Person & { readonly id: number }) {
  return {
    id,
    username: user.username,
    full_name: user.fullName,
    email: user.email,
    language: user.language,
    is_staff: user.isStaff,
    is_active: user.isActive,
    created_at: formatInstant(user.createdAt),
    directory: directoryDocument(user.directory),
  };
}

/** The entry of the directory that a user or a group is, as `--json` gives it. */
export function directoryDocument(link: DirectoryLink | null) {
  if (link === null) return null;
  const { id, dn, goneAt } = link;
  return { id, dn, gone_at: goneAt === null ? null : formatInstant(goneAt) };
}

/** A billing address as `--json` gives it. */
export function addressDocument(address: BillingAddress | null) {
  if (address === null) return null;
  return {
    organization: address.organization,
    street: address.street,
    city: address.city,
    postal_code: address.postalCode,
    country: address.country,
    vat_number: address.vatNumber,
    vat_checked_on: address.vatCheckedOn,
    vat_territory: address.vatTerritory,
  };
}

/** A user with the address inside, as `--json` gives it. */
export function personDocument(person: Person & { readonly id: number }) {
  return { ...userDocument(person), billing_address: addressDocument(person.address) };
}

/** A person as a reader sees it: what is not known shows as a dash. */
export function personFields(person: Person & { readonly id: number }): Record<string, Cell> {
  const { user, address } = person;
  const place = [address?.street, `${address?.postalCode ?? ''} ${address?.city ?? ''}`.trim()];
  const checked = address?.vatCheckedOn ?? null;
  return {
    Username: user.username,
    Id: person.id,
    'Full name': user.fullName || null,
    Email: user.email || null,
    Staff: user.isStaff ? 'yes' : 'no',
    Active: user.isActive ? 'yes' : 'no',
    Language: user.language,
    Created: formatInstant(user.createdAt),
    Directory: placeInDirectory(user.directory),
    Organization: address?.organization || null,
    Address: place.filter(Boolean).join(', ') || null,
    Country: address?.country ?? null,
    'VAT number': address?.vatNumber
      ? `${address.vatNumber} (${checked === null ? 'not checked' : `checked on ${checked}`})`
      : null,
    'VAT territory': address?.vatTerritory ?? null,
  };
}

/** Where a user stands in the directory, as a person reads it. */
export function placeInDirectory(link: DirectoryLink | null): string | null {
  if (link === null) return null;
  return link.goneAt === null ? link.dn : `${link.dn} (gone, ${formatInstant(link.goneAt)})`;
}

/** The fields of a person that a directory can say. */
const FROM_DIRECTORY = new Set(
  'username fullName email isStaff organization street city postalCode country'.split(' '),
);

/** What a person should know who changes by hand what comes from the directory; null: nothing. */
export function overwriteWarning({ user: { directory } }: Person, changed: readonly string[]): string | null {
  const fields = fieldNames(changed.filter((field) => FROM_DIRECTORY.has(field)));
  if (directory === null || directory.goneAt !== null || fields.length === 0) return null;
  return `where ${directory.dn} says another ${fields.join(', ')}, the next uncloud user sync takes it from there.`;
}
