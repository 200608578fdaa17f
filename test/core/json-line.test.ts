import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UserError } from '../../src/lib/core/errors.ts';
import { parseJsonLine } from '../../src/lib/core/json-line.ts';

test('members keep their order, their kinds, and numbers as they were written', () => {
  expect(parseJsonLine(' {"a":"x","b" : 10.50,"c":true,"d":null,"e":{"f":[1,"]"]},"g":[{}]} ')).toEqual([
    { name: 'a', kind: 'string', text: 'x', source: '"a":"x"' },
    { name: 'b', kind: 'number', text: '10.50', source: '"b" : 10.50' },
    { name: 'c', kind: 'boolean', text: 'true', source: '"c":true' },
    { name: 'd', kind: 'null', text: '', source: '"d":null' },
    { name: 'e', kind: 'object', text: '', source: '"e":{"f":[1,"]"]}' },
    { name: 'g', kind: 'array', text: '', source: '"g":[{}]' },
  ]);
  expect(parseJsonLine('{}')).toEqual([]);
});

test.each([
  ['', 1, 'the line ends where an object, which begins with {, should be'],
  ['["a"]', 1, '"[" stands where an object, which begins with {, should be'],
  ['{"a":1', 7, 'the line ends where a comma or the closing } should be'],
  ['{"a":1}}', 8, '"}" stands where the end of the line should be'],
  ['{"a":1,}', 8, '"}" stands where a name in double quotes should be'],
  ["{'a':1}", 2, '"\'" stands where a name in double quotes should be'],
  ['{"a" 1}', 6, '"1" stands where a colon should be'],
  ['{"a":}', 6, '"}" stands where a value should be'],
  ['{"a":01}', 7, '"1" stands where a comma or the closing } should be'],
  ['{"a":+1}', 6, '"+" stands where a value should be'],
  ['{"a":NaN}', 6, '"N" stands where a value should be'],
  ['{"a":"x}', 6, 'the string that begins here is never closed'],
  ['{"a":"x\\"}', 6, 'the string that begins here is never closed'],
  ['{"a":"x\ty"}', 8, 'a control character in a string has to be escaped'],
  ['{"a":"\\\\\\x"}', 9, 'the backslash here begins no escape of JSON'],
  ['{"a":"\\u12g4"}', 7, 'the backslash here begins no escape of JSON'],
  ['{"a":1,"a":2}', 8, 'the name "a" appears twice'],
  ['{"a":1,"\\u0061":2}', 8, 'the name "a" appears twice'],
  [`{"a":${'['.repeat(200)}`, 106, 'there are more than 100 objects in each other'],
])('%j is refused in column %i', (line, column, reason) => {
  let error: unknown;
  try {
    parseJsonLine(line);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({
    code: 'JSON_SYNTAX',
    message: `No JSON object, in column ${column}: ${reason}.`,
  });
});

test('__proto__ is a name like any other', () => {
  expect(parseJsonLine('{"__proto__":"x"}').map(({ name }) => name)).toEqual(['__proto__']);
});

test('what JSON.stringify writes is read, and what JSON.parse refuses is refused', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.boolean())),
      (object) => {
        const members = parseJsonLine(JSON.stringify(object));
        const expected = Object.entries(JSON.parse(JSON.stringify(object)) as Record<string, unknown>);
        expect(members.map(({ name, text }) => [name, text])).toEqual(
          expected.map(([name, value]) => [
            name,
            value === null ? '' : String(typeof value === 'number' ? JSON.stringify(value) : value),
          ]),
        );
      },
    ),
    { numRuns: 2000 },
  );
  const piece = fc.constantFrom(
    '{',
    '}',
    '"',
    '"a"',
    ':',
    ',',
    '1',
    '-',
    '.',
    'e',
    'true',
    'nul',
    '[',
    ']',
    ' ',
    '\\',
    'u00e9',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const line = pieces.join('');
      const accepts = (read: (text: string) => unknown) => {
        try {
          return read(line);
        } catch {
          return undefined;
        }
      };
      const value = accepts(JSON.parse);
      const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
      const isRepeated = /("a").*:.*\1/.test(line);
      if (!isRepeated) expect(accepts(parseJsonLine) !== undefined).toBe(isObject);
    }),
    { numRuns: 20_000 },
  );
});
