import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { passwordIn } from '../../src/lib/io/db/password-file.ts';
import { uncloud } from '../support/cli.ts';

const login = { host: 'db.example.net', port: 5432, database: 'uncloud', user: 'ada' };

describe('the password in a password file', () => {
  it.each([
    ['db.example.net:5432:uncloud:ada:pw', 'pw'],
    ['*:*:*:*:first\n*:*:*:ada:second', 'first'],
    ['# *:*:*:*:comment\n*:*:*:eve:other\n*:*:*:ada:pw\r\n', 'pw'],
    ['*:*:*:ada:a\\:b\\\\c', 'a:b\\c'],
    ['*:*:\\*:ada:pw', undefined],
    ['*:5433:*:ada:pw', undefined],
    ['*:*:*:ada', undefined],
    ['*:*:*:ada:', undefined],
    ['', undefined],
  ])('%j gives %j', (text, password) => expect(passwordIn(text, login)).toBe(password));

  it('has the default folders of Unix sockets as localhost, and others by their path', () => {
    expect(passwordIn('localhost:*:*:*:pw', { ...login, host: '/run/postgresql' })).toBe('pw');
    expect(passwordIn('/srv/pg:*:*:*:pw', { ...login, host: '/srv/pg' })).toBe('pw');
    expect(passwordIn('*:*:a\\:b:*:pw', { ...login, database: 'a:b' })).toBe('pw');
  });
});

describe('a login by password', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'uncloud-pgpass-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads it from PGPASSFILE without a word, and refuses a file that others may read', async () => {
    const PGPASSFILE = join(folder, 'pgpass');
    await writeFile(PGPASSFILE, '127.0.0.1:*:*:postgres:postgres\n', { mode: 0o600 });
    const url = `${inject('postgresUrl').replace(':postgres@', '@')}/uncloud_template`;
    const outcome = () => uncloud(['user', 'list', '--quiet'], { url, environment: { PGPASSFILE } });
    expect(await outcome()).toMatchObject({ code: 0, stderr: '' });
    await chmod(PGPASSFILE, 0o640);
    const { code, stderr } = await outcome();
    expect(code).toBe(1);
    expect(stderr).toContain(`others may read the password file ${PGPASSFILE}: chmod 600 ${PGPASSFILE}.`);
  });
});
