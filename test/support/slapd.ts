import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Attribute, Change, Client } from 'ldapts';
import { Authority, type Certificate } from './certificates.ts';

export const BASE = 'dc=example,dc=net';
export const PEOPLE = `ou=people,${BASE}`;
export const BIND_DN = `cn=uncloud,${BASE}`;
export const GROUPS = `ou=groups,${BASE}`;
export const STAFF = `cn=staff,${GROUPS}`;
/** Looked for wherever it must not be. */
export const BIND_PASSWORD = 'canary-4f1c7e';

const ROOT_DN = `cn=admin,${BASE}`;
const ROOT_PASSWORD = 'admin';
const SLAPD = '/usr/sbin/slapd';

/** A directory ends by itself when a test run dies before it can end it. */
const LIFETIME_SECONDS = 900;

/** Why a real directory cannot run here; null when it can. In CI it has to run. */
export function whyNoSlapd(): string | null {
  return existsSync(SLAPD) || process.env.CI !== undefined ? null : 'slapd is not installed';
}

export interface Person {
  readonly uid: string | string[];
  readonly [attribute: string]: string | string[];
}

/** OpenLDAP's server with a configuration, data and certificates of its own, on free ports of loopback. */
export class Slapd {
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly authority: Authority;
  readonly passwordFile: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, [port, tlsPort]: readonly [number, number]) {
    this.folder = folder;
    this.port = port;
    this.tlsPort = tlsPort;
    this.authority = new Authority(folder);
    this.passwordFile = join(folder, 'password');
  }

  /**
   * @param people entries below ou=people from the start
   * @param limits what slapd.conf says about how much the bind name may read
   */
  static async start(
    people: readonly Person[] = [],
    {
      limits = `limits dn.exact="${BIND_DN}" size=unlimited size.pr=unlimited size.prtotal=unlimited`,
    }: { limits?: string } = {},
  ): Promise<Slapd> {
    const folder = await mkdtemp(join(tmpdir(), 'uncloud-slapd-'));
    const slapd = new Slapd(folder, [await freePort(), await freePort()]);
    await mkdir(join(folder, 'data'));
    await writeFile(slapd.passwordFile, `${BIND_PASSWORD}\n`, { mode: 0o600 });
    const server = slapd.authority.sign('server', 'IP:127.0.0.1');
    await writeFile(join(folder, 'slapd.conf'), slapd.#configuration(server, limits));
    await writeFile(join(folder, 'data.ldif'), ldif(people));
    execFileSync('/usr/sbin/slapadd', [
      '-q',
      '-f',
      join(folder, 'slapd.conf'),
      '-l',
      join(folder, 'data.ldif'),
    ]);
    await slapd.resume();
    return slapd;
  }

  /** Settings under [ldap] with which uncloud reads it over TLS. */
  get settings(): Record<string, string | number | boolean> {
    return {
      url: `ldaps://127.0.0.1:${this.tlsPort}`,
      ca_file: this.authority.certificate,
      base_dn: PEOPLE,
      bind_dn: BIND_DN,
      bind_password_file: this.passwordFile,
    };
  }

  /** Serves again after `stop`, with the same data. */
  async resume(): Promise<void> {
    const listen = `ldap://127.0.0.1:${this.port} ldaps://127.0.0.1:${this.tlsPort}`;
    const args = ['-d', '0', '-f', join(this.folder, 'slapd.conf'), '-h', listen];
    const command = [String(LIFETIME_SECONDS), SLAPD, ...args];
    this.#process = spawn('timeout', command, { stdio: ['ignore', 'ignore', 'inherit'] });
    for (let tries = 0; !(await answers(this.port)); tries++) {
      if (tries > 200 || this.#process.exitCode !== null) throw new Error('slapd does not start');
      await sleep(25);
    }
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Changes the data as its administrator. */
  async change(work: (client: Client) => Promise<void>): Promise<void> {
    const client = new Client({ url: `ldap://127.0.0.1:${this.port}`, strictDN: false });
    try {
      await client.bind(ROOT_DN, ROOT_PASSWORD);
      await work(client);
    } finally {
      await client.unbind();
    }
  }

  add(person: Person): Promise<void> {
    return this.change((client) => client.add(dnOf(person), attributesOf(person)));
  }

  drop(...uids: string[]): Promise<void> {
    return this.change(async (client) => {
      for (const uid of uids) await client.del(dnOf({ uid }));
    });
  }

  set(dn: string, type: string, values: string[]): Promise<void> {
    const modification = new Attribute({ type, values });
    return this.change((client) => client.modify(dn, new Change({ operation: 'replace', modification })));
  }

  #configuration({ certificate, key }: Certificate, limits: string): string {
    const schemas = ['core', 'cosine', 'inetorgperson', 'nis'];
    return `${schemas.map((name) => `include /etc/ldap/schema/${name}.schema`).join('\n')}
objectclass ( 1.3.6.1.4.1.32473.1 NAME 'billed' SUP top AUXILIARY MAY c )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${join(this.folder, 'slapd.pid')}
TLSCertificateFile ${certificate}
TLSCertificateKeyFile ${key}
database mdb
maxsize 268435456
suffix "${BASE}"
rootdn "${ROOT_DN}"
rootpw ${ROOT_PASSWORD}
directory ${join(this.folder, 'data')}
dbnosync
index objectClass,uid,entryUUID eq
${limits}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="${BIND_DN}" read by * none
`;
  }
}

export function dnOf({ uid }: Person): string {
  return `uid=${Array.isArray(uid) ? uid[0] : uid},${PEOPLE}`;
}

function attributesOf({ uid, ...others }: Person): Record<string, string | string[]> {
  const name = Array.isArray(uid) ? (uid[0] ?? '') : uid;
  return { objectClass: ['inetOrgPerson', 'billed'], uid, cn: name, sn: name, ...others };
}

function ldif(people: readonly Person[]): string {
  const entries: [string, Record<string, string | string[]>][] = [
    [BASE, { objectClass: ['dcObject', 'organization'], dc: 'example', o: 'Example' }],
    [PEOPLE, { objectClass: 'organizationalUnit', ou: 'people' }],
    [GROUPS, { objectClass: 'organizationalUnit', ou: 'groups' }],
    [
      BIND_DN,
      {
        objectClass: ['organizationalRole', 'simpleSecurityObject'],
        cn: 'uncloud',
        userPassword: BIND_PASSWORD,
      },
    ],
    [STAFF, { objectClass: 'groupOfNames', cn: 'staff', member: dnOf({ uid: 'nico' }) }],
    ...people.map(
      (person) => [dnOf(person), attributesOf(person)] as [string, Record<string, string | string[]>],
    ),
  ];
  const line = (name: string, value: string) => `${name}:: ${Buffer.from(value).toString('base64')}\n`;
  return entries
    .map(([dn, attributes]) => {
      const lines = Object.entries(attributes).flatMap(([name, values]) =>
        [values].flat().map((one) => line(name, one)),
      );
      return `${line('dn', dn)}${lines.join('')}\n`;
    })
    .join('');
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
