import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Authority, type Certificate, readCertificate, selfSigned } from '../support/certificates.ts';
import { uncloud } from '../support/cli.ts';
import { isInstalled } from '../support/installed.ts';
import {
  BIND,
  EXTENDED,
  element,
  honest,
  LdapServer,
  message,
  nextPage,
  person,
  type Request,
  reference,
  result,
  type Script,
  SEARCH,
} from '../support/ldap-server.ts';

const PASSWORD = 'canary-8d02bb';

const folder = mkdtempSync(join(tmpdir(), 'uncloud-ldap-'));
const passwordFile = join(folder, 'password');
writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
let authority: Authority;
afterAll(() => rmSync(folder, { recursive: true }));

/** Logs in honestly, then answers searches as told. */
function answering(answer: (request: Request) => Buffer): Script {
  return (request, socket) => {
    if (request.operation === SEARCH) socket.write(answer(request));
    else honest(request, socket);
  };
}

interface Server {
  readonly script: Script | null;
  readonly exit: 1 | 75;
  readonly says: RegExp;
  readonly options?: NonNullable<Parameters<typeof LdapServer.start>[1]>;
  readonly certificate?: () => Certificate;
  /** ldap.timeout_seconds; its default of 10 unless given. */
  readonly seconds?: number;
  /** How it is reached; plain on loopback unless given. */
  readonly by?: 'ldaps' | 'start_tls';
  /** Whether the password may have been sent: only after TLS, or where there is no network. */
  readonly hearsPassword?: boolean;
}

/** The first byte of what begins TLS. */
const TLS_HANDSHAKE = 0x16;

/** The request that a careless client would send next. */
const SECOND: Request = { id: 2, operation: BIND, bytes: Buffer.alloc(0) };

/** An answer that begins with this announces what never comes. */
const HUGE = Buffer.from([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff]);

/** An attribute that says it is longer than the entry around it: ldapts alone would read it for ever. */
function overlong({ id }: Request): Buffer {
  const attribute = Buffer.from([0x30, 0x7f, 0x04, 0x01, 0x61]);
  return message(id, element(0x64, element(0x04, 'dc=x'), element(0x30, attribute)));
}

