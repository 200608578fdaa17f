import { expect, it } from 'vitest';
import { type MonthlySum, monthsOf, reportRows } from '../../src/lib/core/bill-report.ts';
import { sparkline } from '../../src/lib/core/sparkline.ts';
import { parseTerritory } from '../../src/lib/core/vat.ts';

const sum = (country: string, month: string, net: bigint, vat: bigint | null = 0n): MonthlySum => ({
  group: { currency: 'EUR', territory: parseTerritory(country) },
  month,
  net,
  vat,
});

it('a report adds the months of a group up, in order', () => {
  const rows = reportRows([
    sum('FR', '2025-02', 5n),
    sum('DE', '2026-01', 2n, 1n),
    sum('FR', '2024-12', -7n),
  ]);
  expect(rows.map(({ group, net, vat, months }) => [group.territory, net, vat, [...months.keys()]])).toEqual([
    ['DE', 2n, 1n, ['2026-01']],
    ['FR', -2n, 0n, ['2024-12', '2025-02']],
  ]);
  expect(reportRows([sum('FR', '2025-02', 5n, null)])[0]?.vat).toBeNull();
  expect(reportRows([])).toEqual([]);
});

it('a report has every month from the first to the last', () => {
  const rows = reportRows([sum('FR', '2025-02', 5n), sum('DE', '2024-11', 2n)]);
  expect(monthsOf(rows)).toEqual(['2024-11', '2024-12', '2025-01', '2025-02']);
  expect(monthsOf([])).toEqual([]);
});

it('a sparkline has a bar for each number, from the least or 0 to the greatest', () => {
  expect(sparkline([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n])).toBe('▁▂▃▄▅▆▇█');
  expect(sparkline([700n, 350n, 0n])).toBe('█▅▁');
  expect(sparkline([7n, 0n, -7n])).toBe('█▅▁');
  expect(sparkline([-7n, 0n])).toBe('▁█');
  expect(sparkline([0n, 0n])).toBe('▁▁');
  expect(sparkline([])).toBe('');
  expect(sparkline([10n ** 30n, 1n])).toBe('█▁');
});
