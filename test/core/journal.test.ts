import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vatGroupsOf } from '../../src/lib/core/bill.ts';
import { parseDay } from '../../src/lib/core/instant.ts';
import { type BookedBill, Journal } from '../../src/lib/core/journal.ts';
import type { Reference } from '../../src/lib/core/reference.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import { parseTerritory, parseVatRate } from '../../src/lib/core/vat.ts';
import { aRecord } from '../support/bill-document.ts';
import { day } from '../support/billing.ts';
import { refusalOf } from '../support/refusal.ts';

const GERMAN = {
  treatment: 'destination',
  territory: parseTerritory('DE'),
  rate: parseVatRate('0.19'),
  reason: '',
} as const;

function booked(given: Partial<BookedBill> = {}, records = [aRecord()]): BookedBill {
  const vatGroups = vatGroupsOf(records);
  const total = vatGroups.reduce((sum, { base, vat }) => sum + base + vat, 0n);
  return {
    id: 7,
    number: 12,
    kind: total < 0n ? 'credit_note' : 'invoice',
    username: parseUsername('nico'),
    payee: 'Muster GmbH',
    currency: records[0]?.currency ?? 'CHF',
    issuedAt: day('2025-01-02'),
    dueOn: total > 0n ? parseDay('2025-02-01') : null,
    total,
    vatGroups,
    payments: [],
    ...given,
  };
}

const payment = (paidOn: string, amount: bigint, reference: string) => ({
  paidOn: parseDay(paidOn),
  amount,
  reference: reference as Reference,
});

const write = (...bills: BookedBill[]) => {
  const journal = new Journal();
  return journal.head() + bills.map((bill) => journal.entryOf(bill)).join('');
};

describe('a journal', () => {
  it('books a bill and its payments, and asserts what is owed after each', () => {
    const payments = [
      payment('2025-01-20', 1000n, 'a, b; c'),
      payment('2025-01-21', 100n, 'd'),
      payment('2025-01-22', -19n, 'e'),
    ];
    expect(write(booked({ payments }))).toBe(`; Bills and what was paid for them, written by uncloud.
decimal-mark .

commodity 1000.00 CHF
account revenues:domestic:CH
account liabilities:vat:CH:8.1%
account assets:payments
account assets:receivable:nico:12
2025-01-02 (12) Muster GmbH | Invoice 12  ; user:nico, due:2025-02-01
    assets:receivable:nico:12  10.81 CHF = 10.81 CHF
    revenues:domestic:CH  -10.00 CHF
    liabilities:vat:CH:8.1%  -0.81 CHF

2025-01-20 (12) Muster GmbH | Payment of invoice 12  ; user:nico, reference:a. b. c
    assets:receivable:nico:12  -10.00 CHF = 0.81 CHF
    assets:payments  10.00 CHF

2025-01-21 (12) Muster GmbH | Payment of invoice 12  ; user:nico, reference:d
    assets:receivable:nico:12  -1.00 CHF = -0.19 CHF
    assets:payments  1.00 CHF

2025-01-22 (12) Muster GmbH | Given back for invoice 12  ; user:nico, reference:e
    assets:receivable:nico:12  0.19 CHF = 0.00 CHF
    assets:payments  -0.19 CHF
`);
  });

  it('has no draft', () => {
    expect(refusalOf(() => write(booked({ number: null })))).toMatchObject({ code: 'DRAFT_NOT_ISSUED' });
  });
});

const hledger = (journal: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('hledger', ['-f', '-', ...args], {
    input: journal,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
  });
  return { status, stdout, stderr };
};
const isInstalled = hledger('', '--version').status === 0;
const title = isInstalled ? 'hledger' : 'hledger, skipped because it is not installed (Debian: hledger)';

describe.runIf(isInstalled || process.env.CI)(title, { timeout: 60_000 }, () => {
  it('accepts every kind of bill, and adds them up by customer and territory', () => {
    const journal = write(
      booked(),
      booked({ number: 13, payee: 'Anna' }, [aRecord(), aRecord({ vat: GERMAN })]),
      booked({ number: 14 }, [aRecord({ net: -500n })]),
      booked({ number: 15 }, [aRecord(), aRecord({ net: -1000n })]),
      booked({ number: 16 }, [aRecord({ currency: 'JPY', net: 1_234_567n })]),
      booked({
        number: 17,
        payments: [payment('2024-12-30', 1081n, 'too early')],
      }),
    );
    expect(hledger(journal, 'check', '--strict')).toEqual({ status: 0, stdout: '', stderr: '' });
    const balance = hledger(
      journal,
      'balance',
      '--flat',
      '--layout=bare',
      '-O',
      'csv',
      '--depth',
      '3',
      'not:cur:JPY',
    );
    expect(balance.stdout.split('\n').map((line) => line.replaceAll('"', ''))).toEqual([
      'account,commodity,balance',
      'assets:payments,CHF,10.81',
      'assets:receivable:nico,CHF,28.11',
      'liabilities:vat:CH,CHF,-2.02',
      'liabilities:vat:DE,CHF,-1.90',
      'revenues:destination:DE,CHF,-10.00',
      'revenues:domestic:CH,CHF,-25.00',
      'total,CHF,0',
      '',
    ]);
  });

  it('finds a bill that is there twice, changed or gone', () => {
    const first = write(booked());
    const paid = write(booked({ payments: [payment('2025-01-20', 1081n, 'a')] }));
    for (const journal of [
      first + first,
      first.replaceAll('10.81 CHF =', '10.82 CHF =').replace('-0.81', '-0.82'),
      paid.replace(/2025-01-02[\s\S]*?\n\n/, ''),
    ]) {
      expect(hledger(journal, 'check').status).toBe(1);
    }
  });

  it('is not misled by names', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.string({ unit: fc.constantFrom(...';|:=*!()[]{}@"\' \t\n\r\u2028a%~'), maxLength: 12 }),
    );
    const texts = fc.sample(fc.tuple(text, text, text), { numRuns: 200, seed: 1 });
    const bills = texts.map(([username, payee, reference], index) =>
      booked({
        number: index + 1,
        username: username as BookedBill['username'],
        payee,
        payments: [payment('2025-01-20', 1081n, reference)],
      }),
    );
    const journal = write(...bills);
    expect(hledger(journal, 'check', '--strict')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(hledger(journal, 'print', '--depth', '9').stdout.match(/^\d{4}-/gm)).toHaveLength(400);
  });
});
