import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Message, MessageParser, type MessageResponse, SearchEntry, SearchReference } from 'ldapts';
import { quote, refuse, UserError } from '../../core/errors.ts';
import type { LdapSettings } from '../../core/ldap-settings.ts';
import { FrameError, FrameReader } from './frames.ts';

/** Entries that are asked for at once. Active Directory gives no more than 1,000. */
export const PAGE_SIZE = 1000;

/** More than that in answer to one request was not asked for. */
const MOST_ANSWERS = 2 * PAGE_SIZE;

/** Answers are held until the last one is there: one group of the largest kind and many others fit. */
const MOST_BYTES = 128 * 1024 * 1024;

/** The parser looks requests up for controls of theirs that it would fill in; we send none of that kind. */
const NO_REQUESTS = new Map<string, { message: Message }>();

/**
 * One connection, on which requests and answers take turns. ldapts writes and reads the messages; the connection is
 * ours, because ldapts' own would connect again without TLS and login after it was cut, and ends a search early at a
 * page without entries.
 */
export class Conversation {
  readonly #socket: Socket;
  readonly #settings: LdapSettings;
  readonly #frames = new FrameReader();
  readonly #parser = new MessageParser();
  #parsed: MessageResponse | null = null;
  readonly #inbox: Buffer[] = [];
  #failure: Error | null = null;
  #answers = 0;
  #bytes = 0;
  #lastId = 0;
  #wake: () => void = () => {};

  constructor(socket: Socket, settings: LdapSettings) {
    this.#socket = socket;
    this.#settings = settings;
    this.#parser.on('error', () => {});
    this.#parser.on('message', (message) => {
      this.#parsed = message;
    });
    socket.on('data', this.#take).on('error', this.#fail).on('close', this.#end);
  }

  /** Sends a request, made with the id that it gets. */
  send(make: (messageId: number) => Message): void {
    this.#lastId += 1;
    this.#answers = 0;
    this.#bytes = 0;
    this.#socket.write(make(this.#lastId).write());
  }

  /**
   * The next answer to the last request.
   * @throws LDAP_UNREACHABLE, LDAP_PROTOCOL, LDAP_TLS
   */
  async receive(): Promise<MessageResponse> {
    for (;;) {
      const frame = this.#inbox.shift();
      if (frame !== undefined) return this.#read(frame);
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#socket.resume();
      });
    }
  }

  /**
   * Lets go of the socket, for TLS.
   * @throws LDAP_PROTOCOL when the server has said more than it was asked for: whoever listens in could have added it
   */
  release(): void {
    if (this.#inbox.length > 0 || !this.#frames.isEmpty)
      throw this.#broken('it talks on before TLS has begun');
    this.#socket.off('data', this.#take).off('error', this.#fail).off('close', this.#end);
  }

  /** Says goodbye and does not wait for it. */
  close(goodbye?: (messageId: number) => Message): void {
    this.#failure ??= new Error('the conversation is over');
    if (goodbye !== undefined) this.#socket.write(goodbye(this.#lastId + 1).write());
    this.#socket.end();
    // Whether the server takes note of it or not: the program may end.
    this.#socket.unref();
  }

  readonly #take = (chunk: Buffer): void => {
    if (this.#failure !== null) return;
    try {
      this.#inbox.push(...this.#frames.push(chunk));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#fail(this.#broken(error.message));
    }
    if (this.#inbox.length > 0) {
      this.#socket.pause();
      this.#wake();
    }
  };

  readonly #fail = (error: Error): void => {
    this.#failure ??= translateSocketError(error, this.#settings);
    this.#socket.destroy();
    this.#wake();
  };

  readonly #end = (): void => {
    const reason = 'it closed the connection before its answer was complete';
    this.#fail(refuse.LDAP_UNREACHABLE({ url: this.#settings.url, reason }));
  };

  #read(frame: Buffer): MessageResponse {
    this.#bytes += frame.length;
    if (this.#bytes > MOST_BYTES)
      throw this.#broken(`it sends more than ${MOST_BYTES} bytes in answer to one request`);
    const message = this.#parse(frame);
    const { url } = this.#settings;
    if (message === null) throw this.#broken('it sends a message that is not well-formed');
    // RFC 4511 §4.4.1: a message without a request is the notice that the server will disconnect.
    if (message.messageId === 0) {
      const reason = `it says goodbye${message.errorMessage === '' ? '' : `: ${quote(message.errorMessage)}`}`;
      throw refuse.LDAP_UNREACHABLE({ url, reason });
    }
    if (message.messageId !== this.#lastId) throw this.#broken('it answers a question that was not asked');
    this.#answers += 1;
    if (this.#answers > MOST_ANSWERS) {
      throw this.#broken(`it sends more than ${MOST_ANSWERS} messages in answer to one request`);
    }
    return message;
  }

  /** A message as ldapts reads it; null when it cannot. */
  #parse(frame: Buffer): MessageResponse | null {
    this.#parsed = null;
    this.#parser.read(frame, NO_REQUESTS);
    return this.#parsed;
  }

  #broken(reason: string): UserError {
    return refuse.LDAP_PROTOCOL({ url: this.#settings.url, reason });
  }
}

