import { describe, expect, it } from 'vitest';
import { auditTable } from '../../src/lib/cli/audit.ts';
import { renderTable, toCode, toDay } from '../../src/lib/cli/table.ts';
import type { AuditEntry } from '../../src/lib/core/audit.ts';
import { escapeControl } from '../../src/lib/core/escape-control.ts';
import type { Instant } from '../../src/lib/core/instant.ts';

const COLUMNS = [{ title: 'name' }, { title: 'net', align: 'right' }, { title: 'text' }] as const;

describe('a table', () => {
  it('is as wide as it needs to be in a pipe, however long a cell is', () => {
    const long = 'x'.repeat(300);
    expect(
      renderTable(
        COLUMNS,
        [
          ['ada', 5, long],
          ['Łukasz', '10.50', null],
        ],
        undefined,
      ),
    ).toBe(`NAME      NET  TEXT\nada         5  ${long}\nŁukasz  10.50`);
  });

  it('fits a terminal: the widest columns give way, and no character is cut in two', () => {
    const rows = [
      ['ada', 5, '日本語'.repeat(30)],
      ['👩‍👩‍👧‍👦'.repeat(40), 7, 'short'],
    ];
    const lines = renderTable(COLUMNS, rows, 40).split('\n');
    for (const line of lines) expect([...new Intl.Segmenter().segment(line)].length).toBeLessThanOrEqual(40);
    expect(lines[1]).toMatch(/(日本語)*日?本?…$/);
    expect(lines[2]).toMatch(/^(👩‍👩‍👧‍👦)+…/u);
  });

  it('takes the width from columns that yield before it touches another', () => {
    const columns = [{ title: 'network' }, { title: 'public key', yields: true }, { title: 'user' }];
    const row = ['2a0a:e5c1:200::/48', 'hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=', 'anna'];
    expect(renderTable(columns, [row], 40).split('\n')[1]).toBe('2a0a:e5c1:200::/48  hSDwCYkwp1R0i…  anna');
    expect(renderTable(columns, [row], 30).split('\n')[1]).toBe('2a0a:e5c1:200…  hSDwCYk…  anna');
  });

  it('shortens, then leaves spare columns out, before it cuts a name', () => {
    const columns = [
      { title: 'number', align: 'right', spare: 2 },
      { title: 'user' },
      { title: 'issued', shorten: toDay },
      { title: 'net', align: 'right', spare: 1 },
      { title: 'total', align: 'right' },
      { title: 'currency', shorten: toCode },
    ] as const;
    const row = [12, 'ladina.huber', '2025-02-03T00:00:00Z', '25.00', '27.03', 'CHF'];
    const draw = (width: number | undefined) => renderTable(columns, [row], width).split('\n')[1];
    expect(draw(undefined)).toBe('    12  ladina.huber  2025-02-03T00:00:00Z  25.00  27.03  CHF');
    expect(draw(70)).toBe(draw(undefined));
    expect(draw(60)).toBe('    12  ladina.huber  2025-02-03  25.00  27.03  CHF');
    expect(draw(50)).toBe('    12  ladina.huber  2025-02-03  27.03  CHF');
    expect(draw(40)).toBe('ladina.huber  2025-02-03  27.03  CHF');
    expect(draw(32)).toBe('ladina.h…  2025-02-…  27.03  CHF');
    expect(renderTable(columns, [row], 40).split('\n')[0]).toBe('USER          ISSUED      TOTAL  CUR');
  });

  it('writes a sentence below its row where it has no room beside it, whole', () => {
    const columns = [
      { title: 'line', align: 'right' },
      { title: 'why', below: true },
      { title: 'payer' },
    ] as const;
    const row = [7, 'It has no structured reference.', 'anna'];
    expect(renderTable(columns, [row], 50)).toBe(
      'LINE  WHY                              PAYER\n   7  It has no structured reference.  anna',
    );
    expect(renderTable(columns, [row, [8, null, 'beat']], 24)).toBe(
      'LINE  PAYER\n   7  anna\n    It has no structured\n    reference.\n   8  beat',
    );
  });

  it('writes the changes and the command of an audit entry below it, first the table that it is about', () => {
    const counts = { bill_counters: { updated: 1 }, bills: { inserted: 2, updated: 2 } };
    const entry: AuditEntry = {
      id: 1,
      topic: 'bills',
      position: 1,
      at: 0 as Instant,
      osUser: 'nico',
      sudoUser: null,
      host: 'a',
      command: 'bill generate --until 2026-01-01',
      databaseRole: null,
      counts,
      result: 'done',
      previousHash: '',
      hash: '',
    };
    expect(auditTable([entry], 40)).toBe(
      'AT                    USER  HOST\n1970-01-01T00:00:00Z  nico  a\n' +
        '    bills: 2 inserted, 2 updated;\n    bill_counters: 1 updated\n' +
        '    bill generate --until 2026-01-01',
    );
  });

  it('shows control characters and direction marks instead of obeying them', () => {
    expect(escapeControl('\u001b[2J\u202etxt\u061c\u0007')).toBe('\\u001b[2J\\u202etxt\\u061c\\u0007');
    expect(renderTable([{ title: 'name' }], [['a\nb']], undefined)).toBe('NAME\na\\u000ab');
  });

  it('draws a hundred thousand rows', () => {
    const rows = Array.from({ length: 100_000 }, (_, index) => [`user${index}`, index, 'text']);
    expect(renderTable(COLUMNS, rows, undefined).split('\n')).toHaveLength(100_001);
  });
});
