import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { qrReference } from '../../src/lib/core/payment-reference.ts';
import { COMMAND_IDS, commandOf } from '../support/commands.ts';
import { observe } from '../support/contents.ts';
import { describeDatabases } from '../support/databases.ts';
import { Arena, failEverywhere, type Scenario, type World } from '../support/every-fault.ts';
import { POOL, testKey } from '../support/served-pool.ts';
import { statement } from '../support/statement.ts';

const NOW = '2025-03-01T12:00:00Z';
/** For one scenario, on a machine that is busy with other tests. */
const SECONDS = 120;

/** What is there before the command of a scenario, unless it asks for less. */
const SHOP: readonly string[] = [
  'db-add-defaults',
  'provider set --name Example --country CH',
  'import-vat-rates {folder}/rates.csv',
  'bootstrap-user --username nico --country CH --no-ldap',
  'bootstrap-user --username anna --country CH --no-ldap',
  'order create --user nico --product VM --starts-at 2025-01-01 --reference one',
  'order create --user anna --product VM --starts-at 2025-01-01 --reference two',
  'vpn pool create 2a0a:e5c1:200::/40 --hostname vpn-1.example.net --private-key-file {folder}/pool.key',
  `vpn network create --user nico --public-key ${testKey(1)} --reference net`,
];

const RATES = 'start_date,stop_date,territory_codes,currency_code,rate,rate_type,description\n';
const FILES: Readonly<Record<string, string>> = {
  'rates.csv': `${RATES}2024-01-01,,CH,CHF,0.081,standard,\n`,
  'pool.key': `${POOL.privateKey}\n`,
};

/** Every command that writes to the database, with an example of each. `{folder}` is where its files are. */
const SCENARIOS: Readonly<Record<string, Scenario>> = {
  migrate: { world: 'empty' },
  'db-add-defaults': { world: 'migrated' },
  'import-vat-rates {folder}/more.csv': {
    files: { 'more.csv': `${RATES}2021-01-01,,DE,EUR,0.19,standard,\n` },
  },
  'provider set --city Glarus --registered-in DE': {},
  'bootstrap-user --username beat --country DE --no-ldap': {},
  'user update nico --city Glarus --language de': {},
  'user update nico --username nicolas': { again: ['UNKNOWN_USER'] },
  'user import {folder}/users.csv': { files: { 'users.csv': 'username,country\nbeat,DE\nnico,AT\n' } },
  'group create Glarus --owner nico': { again: ['GROUP_EXISTS'] },
  'group add-member Glarus anna --admin': { before: ['group create Glarus --owner nico'] },
  'group update Glarus --no-active': { before: ['group create Glarus --owner nico'] },
  'group remove-member Glarus anna': {
    before: ['group create Glarus --owner nico', 'group add-member Glarus anna'],
  },
  'group delete Glarus --yes': {
    before: ['group create Glarus --owner nico', 'group add-member Glarus anna'],
    again: ['UNKNOWN_GROUP'],
  },
  'service create robot --secret-file {folder}/secret': {
    again: ['SERVICE_EXISTS', 'FILE_EXISTS'],
  },
  'service rotate robot --secret-file {folder}/secret': {
    before: ['service create robot --secret-file {folder}/first'],
    again: ['FILE_EXISTS'],
  },
  'service delete robot --yes': {
    before: ['service create robot --secret-file {folder}/first'],
    again: ['UNKNOWN_SERVICE'],
  },
  'product create Backup --price 30d=1+10 --currency CHF': { again: ['PRODUCT_EXISTS'] },
  'product import {folder}/products.csv': {
    files: { 'products.csv': 'name,period,recurring_price,currency\nBackup,30d,10,CHF\n' },
  },
  'order create --user anna --product VM --reference three': {},
  'order import {folder}/orders.csv': {
    files: {
      'orders.csv':
        'username,product,starts_at,reference,replaces\nanna,VM,2025-01-01,a,\nanna,VM,2025-02-01,b,a\n',
    },
  },
  'order replace one --recurring-price 90 --reference one-b': { again: ['ORDER_REPLACED'] },
  'order update one --ends-at 2025-06-01': {},
  'order cancel one': {},
  'bill generate --until 2025-02-15': {},
  'bill close 1': { before: ['bill generate --until 2025-02-15 --draft'], again: ['BILL_ISSUED'] },
  'bill discard 1 --yes': { before: ['bill generate --until 2025-02-15 --draft'], again: ['UNKNOWN_BILL'] },
  'bill close --all': { before: ['bill generate --until 2025-02-15 --draft'] },
  'bill discard --all --yes': { before: ['bill generate --until 2025-02-15 --draft'] },
  'payment record 1 --amount 5 --date 2025-02-20 --reference B1': {
    before: ['bill generate --until 2025-02-15'],
  },
  'payment import {folder}/statement.xml': {
    before: ['bill generate --until 2025-02-15'],
    files: {
      'statement.xml': statement(
        [1, 2].map((number) => ({ bank: `B${number}`, details: [{ references: [qrReference(number)] }] })),
      ),
    },
  },
  'vpn pool create 2001:db8::/48 --hostname vpn-2.example.net --private-key-file {folder}/other.key': {
    files: { 'other.key': 'XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=\n' },
  },
  'vpn pool delete 2 --yes': {
    before: ['vpn pool create 2001:db8::/48 --hostname vpn-2.example.net --generate-key'],
    again: ['UNKNOWN_POOL'],
  },
  'vpn pool update 1 --hostname vpn-2.example.net --interface wg3 --listen-port 443 --yes': {},
  'vpn pool rotate-key 1 --private-key-file {folder}/other.key --yes': {
    files: { 'other.key': 'XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=\n' },
  },
  [`vpn network create --user anna --public-key ${testKey(2)} --reference new`]: {},
  'vpn network import {folder}/networks.csv': {
    files: { 'networks.csv': `username,public_key,reference\nanna,${testKey(2)},a\nnico,${testKey(3)},b\n` },
  },
  [`vpn network rotate-key 1 --public-key ${testKey(4)}`]: {},
  'vpn network delete 1 2 --yes': {
    before: [`vpn network create --user anna --public-key ${testKey(2)}`],
    again: ['UNKNOWN_NETWORK'],
  },
  'secrets rotate': { again: ['OLD_KEY_KEPT'] },
  'vpn host grant vpn-1.example.net --password-file {folder}/password': {
    onPostgres: true,
    again: ['HOST_HAS_ROLE', 'FILE_EXISTS'],
  },
  'vpn host revoke vpn-1.example.net --yes': {
    before: ['vpn host grant vpn-1.example.net --password-file {folder}/password'],
    onPostgres: true,
    again: ['HOST_HAS_NO_ROLE'],
  },
  'db seed --users 2 --orders-per-user 1 --networks 1': {
    world: 'migrated',
    files: { 'rates.csv': `${RATES}2024-01-01,,CH,CHF,0.081,standard,\n` },
    before: [
      'db-add-defaults',
      'provider set --name Example --country CH',
      'import-vat-rates {folder}/rates.csv',
    ],
  },
  'db load {folder}/dump.jsonl': {
    world: 'migrated',
    before: ['db-add-defaults', 'db dump --output {folder}/dump.jsonl', 'migrate --to zero --yes', 'migrate'],
    again: ['DATABASE_NOT_EMPTY'],
  },
};

