import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { MonthlySum, ReportGroup, ReportKey } from '../../core/bill-report.ts';
import type { Instant, Range } from '../../core/instant.ts';
import type { Currency, Minor } from '../../core/money.ts';
import { isPostgres } from './bulk.ts';
import type { Schema } from './schema.ts';

interface SumRow extends ReportGroup {
  readonly month: string;
  readonly net: string;
  readonly vat: string | null;
}

/**
 * The sums of all issued bills by group and month. They come from the VAT groups of the bills or, by
 * product, from the records.
 */
export async function sumBills(
  tx: Transaction<Schema>,
  keys: ReadonlySet<ReportKey>,
  issued: Range<Instant>,
): Promise<MonthlySum[]> {
  const ofProducts = keys.has('product');
  const prefix = ofProducts ? 'bill_records.vat_' : 'bill_vats.';
  const fields: Partial<Record<keyof ReportGroup, RawBuilder<unknown>>> = {
    currency: sql`bills.currency`,
    ...(ofProducts ? { product: sql`products.name` } : {}),
    ...(keys.has('vat') ? { treatment: sql.raw(`${prefix}treatment`) } : {}),
    ...(keys.has('vat') || keys.has('territory') ? { territory: sql.raw(`${prefix}territory`) } : {}),
    ...(keys.has('vat') ? { rate: sql.raw(`${prefix}rate`) } : {}),
  };
  const names = Object.keys(fields) as (keyof ReportGroup)[];
  const columns = sql.join(names.map((name) => sql`${fields[name]} as ${sql.ref(name)}`));
  const places = sql.join([...names, 'month'].map((_, index) => sql.raw(String(index + 1))));
  const source = ofProducts
    ? sql`bill_records join orders on orders.id = bill_records.order_id
          left join products on products.id = orders.product_id
          join bills on bills.id = bill_records.bill_id`
    : sql`bill_vats join bills on bills.id = bill_vats.bill_id`;
  const [net, vat] = ofProducts
    ? [sql`bill_records.net`, sql`null`]
    : [sql`bill_vats.base`, sql`cast(sum(bill_vats.vat) as text)`];
  const { rows } = await sql<SumRow>`
    select ${columns}, ${monthOfIssue(tx)} as month, cast(sum(${net}) as text) as net, ${vat} as vat
    from ${source}
    where ${isIssuedIn(issued)}
    group by ${places}`.execute(tx);
  return rows.map(({ month, net: sum, vat: tax, currency, ...group }) => ({
    group: { currency, ...(keys.has('month') ? { month } : {}), ...group },
    month,
    net: BigInt(sum),
    vat: tax === null ? null : BigInt(tax),
  }));
}

/** The totals of all issued bills by currency, from the bills themselves. */
export async function sumTotals(
  tx: Transaction<Schema>,
  issued: Range<Instant>,
): Promise<Map<Currency, { net: Minor; vat: Minor; total: Minor; bills: number }>> {
  const { rows } = await sql<{ currency: Currency; net: string; vat: string; total: string; bills: number }>`
    select currency, cast(sum(net) as text) as net, cast(sum(vat) as text) as vat,
      cast(sum(total) as text) as total, count(*) as bills
    from bills
    where ${isIssuedIn(issued)}
    group by currency
    order by currency`.execute(tx);
  return new Map(
    rows.map(({ currency, net, vat, total, bills }) => [
      currency,
      { net: BigInt(net), vat: BigInt(vat), total: BigInt(total), bills },
    ]),
  );
}

function isIssuedIn({ from, to }: Range<Instant>) {
  return sql.join(
    [
      sql`bills.number is not null`,
      ...(from === undefined ? [] : [sql`bills.issued_at >= ${from}`]),
      ...(to === undefined ? [] : [sql`bills.issued_at < ${to}`]),
    ],
    sql` and `,
  );
}

function monthOfIssue(tx: Transaction<Schema>) {
  return isPostgres(tx)
    ? sql`to_char(to_timestamp(bills.issued_at) at time zone 'UTC', 'YYYY-MM')`
    : sql`strftime('%Y-%m', bills.issued_at, 'unixepoch')`;
}
