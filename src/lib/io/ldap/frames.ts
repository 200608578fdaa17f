/**
 * The bytes of a connection as LDAP messages, each checked before ldapts sees it. ldapts itself waits for any length
 * that is announced, copies all that has come with every packet, and reads for ever where an element claims to be
 * longer than the one around it.
 */

/** A group of 100,000 members fits; no entry of a person comes near. */
export const LONGEST_MESSAGE = 16 * 1024 * 1024;

/** RFC 4511 §4.1.1 and its ASN.1: the tags of what a server may send us. */
const TAG = {
  integer: 0x02,
  octets: 0x04,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31,
  bindResponse: 0x61,
  entry: 0x64,
  searchDone: 0x65,
  reference: 0x73,
  extendedResponse: 0x78,
  controls: 0xa0,
} as const;

/** What breaks the rules of LDAP, as the end of a sentence: "it …". */
export class FrameError extends Error {}

interface Element {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** Cuts a stream of bytes into messages. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  /** With fewer bytes than these there is nothing new to see. */
  #needed = 1;

  /** Whether no part of a message is waiting for the rest. */
  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /**
   * Takes bytes and gives the messages that they complete.
   * @throws FrameError for what is no LDAP message, or a longer one than we accept
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    const messages: Buffer[] = [];
    while (this.#size >= this.#needed) {
      const bytes = this.#chunks.length === 1 ? (this.#chunks[0] ?? chunk) : Buffer.concat(this.#chunks);
      const length = announcedLength(bytes);
      const isWhole = length !== null && length <= bytes.length;
      if (isWhole) {
        const message = bytes.subarray(0, length);
        checkMessage(message);
        messages.push(message);
      }
      const rest = isWhole ? bytes.subarray(length) : bytes;
      this.#chunks = [rest];
      this.#size = rest.length;
      this.#needed = isWhole ? 1 : (length ?? rest.length + 1);
    }
    return messages;
  }
}

/** The length of the message that begins here, its header included; null while the header is not there. */
function announcedLength(bytes: Buffer): number | null {
  if (bytes[0] !== TAG.sequence) throw new FrameError('it sends something that is not LDAP');
  const first = bytes[1];
  if (first === undefined) return null;
  if (first > 0x80 && first <= 0x84 && bytes.length < 2 + (first & 0x7f)) return null;
  const { start, length } = readLength(bytes, 1);
  if (start + length > LONGEST_MESSAGE) throw new FrameError(`it announces a message of ${length} bytes`);
  return start + length;
}

/**
 * Checks that a message is one of those that answer us, and that each of its elements lies within the one around it.
 * @throws FrameError
 */
export function checkMessage(message: Buffer): void {
  const [body, ...beyond] = elements(message, 0, message.length);
  if (body?.tag !== TAG.sequence || beyond.length > 0) throw malformed();
  const [id, operation, controls, ...rest] = elements(message, body.start, body.end);
  if (id?.tag !== TAG.integer || id.end - id.start > 4 || operation === undefined || rest.length > 0) {
    throw malformed();
  }
  checkOperation(message, operation);
  if (controls === undefined) return;
  expect(controls, TAG.controls);
  for (const control of elements(message, controls.start, controls.end)) {
    expect(control, TAG.sequence);
    const [type] = elements(message, control.start, control.end);
    expect(type, TAG.octets);
  }
}

function checkOperation(message: Buffer, operation: Element): void {
  const parts = elements(message, operation.start, operation.end);
  switch (operation.tag) {
    case TAG.entry: {
      const [name, attributes, ...rest] = parts;
      expect(name, TAG.octets);
      expect(attributes, TAG.sequence);
      if (rest.length > 0) throw malformed();
      for (const attribute of elements(message, attributes.start, attributes.end)) {
        expect(attribute, TAG.sequence);
        const [type, values, ...others] = elements(message, attribute.start, attribute.end);
        expect(type, TAG.octets);
        expect(values, TAG.set);
        if (others.length > 0) throw malformed();
        for (const value of elements(message, values.start, values.end)) expect(value, TAG.octets);
      }
      return;
    }
    case TAG.reference:
      for (const uri of parts) expect(uri, TAG.octets);
      return;
    case TAG.bindResponse:
    case TAG.searchDone:
    case TAG.extendedResponse:
      expect(parts[0], TAG.enumerated);
      expect(parts[1], TAG.octets);
      expect(parts[2], TAG.octets);
      return;
    default:
      throw new FrameError(`it answers with the operation 0x${operation.tag.toString(16)}`);
  }
}

function expect(element: Element | undefined, tag: number): asserts element is Element {
  if (element?.tag !== tag) throw malformed();
}

/** The elements that fill a range of bytes exactly. */
function elements(bytes: Buffer, from: number, to: number): Element[] {
  const found: Element[] = [];
  for (let at = from; at < to; ) {
    const { start, length } = readLength(bytes, at + 1);
    const end = start + length;
    if (end > to) throw malformed();
    found.push({ tag: bytes[at] ?? 0, start, end });
    at = end;
  }
  return found;
}

/** Reads a length; LDAP has only the definite form (RFC 4511 §5.1), and no message needs more than four bytes for it. */
function readLength(bytes: Buffer, at: number): { start: number; length: number } {
  const first = bytes[at];
  if (first === undefined) throw malformed();
  if (first < 0x80) return { start: at + 1, length: first };
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + count >= bytes.length) throw malformed();
  return { start: at + 1 + count, length: bytes.readUIntBE(at + 1, count) };
}

function malformed(): FrameError {
  return new FrameError('it sends a message that is not well-formed');
}
