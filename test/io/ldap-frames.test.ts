import fc from 'fast-check';
import { expect, it } from 'vitest';
import { checkMessage, FrameError, FrameReader, LONGEST_MESSAGE } from '../../src/lib/io/ldap/frames.ts';
import { entry, nextPage, type Request, reference, result, SEARCH } from '../support/ldap-server.ts';
import { CASES } from '../support/property.ts';

const REQUEST: Request = { id: 3, operation: SEARCH, bytes: Buffer.alloc(0) };
const MESSAGES = [
  entry(REQUEST, 'uid=anna,dc=example', { uid: 'anna', cn: 'Anna', description: 'x'.repeat(300) }),
  entry(REQUEST, '', {}),
  reference(REQUEST, 'ldap://other.example/'),
  result(REQUEST, 0, { controls: [nextPage('cookie')] }),
  result({ ...REQUEST, operation: 0x60 }, 49, { words: 'no' }),
];

it('finds the messages in a stream, however it is cut', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...MESSAGES), { maxLength: 12 }), cuts, (messages, sizes) => {
      const stream = Buffer.concat(messages);
      const reader = new FrameReader();
      const found: Buffer[] = [];
      for (let at = 0, turn = 0; at < stream.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1;
        found.push(...reader.push(stream.subarray(at, at + size)));
        at += size;
      }
      expect(found.map((one) => one.toString('hex'))).toEqual(messages.map((one) => one.toString('hex')));
      expect(reader.isEmpty).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

it('lets nothing through that ldapts could not read to its end, and ends with a refusal', {
  timeout: 120_000,
}, async () => {
  const { MessageParser } = await import('ldapts');
  const damage = fc.record({ at: fc.nat({ max: 400 }), byte: fc.nat({ max: 255 }) });
  fc.assert(
    fc.property(
      fc.constantFrom(...MESSAGES),
      fc.array(damage, { minLength: 1, maxLength: 4 }),
      (message, damages) => {
        const bytes = Buffer.from(message);
        for (const { at, byte } of damages) bytes[at % bytes.length] = byte;
        try {
          checkMessage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
          return;
        }
        const parser = new MessageParser();
        parser.on('error', () => {});
        parser.read(bytes, new Map());
      },
    ),
    { numRuns: CASES },
  );
});

it('refuses a message that is too long before it comes, and other protocols at their first byte', () => {
  const announced = Buffer.alloc(6);
  announced.set([0x30, 0x84]);
  announced.writeUInt32BE(LONGEST_MESSAGE + 1, 2);
  for (const [bytes, reason] of [
    [announced, 'it announces a message of 16777217 bytes'],
    [Buffer.from('H'), 'it sends something that is not LDAP'],
    [Buffer.from([0x30, 0x80]), 'it sends a message that is not well-formed'],
    [Buffer.from([0x30, 0x85]), 'it sends a message that is not well-formed'],
    [Buffer.from([0x30, 0x05, 0x02, 0x01, 0x01, 0x79, 0x00]), 'it answers with the operation 0x79'],
  ] as const) {
    expect(() => new FrameReader().push(bytes)).toThrow(new FrameError(reason));
  }
  expect(new FrameReader().push(announced.subarray(0, 5))).toEqual([]);
});
