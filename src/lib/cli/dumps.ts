import type { RowCounts } from '../ops/dump.ts';
import { counted } from './sentence.ts';
import { renderTable } from './table.ts';

/** How many rows each table had or got. */
export function rowCountTable(rows: RowCounts): string {
  return renderTable([{ title: 'table' }, { title: 'rows', align: 'right' }], Object.entries(rows));
}

/** All rows together, in words. */
export function totalRows(rows: RowCounts): string {
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  return counted(total, 'row');
}
