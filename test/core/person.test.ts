import { describe, expect, it } from 'vitest';
import { changeAddress } from '../../src/lib/core/address.ts';
import { parseCountry } from '../../src/lib/core/country.ts';
import type { Instant } from '../../src/lib/core/instant.ts';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import { changedPersonFields, changePerson } from '../../src/lib/core/person.ts';
import { newUser, parseEmail, parseUsername } from '../../src/lib/core/user.ts';
import { parseTerritory } from '../../src/lib/core/vat.ts';
import { parseVatNumber } from '../../src/lib/core/vat-number.ts';
import { refusalOf } from '../support/refusal.ts';

const DE = { country: parseCountry('DE'), vatNumber: parseVatNumber('DE123456789') };
const CHECKED = parseDay('2025-03-01');

describe('parseUsername', () => {
  it.each(['nico', 'n', '_x', 'anna.müller@example.net', 'a+b-c_d', '王', 'a'.repeat(150)])(
    'takes %j',
    (text) => {
      expect(parseUsername(text)).toBe(text);
    },
  );

  it.each([
    '',
    ' nico',
    'nico ',
    'a b',
    '-rf',
    '.',
    '@x',
    'a/b',
    'a\u0000',
    'a\u202eb',
    'a,b',
    'a'.repeat(151),
  ])('refuses %j', (text) => {
    expect(refusalOf(() => parseUsername(text)).code).toBe('INVALID_USERNAME');
  });

  it('knows a name however it was typed', () => {
    expect(parseUsername('mu\u0308ller')).toBe(parseUsername('m\u00fcller'));
  });
});

it('a mail address has one @ and nothing that no mailbox needs', () => {
  for (const right of ['', 'a@b', "o'brien+x@example.net", 'müller@example.ch'])
    expect(parseEmail(right)).toBe(right);
  for (const wrong of [
    'a',
    '@b',
    'a@',
    'a@b@c',
    'a b@c',
    'N <a@b>',
    'a@b\n',
    'a@b,c@d',
    `${'a'.repeat(65)}@b`,
  ]) {
    expect(refusalOf(() => parseEmail(wrong)).code, wrong).toBe('INVALID_EMAIL');
  }
});

it('a line has no control characters and an end', () => {
  expect(parseLine('city', '  Zu\u0308rich ')).toBe('Zürich');
  for (const wrong of ['a\nb', 'a\u0000b', 'a\u001b[31mb', 'a\u2028b', 'x'.repeat(201), 'a\ud800b']) {
    expect(refusalOf(() => parseLine('city', wrong)).code, JSON.stringify(wrong)).toBe('INVALID_TEXT');
  }
  expect(parseLine('city', '🏔'.repeat(200))).toHaveLength(400);
});

describe('changeAddress', () => {
  it('makes none of nothing, and needs a country for the rest', () => {
    expect(changeAddress(null, {})).toBeNull();
    expect(changeAddress(null, { city: parseLine('city', ''), vatTerritory: null })).toBeNull();
    const { code } = refusalOf(() => changeAddress(null, { city: parseLine('city', 'Glarus') }));
    expect(code).toBe('ADDRESS_NEEDS_COUNTRY');
  });

  it('forgets that a number was checked when the number changes', () => {
    const checked = changeAddress(null, { ...DE, vatCheckedOn: CHECKED });
    expect(checked).toMatchObject({ vatCheckedOn: CHECKED });
    expect(changeAddress(checked, { ...DE, city: parseLine('city', 'Bonn') })?.vatCheckedOn).toBe(CHECKED);
    const other = { vatNumber: parseVatNumber('DE999999999') };
    expect(changeAddress(checked, other)?.vatCheckedOn).toBeNull();
    expect(changeAddress(checked, { ...other, vatCheckedOn: CHECKED })?.vatCheckedOn).toBe(CHECKED);
    expect(changeAddress(checked, { vatNumber: parseVatNumber('') })?.vatCheckedOn).toBeNull();
    expect(changeAddress(checked, { vatCheckedOn: null })).toMatchObject({ ...DE, vatCheckedOn: null });
  });

  it('refuses the check of no number, and a number that says nothing about its country', () => {
    expect(refusalOf(() => changeAddress(null, { country: DE.country, vatCheckedOn: CHECKED })).code).toBe(
      'NO_VAT_NUMBER',
    );
    const us = changeAddress(null, { country: parseCountry('US'), vatNumber: parseVatNumber('12-3456789') });
    expect(us?.vatNumber).toBe('12-3456789');
    expect(refusalOf(() => changeAddress(us, { country: DE.country })).code).toBe('INVALID_VAT_NUMBER');
  });

  it('keeps and takes away the territory', () => {
    const tyrol = changeAddress(null, {
      country: parseCountry('AT'),
      vatTerritory: parseTerritory('AT-6691'),
    });
    expect(changeAddress(tyrol, {})?.vatTerritory).toBe('AT-6691');
    expect(changeAddress(tyrol, { vatTerritory: null })?.vatTerritory).toBeNull();
    const moved = { country: parseCountry('DE') };
    expect(changeAddress(tyrol, moved)?.vatTerritory).toBeNull();
    const vatTerritory = parseTerritory('DE-78266');
    expect(changeAddress(tyrol, { ...moved, vatTerritory })?.vatTerritory).toBe(vatTerritory);
  });
});

it('names the fields that a change changed', () => {
  const nico = { user: newUser(parseUsername('nico'), 0 as Instant), address: null };
  const change = { user: { isStaff: true, isActive: true }, address: DE };
  const changed = changePerson(nico, change);
  expect(changedPersonFields(nico, changed)).toEqual(['isStaff', 'country', 'vatNumber']);
  expect(changedPersonFields(changed, changePerson(changed, change))).toEqual([]);
});
