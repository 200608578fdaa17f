import fc from 'fast-check';
import { AndFilter, BerReader, BerWriter, EqualityFilter, FilterParser } from 'ldapts';
import { expect, it } from 'vitest';
import { peopleFilter } from '../../src/lib/io/ldap/filter.ts';
import { CASES } from '../support/property.ts';

const TEMPLATE = '(&(objectClass=inetOrgPerson)(!(employeeType=former)))';
const settings = { userFilter: TEMPLATE, attributes: { login: 'uid', mail: 'mail', name: 'cn' } };

/** Text that tries to get out of its place in a filter or a name. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        '*',
        '(',
        ')',
        '\\',
        '\\2a',
        '\0',
        '|',
        '&',
        '!',
        '=',
        'uid',
        ',',
        '+',
        '"',
        ' ',
        '#',
        'ü',
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join('')),
);

it('keeps the configured filter, and the login a value in it, whatever the login is', {
  timeout: 120_000,
}, () => {
  // ldapts reads the names of attributes in lower case.
  const template = TEMPLATE.toLowerCase();
  fc.assert(
    fc.property(hostile, (username) => {
      const writer = new BerWriter();
      peopleFilter(settings, username).write(writer);
      const read = FilterParser.parse(new BerReader(writer.buffer));
      expect(read).toBeInstanceOf(AndFilter);
      const [configured, login, ...others] = (read as AndFilter).filters;
      expect(others).toEqual([]);
      expect(configured?.toString().toLowerCase()).toBe(template);
      expect(login).toBeInstanceOf(EqualityFilter);
      const { attribute, value } = login as EqualityFilter;
      expect({ attribute, value: Buffer.from(value) }).toEqual({
        attribute: 'uid',
        value: Buffer.from(username),
      });
    }),
    { numRuns: CASES },
  );
});
