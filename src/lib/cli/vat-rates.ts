import { UserError, type VatFileFault, type VatHistoryChange } from '../core/errors.ts';
import { formatVatPercent, formatVatRate } from '../core/vat.ts';
import type { VatRateEntry } from '../core/vat-file.ts';
import { renderTable, right } from './table.ts';

/** A VAT rate as `--json` gives it. */
export function vatRateDocument(rate: VatRateEntry) {
  return {
    territory: rate.territory,
    rate: formatVatRate(rate.rate),
    valid_from: rate.validFrom,
    valid_to: rate.validTo,
    currency: rate.currency,
    rate_type: rate.rateType,
    description: rate.description,
  };
}

/** VAT rates as a table. */
export function vatRateTable(rates: readonly VatRateEntry[]): string {
  const columns = [
    { title: 'territory' },
    { title: 'from' },
    { title: 'until' },
    right('rate'),
    { title: 'type' },
    { title: 'description', yields: true },
  ];
  const rows = rates.map((rate) => [
    rate.territory,
    rate.validFrom,
    rate.validTo,
    `${formatVatPercent(rate.rate)} %`,
    rate.rateType,
    rate.description,
  ]);
  return renderTable(columns, rows);
}

/**
 * All that is wrong with a file of VAT rates, or that it would change of the past; undefined for other errors, and for
 * a single fault, which the error itself tells.
 */
export function vatFaultTable(error: unknown): string | undefined {
  if (!(error instanceof UserError)) return undefined;
  const { refused, changes } = error.data as {
    refused?: readonly VatFileFault[];
    changes?: readonly VatHistoryChange[];
  };
  if (error.code === 'VAT_FILE_REFUSED' && refused !== undefined && refused.length > 1) {
    const columns = [right('line'), { title: 'column' }, { title: 'reason', below: true }];
    return renderTable(
      columns,
      refused.map((fault) => [fault.line, fault.column, fault.reason]),
    );
  }
  if (error.code !== 'VAT_HISTORY_CHANGE' || changes === undefined || changes.length < 2) return undefined;
  const columns = ['territory', 'type', 'from', 'until', 'stored', 'file'].map((title) => ({ title }));
  return renderTable(
    columns,
    changes.map(({ territory, rate_type, from, to, stored, incoming }) => [
      territory,
      rate_type,
      from,
      to,
      stored,
      incoming,
    ]),
  );
}
