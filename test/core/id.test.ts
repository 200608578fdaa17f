import { expect, it } from 'vitest';
import { parseId } from '../../src/lib/core/id.ts';

it('reads an id, alone or marked', () => {
  expect([parseId('7'), parseId('id:7'), parseId('9007199254740991')]).toEqual([
    7,
    7,
    Number.MAX_SAFE_INTEGER,
  ]);
});

it.each([
  '',
  '0',
  '-1',
  '07',
  '1.0',
  '1e3',
  'abc',
  'id:',
  'ref:7',
  '9007199254740992',
  '99999999999999999999',
])('refuses %j', (text) => {
  expect(() => parseId(text)).toThrow(expect.objectContaining({ code: 'INVALID_ID' }));
});