const SERVERS: Readonly<Record<string, Server>> = {
  'is silent': {
    script: null,
    seconds: 1,
    exit: 75,
    says: /no complete answer within 1 seconds/,
    hearsPassword: true,
  },
  'drips one byte at a time': {
    script: (request, socket) => {
      const bytes = result(request);
      let sent = 0;
      setInterval(() => sent < bytes.length && socket.write(bytes.subarray(sent, ++sent)), 200).unref();
    },
    seconds: 1,
    exit: 75,
    says: /no complete answer within 1 seconds/,
    hearsPassword: true,
  },
  'is a web server': {
    script: (_, socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    exit: 1,
    says: /it sends something that is not LDAP/,
    hearsPassword: true,
  },
  'closes in the middle of an answer': {
    script: (request, socket) => {
      if (request.operation === SEARCH) socket.end(person(request, 1).subarray(0, 20));
      else honest(request, socket);
    },
    exit: 75,
    says: /closed the connection before its answer was complete|it cut the connection/,
    hearsPassword: true,
  },
  'announces 2 GB': {
    script: answering(() => HUGE),
    exit: 1,
    says: /announces a message of 2147483647 bytes/,
    hearsPassword: true,
  },
  'sends a million entries': {
    script: (request, socket) => {
      if (request.operation !== SEARCH) return honest(request, socket);
      const thousand = Buffer.concat(Array.from({ length: 1000 }, () => person(request, 1)));
      let sent = 0;
      const more = () => {
        while (sent < 1000 && !socket.destroyed && socket.write(thousand)) sent += 1;
      };
      socket.on('drain', more);
      more();
    },
    exit: 1,
    says: /more than 2000 messages in answer to one request/,
    hearsPassword: true,
  },
  'sends entries of 15 MB': {
    script: (request, socket) => {
      if (request.operation !== SEARCH) return honest(request, socket);
      const value = element(0x31, element(0x04, 'x'.repeat(15_000_000)));
      const attributes = element(0x30, element(0x30, element(0x04, 'uid'), value));
      const entry = message(request.id, element(0x64, element(0x04, 'dc=x'), attributes));
      const more = () => {
        while (!socket.destroyed && socket.write(entry));
      };
      socket.on('drain', more);
      more();
    },
    exit: 1,
    says: /more than 134217728 bytes in answer to one request/,
    hearsPassword: true,
  },
  'sends elements longer than their message': {
    script: answering(overlong),
    exit: 1,
    says: /not well-formed/,
    hearsPassword: true,
  },
  'sends an element where a list belongs': {
    script: answering(({ id }) =>
      message(id, element(0x64, element(0x04, 'dc=x'), element(0x04, '\x30\x7f\x04\x7f'))),
    ),
    exit: 1,
    says: /not well-formed/,
    hearsPassword: true,
  },
  'answers another question': {
    script: answering((request) => result({ ...request, id: request.id + 7 })),
    exit: 1,
    says: /answers a question that was not asked/,
    hearsPassword: true,
  },
  'shuts down': {
    script: answering(({ operation }) =>
      result({ id: 0, operation: EXTENDED, bytes: Buffer.of(operation) }, 52, { words: 'maintenance' }),
    ),
    exit: 75,
    says: /it says goodbye: "maintenance"/,
    hearsPassword: true,
  },
  'is busy': {
    script: answering((request) => result(request, 51)),
    exit: 75,
    says: /busy \(51\)/,
    hearsPassword: true,
  },
  'refers elsewhere': {
    script: answering((request) => reference(request, 'ldap://elsewhere.example/dc=x')),
    exit: 1,
    says: /refers to "ldap:\/\/elsewhere.example\/dc=x", and referrals are not followed/,
    hearsPassword: true,
  },
  'refers elsewhere at once': {
    script: answering((request) => result(request, 10)),
    exit: 1,
    says: /referrals are not followed/,
    hearsPassword: true,
  },
  'takes the login and forgets it': {
    script: (request, socket) => void socket.write(result(request)),
    exit: 1,
    says: /takes the bind as "cn=uncloud,dc=example" and yet treats us as nobody/,
    hearsPassword: true,
  },
  'refuses the login with a colourful word': {
    script: (request, socket) => void socket.write(result(request, 49, { words: '\u001b[31mno' })),
    exit: 1,
    says: /invalid credentials \(49\), "\\u001b\[31mno"/,
    hearsPassword: true,
  },
  'has a certificate for another host': {
    script: honest,
    certificate: () => authority.sign('other', 'DNS:other.example.net'),
    by: 'ldaps',
    exit: 1,
    says: /its certificate is for "DNS:other.example.net", not for "127.0.0.1"/,
  },
  'has an expired certificate': {
    script: honest,
    certificate: () => authority.sign('expired', 'IP:127.0.0.1', -1),
    by: 'ldaps',
    exit: 1,
    says: /its certificate has expired/,
  },
  'has a self-signed certificate': {
    script: honest,
    certificate: () => selfSigned(folder, 'self', 'IP:127.0.0.1'),
    by: 'ldaps',
    exit: 1,
    says: /its certificate is signed by nobody but itself/,
  },
  'never begins TLS': {
    script: null,
    by: 'ldaps',
    seconds: 1,
    exit: 75,
    says: /no complete answer within 1 seconds/,
  },
  'speaks no TLS': {
    script: null,
    options: { onConnect: (socket) => void socket.write(result(SECOND)) },
    by: 'ldaps',
    exit: 1,
    says: /TLS does not come about/,
  },
  'has lost its StartTLS': {
    script: (request, socket) => void socket.write(result(request, request.operation === EXTENDED ? 2 : 0)),
    by: 'start_tls',
    exit: 1,
    says: /it refuses StartTLS, protocol error \(2\)/,
  },
  'says yes to StartTLS and goes on in the clear': {
    script: (request, socket) => void socket.write(result(request)),
    options: {
      onConnect: (socket) => {
        const go = (bytes: Buffer) => bytes[0] === TLS_HANDSHAKE && socket.write(result(SECOND));
        socket.on('data', go);
      },
    },
    by: 'start_tls',
    exit: 1,
    says: /TLS does not come about/,
  },
  'says more than yes to StartTLS': {
    script: (request, socket) =>
      void socket.write(Buffer.concat([result(request), result({ ...request, operation: BIND })])),
    by: 'start_tls',
    exit: 1,
    says: /it talks on before TLS has begun/,
  },
};

/** Runs a command that reads a directory on a port of loopback. */
async function ask(words: string, port: number, by?: 'ldaps' | 'start_tls', limit = 10) {
  const environment = {
    UNCLOUD_LDAP_URL: `${by === 'ldaps' ? 'ldaps' : 'ldap'}://127.0.0.1:${port}`,
    UNCLOUD_LDAP_START_TLS: String(by === 'start_tls'),
    UNCLOUD_LDAP_CA_FILE: authority.certificate,
    UNCLOUD_LDAP_BASE_DN: 'dc=example',
    UNCLOUD_LDAP_BIND_DN: 'cn=uncloud,dc=example',
    UNCLOUD_LDAP_BIND_PASSWORD_FILE: passwordFile,
    UNCLOUD_LDAP_TIMEOUT_SECONDS: String(limit),
    UNCLOUD_LOGGING_FILE: join(folder, 'log'),
    // ldapts tells what it does when asked to: not the password.
    NODE_DEBUG: 'ldapts',
  };
  const start = performance.now();
  const outcome = await uncloud([...words.split(' '), '-v'], { environment });
  return { ...outcome, seconds: (performance.now() - start) / 1000 };
}

const mayTry = isInstalled('openssl') || process.env.CI !== undefined;
if (!mayTry) process.stderr.write('No hostile directory is tried: openssl is not installed.\n');

describe.runIf(mayTry)('a directory that', () => {
  beforeAll(() => {
    authority = new Authority(folder);
  });

  it.concurrent.each(Object.entries(SERVERS))(
    '%s',
    async (_, { script, options, certificate, by, exit, says, hearsPassword = false, seconds: limit }) => {
      const tls = certificate === undefined ? {} : { tls: readCertificate(certificate()) };
      const server = await LdapServer.start(script, { ...options, ...tls });
      try {
        const { code, stdout, stderr, seconds } = await ask('ldap check', server.port, by, limit);
        const [said = '', hint = '', ...more] = stderr
          .replace(/^(Configuration|Database|Directory): .*\n/gm, '')
          .split('\n');
        expect(said).toMatch(says);
        expect({ code, stdout, more }).toEqual({ code: exit, stdout: '', more: [''] });
        expect(said).toMatch(
          /^Error: The directory "ldaps?:\/\/127\.0\.0\.1:\d+" |^Error: There is no safe connection/,
        );
        expect(hint).toMatch(/^ {2}\S/);
        // The program itself takes its time to start, on a machine that does other things too.
        expect(seconds).toBeLessThan(10);
        expect(stderr).not.toContain(PASSWORD);
        expect(server.received.includes(PASSWORD)).toBe(hearsPassword);
      } finally {
        await server.stop();
      }
    },
  );

  it('is not there ends with 75', async () => {
    const server = await LdapServer.start(null);
    await server.stop();
    expect(await ask('ldap check', server.port)).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('cannot be read now: the connection was refused.'),
    });
  });

  it('cuts TLS off, as a port without it does, ends with 75 and names the ports', async () => {
    const onConnect = (socket: Socket) => void socket.once('data', () => socket.destroy());
    const server = await LdapServer.start(null, { onConnect });
    const outcome = await ask('ldap check', server.port, 'ldaps');
    await server.stop();
    expect(outcome).toMatchObject({
      code: 75,
      stderr: expect.stringMatching(
        /as a server does on a port without TLS\.\n {2}Check the port in ldap\.url: usually ldaps:\/\/ is 636, and ldap:\/\/ .* 389\./,
      ),
    });
  });

  it('is honest is read, logs in after TLS only, and is told goodbye', async () => {
    const tls = readCertificate(authority.sign('good', 'IP:127.0.0.1'));
    const server = await LdapServer.start(honest, { tls });
    const outcome = await ask('ldap check', server.port, 'ldaps');
    // RFC 4511 §4.3: an unbind request has tag 0x42 and no content.
    await vi.waitFor(() => expect(server.received).toMatch(/\x42\0$/));
    await server.stop();
    expect(outcome).toMatchObject({ code: 0, stdout: expect.stringMatching(/user1 .*\nuser2 /) });
    expect(server.received).toContain(PASSWORD);
    expect(outcome.stdout + outcome.stderr).not.toContain(PASSWORD);
  });

  it('has an empty page among its pages is read to the end', async () => {
    let page = 0;
    const script = answering((request) => {
      page += 1;
      const entries = page === 2 ? [] : [person(request, page)];
      const controls = page === 3 ? [] : [nextPage(`page ${page}`)];
      return Buffer.concat([...entries, result(request, 0, { controls })]);
    });
    const server = await LdapServer.start(script);
    const url = `sqlite:${join(folder, 'pages.db')}`;
    const environment = {
      UNCLOUD_LDAP_URL: `ldap://127.0.0.1:${server.port}`,
      UNCLOUD_LDAP_BASE_DN: 'dc=example',
    };
    await uncloud(['migrate'], { url });
    const outcome = await uncloud(['user', 'sync'], { url, environment });
    await server.stop();
    expect(outcome).toEqual({
      code: 0,
      stdout: 'USERNAME  ACTION  CHANGES\nuser1     create\nuser3     create\n',
      stderr: 'Users: 2 created, 0 updated, 0 deactivated, 0 unchanged, 0 refused.\n',
    });
  });

  it('gives pages without end runs out of time', async () => {
    const script = answering((request) =>
      Buffer.concat([person(request, 1), result(request, 0, { controls: [nextPage('x')] })]),
    );
    const server = await LdapServer.start(script);
    const outcome = await ask('user sync --dry-run', server.port, undefined, 1);
    await server.stop();
    expect(outcome).toMatchObject({
      code: 75,
      stderr: expect.stringContaining('no complete answer within 1 seconds'),
    });
  });
});

it.runIf(mayTry)('no log has the password', async () => {
  const { readFileSync } = await import('node:fs');
  const log = readFileSync(join(folder, 'log'), 'utf8');
  expect(log).toContain('LDAP_');
  expect(log).not.toContain(PASSWORD);
});
