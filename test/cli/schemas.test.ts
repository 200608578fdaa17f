import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type AnySchemaObject, type ValidateFunction } from 'ajv/dist/2020.js';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { uncloud } from '../support/cli.ts';
import { honest, LdapServer } from '../support/ldap-server.ts';
import { TEMPLATE } from '../support/postgres.ts';
import { POOL, testKey } from '../support/served-pool.ts';
import { statement } from '../support/statement.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCHEMAS = join(ROOT, 'docs', 'schemas');

const files = readdirSync(SCHEMAS).sort();
const { commands } = readJson(join(ROOT, 'oclif.manifest.json')) as { commands: Record<string, unknown> };
const ids = Object.keys(commands);

describe('the schemas', () => {
  it('are one for each command, one for errors, and what they share', () => {
    const names = [...ids.map(fileOf), 'error.json', 'definitions.json'];
    expect(files).toEqual(names.sort());
  });

  it('are valid themselves, lead nowhere astray, and have a title and a description', () => {
    const ajv = openSchemas();
    for (const file of files) {
      const { title, description } = readJson(join(SCHEMAS, file));
      expect(title, file).toBeTruthy();
      if (file !== 'definitions.json') expect(description, file).toBeTruthy();
      expect(ajv.getSchema(file), file).toBeTypeOf('function');
    }
  });

  it('use every definition', () => {
    const used = new Set(
      files.flatMap((file) => readFileSync(join(SCHEMAS, file), 'utf8').match(/(?<=#\/\$defs\/)\w+/g) ?? []),
    );
    const { $defs } = readJson(join(SCHEMAS, 'definitions.json'));
    expect(Object.keys($defs as object).filter((name) => !used.has(name))).toEqual([]);
  });
});

interface Step {
  readonly stdin?: string;
  /** The exit code; 0 unless given. */
  readonly code?: number;
  /** Whether the document is that of an error. */
  readonly refused?: boolean;
  /** Whether it is run on PostgreSQL, on a database of its own. */
  readonly onPostgres?: boolean;
  /** Whether a directory is configured. */
  readonly withDirectory?: boolean;
}

const folder = mkdtempSync(join(tmpdir(), 'uncloud-schemas-'));
const wireguard = join(folder, 'wireguard');
mkdirSync(wireguard, { mode: 0o700 });
afterAll(() => rmSync(folder, { recursive: true }));

/** One day in the life of a provider. Every command stands in it; SQLite serves all that it can. */
const SCENARIO: Readonly<Record<string, Step>> = {
  'info -v': {},
  'user list -v': { code: 1, refused: true },
  'migrate --sql': {},
  migrate: {},
  'migrate --list': {},
  'db-add-defaults': {},
  'import-vat-rates': {},
  [`import-vat-rates ${join(ROOT, 'test/fixtures/vat-rates.csv')} --dry-run --allow-history-change`]: {},
  'vat-rate list': {},
  'provider show': {},
  'provider set --name Example --country CH --postal-code 8750 --registered-in DE': {},
  'bootstrap-user --username nico --country CH --city Glarus --no-ldap': {},
  'bootstrap-user --username anna --no-ldap': {},
  'user import - --partial': { stdin: 'username,country\nbeat,DE\nbea,Germany\n', code: 3 },
  'user import -': { stdin: 'username,country\nbea,Germany\n', code: 1, refused: true },
  'product import - --format jsonl': { stdin: '{"name":"Disk","period":"30d","recurring_price":2}\n' },
  'user update beat --vat-number DE123456789 --vat-checked-on 2025-01-01': {},
  'ldap check': { code: 1, refused: true },
  'ldap check --username user1': { code: 1, refused: true, withDirectory: true },
  'ldap check -v': { withDirectory: true },
  'user sync --dry-run --exit-code': { code: 4, withDirectory: true },
  'user sync': { withDirectory: true },
  'group sync --dry-run --exit-code': { code: 4, withDirectory: true },
  'group sync': { withDirectory: true },
  'user export': { code: 2, refused: true },
  [`user export --output ${join(folder, 'users.csv')}`]: {},
  'user list': {},
  'user show beat': {},
  'user show nobody': { code: 1, refused: true },
  'group create Glarus --owner nico': {},
  'group add-member Glarus anna --admin': {},
  'group add-member Glarus beat --as-user anna': {},
  'group remove-member Glarus beat --as-user beat': { code: 1, refused: true },
  'group remove-member Glarus beat --as-user anna': {},
  'group show Glarus': {},
  'group update Glarus --no-active': {},
  'group list --user anna': {},
  'group delete Glarus': { code: 2, refused: true },
  'group delete Glarus --yes': {},
  'service create controller': { code: 2, refused: true },
  [`service create controller --secret-file ${join(folder, 'secret-1')}`]: {},
  [`service rotate controller --secret-file ${join(folder, 'secret-2')}`]: {},
  [`service verify controller --secret-file ${join(folder, 'secret-2')}`]: {},
  'service list': {},
  'service delete controller --yes': {},
  'db dump': { code: 2, refused: true },
  [`db dump --output ${join(folder, 'dump.jsonl')}`]: {},
  [`migrate --database sqlite:${join(folder, 'copy.db')}`]: {},
  [`db load ${join(folder, 'dump.jsonl')} --database sqlite:${join(folder, 'copy.db')}`]: {},
  [`migrate --database sqlite:${join(folder, 'seed.db')}`]: {},
  [`db seed --users 3 --networks 2 --database sqlite:${join(folder, 'seed.db')}`]: {},
  'db seed': { code: 1, refused: true },
  [`db load ${join(folder, 'dump.jsonl')}`]: { code: 1, refused: true },
  'product create Backup --price 30d=1+10.50 --price 365d=0+120 --currency CHF': {},
  'product list': {},
  [`product export --output ${join(folder, 'products.jsonl')}`]: {},
  'order create --user nico --product VM --starts-at 2025-01-01 --reference nico-vm': {},
  'order create --user anna --one-time-price -5 --currency CHF --starts-at 2025-01-01': {},
  'order import -': {
    stdin: 'username,product,starts_at,ends_at,reference\nbeat,VM,2025-01-01,2025-03-01,beat-vm\n',
  },
  'order replace nico-vm --recurring-price 20 --at 2025-01-11': {},
  'order update beat-vm --service-ends-at 2025-02-28T18:00:00Z': {},
  'order cancel 4 --dry-run': {},
  'order show nico-vm': {},
  'order list': {},
  [`order export --output ${join(folder, 'orders.csv')}`]: {},
  'bill generate --until 2025-01-11 --dry-run --exit-code': { code: 3 },
  'bill generate --until 2025-01-11 --draft --user nico': {},
  'bill list': {},
  'bill discard 1': { code: 2, refused: true },
  'bill discard 1 --yes': {},
  'bill generate --until 2025-02-01 --draft --user nico --user beat': {},
  'bill list --drafts': {},
  'bill close': { code: 2, refused: true },
  'bill close --all --dry-run': {},
  'bill discard --user beat --dry-run': {},
  'bill close 2 --at 2025-02-02': {},
  'order update nico-vm --ends-at 2025-01-02': {},
  'bill generate': { code: 3 },
  'payment record 1 --amount 5 --date 2025-02-05 --reference B1 --dry-run': {},
  'payment record 1 --amount 5 --date 2025-02-05 --reference B1': {},
  'payment import -': { stdin: statement([{}]), code: 3 },
  'payment list': {},
  'bill list --unpaid': {},
  'bill show 1': {},
  'bill explain 1': {},
  [`bill export 1 2 --output ${join(folder, 'bills')}`]: {},
  'bill verify': {},
  'bill report': {},
  'bill report --by month --by product --by territory': {},
  'vpn pool create 2a0a:e5c1:200::/40 --hostname vpn-1.example.net --private-key-file -': {
    stdin: POOL.privateKey,
  },
  'vpn pool create 2001:db8::/48 --subnetwork-size 64 --hostname vpn-2.example.net --generate-key': {},
  'vpn pool list': {},
  'vpn pool show 1': {},
  'vpn pool update 2 --hostname vpn-3.example.net --dry-run': {},
  'vpn pool update 2 --listen-port 443': {},
  'vpn pool delete 2 --yes': {},
  [`vpn network create --user nico --public-key ${testKey(1)} --reference nico-vpn`]: {},
  'vpn network create --user anna --public-keys-file -': { stdin: `${testKey(2)}\n${testKey(3)}\n` },
  'vpn network import -': { stdin: `username,public_key\nnico,${testKey(5)}\n` },
  'vpn network list': {},
  [`vpn network export --output ${join(folder, 'networks.csv')}`]: {},
  'vpn network show 1': {},
  'vpn network config 1': {},
  [`vpn network rotate-key 1 --public-key ${testKey(4)}`]: {},
  'vpn pool rotate-key 1 --generate-key --yes': {},
  'vpn network delete 2 3 --dry-run': {},
  'vpn network delete 2 --yes': {},
  'secrets rotate': {},
  [`vpn --hostname vpn-1.example.net --render-only --config-directory ${wireguard}`]: {},
  'vpn host list': { code: 1, refused: true },
  [`vpn host grant vpn-1.example.net --password-file ${join(folder, 'password')}`]: { onPostgres: true },
  'vpn host list -v': { onPostgres: true },
  'vpn host revoke vpn-1.example.net --yes': { onPostgres: true },
  'exit-codes': {},
  'vpn status --hostname vpn-1.example.net': {},
  'audit list --limit 5': {},
  'config init': {},
  'config show': {},
  doctor: {},
  'doctor --data': {},
};

describe('the documents', () => {
  const sqlite = `sqlite:${join(folder, 'test.db')}`;
  const postgres = `${inject('postgresUrl')}/schemas_${process.pid}`;
  // `true` says what `wg` says of a machine without interfaces.
  const ENVIRONMENT = {
    XDG_CONFIG_HOME: folder,
    UNCLOUD_WIREGUARD_WG_COMMAND: 'true',
    UNCLOUD_WIREGUARD_USE_SUDO: 'false',
  };
  let server: LdapServer;
  let directory: Record<string, string>;
  const ajv = openSchemas(closed, false);

  beforeAll(async () => {
    await onServer(`create database schemas_${process.pid} template ${TEMPLATE} strategy file_copy`);
    server = await LdapServer.start(honest);
    directory = {
      UNCLOUD_LDAP_URL: `ldap://127.0.0.1:${server.port}`,
      UNCLOUD_LDAP_BASE_DN: 'dc=example',
      UNCLOUD_LDAP_GROUP_BASE_DN: 'dc=example',
    };
  });
  afterAll(async () => {
    await server.stop();
    await onServer(`drop database schemas_${process.pid}`);
  });

  it.each(Object.entries(SCENARIO))(
    'uncloud %s',
    async (words, { stdin = '', code = 0, refused = false, onPostgres = false, withDirectory = false }) => {
      const url = onPostgres ? postgres : sqlite;
      const environment = withDirectory ? { ...ENVIRONMENT, ...directory } : ENVIRONMENT;
      const outcome = await uncloud([...words.split(' '), '--json'], { url, environment, stdin });
      expect(outcome).toMatchObject({ code, stderr: '' });
      const document = JSON.parse(outcome.stdout) as unknown;
      expect(outcome.stdout).toBe(`${JSON.stringify(document, null, 2)}\n`);
      expect(faultsIn(document, ajv.getSchema(refused ? 'error.json' : fileOf(idOf(words))))).toEqual([]);
    },
  );

  it('are those of every command', () => {
    const run = Object.entries(SCENARIO).filter(([, { refused }]) => !refused);
    expect([...new Set(run.map(([words]) => idOf(words)))].sort()).toEqual(ids);
  });
});

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client(`${inject('postgresUrl')}/postgres`);
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** The faults of a document, each with its place. */
function faultsIn(document: unknown, validate: ValidateFunction | undefined): string[] {
  if (validate === undefined) return ['there is no schema'];
  if (validate(document)) return [];
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** All schemas in one validator, each by the name of its file. */
function openSchemas(change = (schema: AnySchemaObject) => schema, strictTypes = true): Ajv2020 {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes,
    strictRequired: false,
    allowUnionTypes: true,
    allErrors: true,
  });
  for (const file of files) ajv.addSchema(change(readJson(join(SCHEMAS, file))), file);
  return ajv;
}

/**
 * The same schema, but objects have no fields besides those that it describes: users may meet new fields, while
 * here a field without a description is a fault. Definitions stay open at their top, as others extend them.
 */
function closed(schema: AnySchemaObject, isDefinition = false): AnySchemaObject {
  const inner = Object.entries(schema).map(([key, value]) => {
    if (key === '$defs' || key === 'properties') {
      const schemas = Object.entries(value as Record<string, AnySchemaObject>);
      return [key, Object.fromEntries(schemas.map(([name, one]) => [name, closed(one, key === '$defs')]))];
    }
    if (key === 'anyOf') return [key, (value as AnySchemaObject[]).map((one) => closed(one))];
    const isSchema = ['items', 'additionalProperties'].includes(key) && typeof value === 'object';
    return [key, isSchema ? closed(value as AnySchemaObject) : value];
  });
  const isObject = 'properties' in schema || '$ref' in schema;
  return { ...Object.fromEntries(inner), ...(isObject && !isDefinition && { unevaluatedProperties: false }) };
}

/** The id of the command that the words begin with: the longest one. */
function idOf(words: string): string {
  const names = words.split(' ');
  while (names.length > 0 && !ids.includes(names.join(':'))) names.pop();
  return names.join(':');
}

/** `vpn:pool:create` is described in vpn-pool-create.json. */
function fileOf(id: string): string {
  return `${id.replaceAll(':', '-')}.json`;
}

function readJson(file: string): AnySchemaObject {
  return JSON.parse(readFileSync(file, 'utf8')) as AnySchemaObject;
}