/**
 * Opens a TCP connection.
 * @throws LDAP_UNREACHABLE
 */
export async function connectTo(settings: LdapSettings, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host: settings.host, port: settings.port, noDelay: true });
  const abort = () => socket.destroy(new Error('aborted'));
  signal.addEventListener('abort', abort);
  try {
    await once(socket, 'connect');
    // Once TLS has taken the socket over, its own errors are told there.
    return socket.on('error', () => {});
  } catch (error) {
    throw translateSocketError(error as Error, settings);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Begins TLS on a connection, and verifies the certificate and its name.
 * @throws LDAP_TLS, LDAP_UNREACHABLE
 */
export async function secure(
  socket: Socket,
  settings: LdapSettings,
  ca: readonly string[],
): Promise<{ socket: Socket; version: string }> {
  const { host } = settings;
  const secured = connectTls({
    socket,
    host,
    // RFC 6066 §3: an address is no server name.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: [...ca],
    minVersion: 'TLSv1.2',
  });
  try {
    await once(secured, 'secureConnect');
    return { socket: secured, version: secured.getProtocol() ?? 'TLS' };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') {
      const reason = 'it cut the connection when TLS was to begin, as a server does on a port without TLS';
      throw refuse
        .LDAP_UNREACHABLE({ url: settings.url, reason })
        .hinting(
          'Check the port in ldap.url: usually ldaps:// is 636, and ldap:// with ldap.start_tls 389. If it is right, try again later.',
        );
    }
    throw translateSocketError(error as Error, settings);
  }
}

/** Whether a message of a search is an entry that it found. */
export function isEntry(message: MessageResponse): message is SearchEntry {
  return message instanceof SearchEntry;
}

/** Whether a message of a search names another server to ask, which nobody does. */
export function isReference(message: MessageResponse): message is SearchReference {
  return message instanceof SearchReference;
}

const NETWORK_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'it cut the connection',
  EPIPE: 'it cut the connection',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ETIMEDOUT: 'the connection timed out',
  ENOTFOUND: 'the name of the host is not known',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
};

const CERTIFICATE_REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by nobody but itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an authority that is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that is not known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an authority that is not known',
};

function translateSocketError(error: Error, { url, host }: LdapSettings): Error {
  if (error instanceof UserError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  const network = NETWORK_REASONS[code];
  if (network !== undefined) return refuse.LDAP_UNREACHABLE({ url, reason: network });
  const certificate = CERTIFICATE_REASONS[code];
  if (certificate !== undefined) return refuse.LDAP_TLS({ url, reason: certificate });
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { cert } = error as { cert?: { subjectaltname?: string } };
    const names = cert?.subjectaltname ?? 'nobody';
    return refuse.LDAP_TLS({ url, reason: `its certificate is for ${quote(names)}, not for ${quote(host)}` });
  }
  if (code === 'EPROTO' || /^ERR_(SSL|TLS|OSSL)/.test(code)) {
    return refuse.LDAP_TLS({ url, reason: `TLS does not come about (${code})` });
  }
  if (/^E[A-Z_]+$/.test(code)) return refuse.LDAP_UNREACHABLE({ url, reason: message });
  return error;
}
