import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  parseVatFile,
  VAT_FILE_COLUMNS,
  type VatFile,
  type VatFileRecord,
  vatFileRecord,
} from '../../src/lib/core/vat-file.ts';
import { readCsv } from '../../src/lib/io/csv.ts';
import { openInput } from '../../src/lib/io/input.ts';

/** Our own small table with every shape that such files have. */
export const VAT_FIXTURE = fileURLToPath(new URL('../fixtures/vat-rates.csv', import.meta.url));

/** The public table of VAT rates, which belongs to its authors and is not part of the project. */
export const PUBLIC_VAT_FILE =
  process.env.UNCLOUD_TEST_VAT_FILE ??
  fileURLToPath(new URL('../../../shared/data/vat_rates.csv', import.meta.url));

export const HAS_PUBLIC_VAT_FILE = existsSync(PUBLIC_VAT_FILE);

export async function readVatFile(path: string): Promise<VatFile> {
  const { bytes } = await openInput(path);
  const records: VatFileRecord[] = [];
  for await (const batch of readCsv(bytes, { file: 'vat.csv', columns: VAT_FILE_COLUMNS }))
    records.push(...batch.map(({ line, cells }) => vatFileRecord(line, cells)));
  return parseVatFile(records, 'vat.csv');
}