/** Commands that write nothing to the database. */
const READING = `
  audit:list bill:explain bill:export bill:list bill:report bill:show bill:verify config:init
  config:show db:dump doctor exit-codes group:list group:show info ldap:check order:export
  order:list order:show payment:list product:export product:list provider:show service:list
  service:verify user:export user:list user:show vat-rate:list vpn vpn:host:list vpn:network:config
  vpn:network:export vpn:network:list vpn:network:show vpn:pool:list vpn:pool:show vpn:status`
  .trim()
  .split(/\s+/);

/** Commands that need more than a database, and lose it in a test of their own. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'group:sync': 'test/ops/group-sync.test.ts',
  'user:sync': 'test/ops/user-sync.test.ts',
};

beforeAll(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(NOW) });
});
afterAll(() => {
  vi.useRealTimers();
});

describe('the commands', () => {
  it('write to the database and have a scenario here, or are named as reading', () => {
    const writing = Object.keys(SCENARIOS).map((line) => commandOf(line.split(' ')));
    expect([...new Set([...writing, ...READING, ...Object.keys(ELSEWHERE)])].sort()).toEqual(
      [...COMMAND_IDS].sort(),
    );
    expect(writing.filter((id) => READING.includes(id))).toEqual([]);
    for (const file of Object.values(ELSEWHERE))
      expect(readFileSync(file, 'utf8')).toContain('breakDatabase(');
  });
});

describeDatabases('when the database fails at any statement of', (databases) => {
  const scenarios = Object.entries(SCENARIOS).filter(
    ([, { onPostgres = false }]) => !onPostgres || databases.backend === 'postgresql',
  );
  const arena = () => new Arena(databases, NOW);
  const worlds = new Map<string, World>();

  beforeAll(async () => {
    const make = async (name: string, url: string, lines: readonly string[]) => {
      await arena().restore(new Map(arena().paths(lines.length === 0 ? {} : FILES)));
      for (const line of lines) await arena().run(url, line);
      const eyes = await observe(url);
      worlds.set(name, { url, contents: await eyes.read(), files: await arena().files() });
      await eyes.close();
    };
    await make('empty', await databases.emptyUrl(), []);
    await make('migrated', await databases.freshUrl(), []);
    await make('shop', await databases.freshUrl(), SHOP);
  });

  it.each(scenarios)(
    '%s',
    async (line, scenario) => {
      const world = worlds.get(scenario.world ?? 'shop');
      if (world === undefined) throw new Error(`no world ${scenario.world}`);
      expect(await failEverywhere(databases, arena(), world, line, scenario)).toBeGreaterThan(3);
    },
    SECONDS * 1000,
  );
});
