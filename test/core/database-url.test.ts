import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createdbCommand,
  defaultTls,
  hasPassword,
  parseDatabaseUrl,
  redactDatabaseUrl,
  withRole,
} from '../../src/lib/core/database-url.ts';
import { UserError } from '../../src/lib/core/errors.ts';

const KNOWN =
  'host, port, user, password, dbname, application_name, connect_timeout, options, sslmode, sslrootcert, sslcert, sslkey';

describe('the address of a PostgreSQL database', () => {
  const read = (text: string) => {
    const { url, parameters, backend, ...parts } = postgres(text);
    return parts;
  };
  const empty = {
    user: '',
    password: '',
    host: '',
    port: null,
    database: '',
    tls: null,
    connectTimeout: null,
  };

  it.each([
    ['postgres://', {}],
    ['postgresql://db.example.net', { host: 'db.example.net' }],
    ['postgres:///uncloud', { database: 'uncloud' }],
    ['postgres:///uncloud?host=/run/postgresql', { database: 'uncloud', host: '/run/postgresql' }],
    [
      'postgres://ada@/uncloud?host=/run/user/1000',
      { user: 'ada', database: 'uncloud', host: '/run/user/1000' },
    ],
    ['postgres://ada:pw@/uncloud', { user: 'ada', password: 'pw', database: 'uncloud' }],
    ['postgres://ada@:5433/uncloud', { user: 'ada', port: 5433, database: 'uncloud' }],
    ['postgres://%2Frun%2Fpostgresql/uncloud', { host: '/run/postgresql', database: 'uncloud' }],
    [
      'postgres://ada@[2001:db8::5]:5433/uncloud',
      { user: 'ada', host: '2001:db8::5', port: 5433, database: 'uncloud' },
    ],
    ['postgres://[fe80::1%25eth0]/x', { host: 'fe80::1%eth0', database: 'x' }],
    ['postgres://ada:a%40b%2Fc@db/x', { user: 'ada', password: 'a@b/c', host: 'db', database: 'x' }],
    ['postgres://ada:a?b#c:d+e@db/x', { user: 'ada', password: 'a?b#c:d+e', host: 'db', database: 'x' }],
    [
      'postgres://eve:x@db/y?user=ada&password=pw&dbname=x&port=7',
      { user: 'ada', password: 'pw', host: 'db', port: 7, database: 'x' },
    ],
    [
      'postgres://db/x?sslmode=require&sslrootcert=/etc/a+b%20c.pem',
      { host: 'db', database: 'x', tls: 'verify-ca' },
    ],
    ['postgres://db/x?connect_timeout=3', { host: 'db', database: 'x', connectTimeout: 3 }],
    ['postgres://db/x?connect_timeout=0', { host: 'db', database: 'x', connectTimeout: 0 }],
  ])('%s', (text, parts) => expect(read(text)).toEqual({ ...empty, ...parts }));

  it.each([
    ['127.0.0.1', 'disable'],
    ['::1', 'disable'],
    ['/run/postgresql', 'disable'],
    ['127.0.0.1.example.net', 'verify-full'],
    ['127.example.net', 'verify-full'],
  ])('has TLS unless no network leads there: %s', (host, tls) => expect(defaultTls(host)).toBe(tls));

  it('keeps its parameters, in which a + is no space', () => {
    expect(postgres('postgres:///x?sslrootcert=/etc/a+b%20c.pem').parameters.get('sslrootcert')).toBe(
      '/etc/a+b c.pem',
    );
  });

  it.each([
    ['mysql://db/x', 'it begins with neither sqlite: nor postgres://'],
    ['host=/run dbname=x', 'key=value words are not read, only URLs'],
    ['postgres://[::1/x', 'it is not a URL'],
    ['postgres://a,b/x', 'it names more than one host'],
    ['postgres://db:0/x', 'its port is not a number from 1 to 65535'],
    ['postgres://db:99999/x', 'its port is not a number from 1 to 65535'],
    ['postgres://db/x?port=five', 'its port is not a number from 1 to 65535'],
    ['postgres://db/x?host', 'a parameter in it is not name=value'],
    ['postgres://db/100%', 'a % in it does not begin an encoded character; a % itself is written %25'],
    ['postgres://db/%00', 'it holds a NUL character'],
    ['postgres://db/x?sslmod=require', `it has the parameter "sslmod"; known are ${KNOWN}`],
    ['postgres://db/x?SSLMODE=require', `it has the parameter "SSLMODE"; known are ${KNOWN}`],
    ['postgres://db/x?sslpassword=secret', `it has the parameter "sslpassword"; known are ${KNOWN}`],
    ['postgres://db/x?connect_timeout=3s', 'connect_timeout is a whole number of seconds'],
    ['postgres://db/x?sslmode=prefer', 'sslmode is one of disable, require, verify-ca, verify-full'],
    [
      'postgres://db/x?sslmode=verify-ca&sslrootcert=system',
      'sslrootcert=system goes with sslmode=verify-full only',
    ],
  ])('%s is refused', (text, reason) => {
    expect(() => postgres(text)).toThrow(`cannot be used: ${reason}.`);
  });

  it('is told without its password, whatever is in that', () => {
    expect(redactDatabaseUrl('postgres://ada:a:b@c?d#e@db:5433/x?host=/run&password=q')).toBe(
      'postgres://ada@db:5433/x?host=/run&password=',
    );
    for (const plain of [
      'postgres://ada@db/x',
      'postgres://db:5432/x?application_name=a@b',
      'sqlite:/a:b@c',
    ]) {
      expect(redactDatabaseUrl(plain)).toBe(plain);
      expect(hasPassword(plain)).toBe(false);
    }
    expect(() => postgres('postgres://ada:sec/ret@db/x')).toThrow('"postgres://ada@db/x"');
    for (const words of ["host=/x password='can ary'", 'PASSWORD = canary host=/x']) {
      expect(redactDatabaseUrl(words)).toMatch(/password ?=$/i);
      expect(hasPassword(words)).toBe(true);
      expect(() => postgres(words)).toThrow(/password ?=" cannot be used/i);
    }
    for (const slip of ['ada:canary@db/x', 'postgres:ada:can:ary@db/x', 'postgres:/ada:can@ary@db/x']) {
      expect(redactDatabaseUrl(slip)).toMatch(/^(ada|postgres)@db\/x$/);
      expect(hasPassword(slip)).toBe(true);
    }
    const password = fc.string({ minLength: 4, unit: fc.constantFrom('s', 'e', '?', '#', ':', '@', '%41') });
    fc.assert(
      fc.property(password, (word) => {
        const text = `postgres://ada:${word}xyz@db/x`;
        expect(redactDatabaseUrl(text)).toBe('postgres://ada@db/x');
        expect(read(text)).toEqual({
          ...empty,
          user: 'ada',
          password: `${decodeURIComponent(word)}xyz`,
          host: 'db',
          database: 'x',
        });
      }),
    );
  });

  it.each([
    ['postgres:///uncloud?host=/run/postgresql', 'postgres://host_1@/uncloud?host=/run/postgresql'],
    ['postgres://ada:pw@db/x', 'postgres://host_1@db/x'],
    ['postgres://db:5433/x', 'postgres://host_1@db:5433/x'],
    ['postgres://db/x?user=ada&password=pw&sslmode=require', 'postgres://host_1@db/x?sslmode=require'],
    ['postgres://db/x?sslmode=require&user=ada', 'postgres://host_1@db/x?sslmode=require'],
    ['postgres://db/x?user=ada', 'postgres://host_1@db/x'],
  ])('%s, for another role', (text, expected) => {
    expect(withRole(text, 'host_1')).toBe(expected);
    expect(postgres(expected)).toMatchObject({ user: 'host_1', password: '' });
  });

  it.each([
    ['postgres://', 'createdb x'],
    [
      'postgres://ada:pw@db.example.net:5433/y',
      'createdb -h db.example.net -p 5433 -U postgres --owner ada x',
    ],
    ['postgres://postgres@[::1]/', 'createdb -h ::1 -U postgres x'],
    ['postgres:///y?host=/run/my%20server&user=a%27b', "createdb -h '/run/my server' --owner 'a'\\''b' x"],
  ])('%s has its databases made by %s', (url, command) => {
    expect(createdbCommand(postgres(url), 'x')).toBe(command);
  });

  it('is read or refused, and nothing else', () => {
    const part = fc.constantFrom(
      'postgres://',
      '@',
      ':',
      '/',
      '?',
      '&',
      '=',
      '[',
      ']',
      '%',
      'a',
      '5',
      'host=',
      '#',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = `postgres://${parts.join('')}`;
        try {
          const { user } = postgres(withRole(postgres(text).url, 'host_1'));
          expect(user).toBe('host_1');
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

function postgres(text: string) {
  const url = parseDatabaseUrl(text);
  if (url.backend !== 'postgresql') throw new Error(`${text} is of ${url.backend}`);
  return url;
}
