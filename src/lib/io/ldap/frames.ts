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
  const length = lengthOf(bytes, 0);
  if (length > LONGEST_MESSAGE) throw new FrameError(`it announces a message of ${length} bytes`);
  return contentOf(bytes, 0) + length;
}

/**
 * Checks that a message is one of those that answer us, and that each of its elements lies within the one around it.
 * @throws FrameError
 */
export function checkMessage(message: Buffer): void {
  const end = endOf(message, 0, message.length, TAG.sequence);
  const id = contentOf(message, 0);
  const operation = endOf(message, id, end, TAG.integer);
  if (end !== message.length || operation - contentOf(message, id) > 4) throw malformed();
  const controls = endOf(message, operation, end);
  checkOperation(message, operation, controls);
  if (controls === end) return;
  if (endOf(message, controls, end, TAG.controls) !== end) throw malformed();
  for (let control = contentOf(message, controls); control < end; ) {
    const next = endOf(message, control, end, TAG.sequence);
    checkAll(message, endOf(message, contentOf(message, control), next, TAG.octets), next);
    control = next;
  }
}

function checkOperation(message: Buffer, operation: number, end: number): void {
  const tag = message[operation] ?? 0;
  const start = contentOf(message, operation);
  switch (tag) {
    case TAG.entry:
      checkEntry(message, start, end);
      break;
    case TAG.reference:
      checkAll(message, start, end, TAG.octets);
      break;
    case TAG.bindResponse:
    case TAG.searchDone:
    case TAG.extendedResponse: {
      const matchedName = endOf(message, start, end, TAG.enumerated);
      const diagnostic = endOf(message, matchedName, end, TAG.octets);
      checkAll(message, endOf(message, diagnostic, end, TAG.octets), end);
      break;
    }
    default:
      throw new FrameError(`it answers with the operation 0x${tag.toString(16)}`);
  }
}

/** RFC 4511 §4.5.2: a name, and a list of attributes, each a type and a set of values. */
function checkEntry(message: Buffer, start: number, end: number): void {
  const list = endOf(message, start, end, TAG.octets);
  if (endOf(message, list, end, TAG.sequence) !== end) throw malformed();
  for (let attribute = contentOf(message, list); attribute < end; ) {
    const next = endOf(message, attribute, end, TAG.sequence);
    const values = endOf(message, contentOf(message, attribute), next, TAG.octets);
    if (endOf(message, values, next, TAG.set) !== next) throw malformed();
    checkAll(message, contentOf(message, values), next, TAG.octets);
    attribute = next;
  }
}

/** Checks that elements fill a range of bytes exactly. */
function checkAll(bytes: Buffer, from: number, to: number, tag?: number): void {
  for (let at = from; at < to; ) at = endOf(bytes, at, to, tag);
}

/** Where the element that begins at `at` ends: within `limit`, and of that kind. */
function endOf(bytes: Buffer, at: number, limit: number, tag = bytes[at]): number {
  if (at >= limit || bytes[at] !== tag) throw malformed();
  const end = contentOf(bytes, at) + lengthOf(bytes, at);
  if (end > limit) throw malformed();
  return end;
}

/** Where the content of the element that begins at `at` begins. */
function contentOf(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? 0;
  return at + 2 + (first < 0x80 ? 0 : first & 0x7f);
}

/**
 * Reads a length; LDAP has only the definite form (RFC 4511 §5.1), and no message needs more than four bytes for it.
 */
function lengthOf(bytes: Buffer, at: number): number {
  const first = bytes[at + 1];
  if (first === undefined) throw malformed();
  if (first < 0x80) return first;
  const count = first & 0x7f;
  if (count === 0 || count > 4 || at + 1 + count >= bytes.length) throw malformed();
  return bytes.readUIntBE(at + 2, count);
}

function malformed(): FrameError {
  return new FrameError('it sends a message that is not well-formed');
}
