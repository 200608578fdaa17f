import { parse } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/lib/core/config.ts';
import { refusalOf } from '../support/refusal.ts';

describe('a configuration', () => {
  it.each([
    ['[ldap]\nurl = { host = "db" }', 'ldap.url is a table, not text in quotes'],
    ['[ldap]\nurl = ["ldap://db"]', 'ldap.url is a list, not text in quotes'],
    ['[ldap]\nurl = 2025-01-01', 'ldap.url is a date, not text in quotes'],
    ['[ldap.start_tls]\nmode = "hard"', 'ldap.start_tls is a table, neither true nor false'],
    ['[billing]\npayment_days = 9.5', 'billing.payment_days is "9.5", not a whole number from 0 to 3650'],
    ['[billing]\nupgrade_policy = [[]]', 'billing.upgrade_policy is a list, not one of prorate, full'],
    ['[billing]\npaymentdays = 9', 'billing.paymentdays is no key (did you mean billing.payment_days?)'],
    ['url = "ldap://db"', 'url stands outside a [table]'],
    ['"a\\nError: b" = 1', '"a\\nError: b" stands outside a [table]'],
  ])('names what is wrong in %j', (toml, fault) => {
    const read = () => readConfig([{ origin: 'a.toml', tables: parse(toml) }], {}, {});
    expect(refusalOf(read)).toMatchObject({ code: 'INVALID_CONFIG', data: { faults: [`a.toml: ${fault}`] } });
  });
});
