import type { RowCounts } from '../ops/dump.ts';
import { counted } from './sentence.ts';
import { renderTable, right } from './table.ts';

/** How many rows each table had or got. */
export function rowCountTable(rows: RowCounts): string {
  return renderTable([{ title: 'table' }, right('rows')], Object.entries(rows));
}

/** All rows together, in words. */
export function totalRows(rows: RowCounts): string {
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  return counted(total, 'row');
}
