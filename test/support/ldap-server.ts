import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** A request, as far as a scripted server looks at it. */
export interface Request {
  readonly id: number;
  /** The tag of the operation: 0x60 bind, 0x63 search, 0x77 extended. */
  readonly operation: number;
  readonly bytes: Buffer;
}

/** Answers one request by writing to the socket. */
export type Script = (request: Request, socket: Socket) => void;

export const BIND = 0x60;
export const SEARCH = 0x63;
export const EXTENDED = 0x77;

/** A server on loopback that says what its script says. It keeps every byte that it was sent in the clear. */
export class LdapServer {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #received: Buffer[] = [];

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /**
   * @param script what it answers; null: not even that
   * @param tls with which it begins, or begins after StartTLS
   */
  static async start(
    script: Script | null,
    { tls, onConnect }: { tls?: { cert: string; key: string }; onConnect?: (socket: Socket) => void } = {},
  ): Promise<LdapServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const self = new LdapServer(server, address.port);
    server.on('connection', (raw) => {
      self.#sockets.add(raw);
      raw.on('error', () => {});
      const socket = tls === undefined ? raw : new TLSSocket(raw, { isServer: true, ...tls });
      socket.on('error', () => {});
      onConnect?.(socket);
      socket.on('data', (bytes: Buffer) => {
        self.#received.push(bytes);
        if (script === null) return;
        for (const request of requestsIn(bytes)) script(request, socket);
      });
    });
    return self;
  }

  /** All that it was told, decrypted. */
  get received(): string {
    return Buffer.concat(this.#received).toString('latin1');
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A client that waits for answers sends whole requests, each shorter than 64 KiB. */
function* requestsIn(bytes: Buffer): Generator<Request> {
  for (let at = 0; bytes[at] === 0x30; ) {
    const [start, length] =
      bytes[at + 1] === 0x82
        ? [at + 4, bytes.readUInt16BE(at + 2)]
        : bytes[at + 1] === 0x81
          ? [at + 3, bytes[at + 2] ?? 0]
          : [at + 2, bytes[at + 1] ?? 0];
    const idLength = bytes[start + 1] ?? 1;
    yield {
      id: bytes.readUIntBE(start + 2, idLength),
      operation: bytes[start + 2 + idLength] ?? 0,
      bytes: bytes.subarray(at, start + length),
    };
    at = start + length;
  }
}

/** One element of BER: a tag, a length, and what it holds. */
export function element(tag: number, ...contents: (Buffer | string)[]): Buffer {
  const content = Buffer.concat(
    contents.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const head = content.length < 0x80 ? [tag, content.length] : [tag, 0x84, ...length];
  return Buffer.concat([Buffer.from(head), content]);
}

const text = (value: string) => element(0x04, value);

/** A whole message. */
export function message(id: number, operation: Buffer, ...controls: Buffer[]): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(id);
  const parts = [element(0x02, number), operation];
  return element(0x30, ...parts, ...(controls.length === 0 ? [] : [element(0xa0, ...controls)]));
}

/** The answer to a request: the result of its operation. */
export function result(
  { id, operation }: Request,
  code = 0,
  { words = '', value = [], controls = [] }: { words?: string; value?: Buffer[]; controls?: Buffer[] } = {},
): Buffer {
  const tag = { [BIND]: 0x61, [SEARCH]: 0x65, [EXTENDED]: 0x78 }[operation] ?? 0x65;
  return message(
    id,
    element(tag, element(0x0a, Buffer.from([code])), text(''), text(words), ...value),
    ...controls,
  );
}

/** One entry of the answer to a search. */
export function entry(
  { id }: Request,
  dn: string,
  attributes: Readonly<Record<string, string | string[]>>,
): Buffer {
  const list = Object.entries(attributes).map(([type, value]) =>
    element(0x30, text(type), element(0x31, ...[value].flat().map(text))),
  );
  return message(id, element(0x64, text(dn), element(0x30, ...list)));
}

/** A referral in the answer to a search. */
export function reference({ id }: Request, uri: string): Buffer {
  return message(id, element(0x73, text(uri)));
}

/** The control that says how the next page is asked for. */
export function nextPage(cookie: string): Buffer {
  const value = element(0x30, element(0x02, Buffer.from([0])), text(cookie));
  return element(0x30, text('1.2.840.113556.1.4.319'), element(0x04, value));
}

/** The number of a person, as an entry. */
export function person(request: Request, number: number): Buffer {
  const id = number.toString(16).padStart(12, '0');
  return entry(request, `uid=user${number},dc=example`, {
    uid: `user${number}`,
    cn: `User ${number}`,
    entryUUID: `00000000-0000-4000-8000-${id}`,
  });
}

/** A group whose owner and first member is the first person. */
function group(request: Request): Buffer {
  const entryUUID = '00000000-0000-4000-8001-000000000001';
  const members = { owner: 'uid=user1,dc=example', memberUid: ['user1', 'nobody'] };
  return entry(request, 'cn=research,dc=example', { cn: 'research', entryUUID, ...members });
}

/** A small honest directory with two people and a group. */
export const honest: Script = (request, socket) => {
  if (request.operation === SEARCH && request.bytes.includes('memberUid')) socket.write(group(request));
  else if (request.operation === SEARCH)
    socket.write(Buffer.concat([1, 2].map((number) => person(request, number))));
  const value = request.operation === EXTENDED ? [element(0x8b, 'dn:cn=uncloud,dc=example')] : [];
  socket.write(result(request, 0, { value }));
};
