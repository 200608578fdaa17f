import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { BuyerOnBill, SellerOnBill, TaxPlace } from '../../core/bill-parties.ts';
import type { Country } from '../../core/country.ts';
import type { DraftParties, TaxedCharges } from '../../core/draft.ts';
import type { Day, Instant } from '../../core/instant.ts';
import type { Line } from '../../core/line.ts';
import type { Territory, VatRate, VatTreatment } from '../../core/vat.ts';
import type { VatNumber } from '../../core/vat-number.ts';
import { isAmong, isPostgres, selectForEach } from './bulk.ts';
import type { Schema } from './schema.ts';

/**
 * The drafts whose users have an order of which something may be due at the instant of the draft. The run that made it
 * leaves none: triggers reset what it saved when an order is changed, replaced or added.
 */
export async function findDraftsWithOrdersDue(
  tx: Transaction<Schema>,
  ids: readonly number[],
): Promise<number[]> {
  // An order that is not for billing never was due, unless it became so after it was billed.
  const due = selectForEach(tx, givenDrafts(ids), {
    select: sql`draft_id`,
    from: sql`bills join orders on orders.user_id = bills.user_id
      join order_due_times on order_due_times.order_id = orders.id`,
    where: sql`bills.id = draft_id and next_due_at <= issued_at and (not not_for_billing or exists (
      select 1 from bill_records where bill_id = draft_id and bill_records.order_id = orders.id))`,
  });
  const { rows } = await sql<{ draft_id: number }>`select distinct draft_id from (${due}) as due`.execute(tx);
  return rows.map(({ draft_id }) => draft_id);
}

function givenDrafts(ids: readonly number[]) {
  return { columns: ['draft_id'], rows: ids.map((id) => [id]) };
}

/**
 * The drafts whose parties are not written as a run would write them now, letter by letter: every one that would have
 * other parties is among them.
 */
export async function findDraftsWrittenOtherwise(
  tx: Transaction<Schema>,
  ids: readonly number[],
  seller: SellerOnBill,
): Promise<number[]> {
  const quote = isPostgres(tx)
    ? (text: RawBuilder<string>) => sql`to_json(${text})::text`
    : (text: RawBuilder<string>) => sql`json_quote(${text})`;
  const fields = Object.entries(BUYER_COLUMNS).map(
    ([field, column]) => sql`${sql.lit(`"${field}":`)} || ${quote(sql`coalesce(${sql.ref(column)}, '')`)}`,
  );
  const rows = await tx
    .selectFrom('bills')
    .innerJoin('users', 'users.id', 'bills.user_id')
    .leftJoin('billing_addresses', 'billing_addresses.user_id', 'bills.user_id')
    .select('bills.id')
    .where(isAmong(tx, 'bills.id', ids))
    .where(({ eb, or }) =>
      or([
        eb('seller', '<>', JSON.stringify(seller)),
        eb('buyer', '<>', sql<string>`'{' || ${sql.join(fields, sql` || ',' || `)} || '}'`),
      ]),
    )
    .execute();
  return rows.map(({ id }) => id);
}

/** Where the fields of a buyer come from, in the order in which they are written. */
const BUYER_COLUMNS: Readonly<Record<keyof BuyerOnBill, string>> = {
  username: 'users.username',
  full_name: 'users.full_name',
  email: 'users.email',
  language: 'users.language',
  organization: 'billing_addresses.organization',
  street: 'billing_addresses.street',
  city: 'billing_addresses.city',
  postal_code: 'billing_addresses.postal_code',
  country: 'billing_addresses.country',
  vat_number: 'billing_addresses.vat_number',
};

/** What stands on drafts about their parties, by draft. */
export async function findDraftParties(
  tx: Transaction<Schema>,
  ids: readonly number[],
): Promise<Map<number, DraftParties>> {
  const rows = await tx
    .selectFrom('bills')
    .select(['id', 'seller', 'buyer'])
    .where(isAmong(tx, 'id', ids))
    .execute();
  return new Map(rows.map(({ id, seller, buyer }) => [id, { seller, buyer }]));
}

/** What drafts charge with the same VAT to buyers whose places are the same by now. Credits have that of the charge. */
export async function findTaxedCharges(
  tx: Transaction<Schema>,
  ids: readonly number[],
): Promise<TaxedCharges[]> {
  const charged = selectForEach(tx, givenDrafts(ids), {
    select: sql`draft_id, period_start, period_end, vat_treatment, bill_records.vat_territory, vat_rate,
      country, postal_code, vat_number, vat_checked_on, place.vat_territory as own_territory`,
    from: sql`bill_records join bills on bills.id = bill_records.bill_id
      left join billing_addresses as place on place.user_id = bills.user_id`,
    where: sql`bill_records.bill_id = draft_id and corrects_id is null`,
  });
  const draftIds = isPostgres(tx) ? sql`json_agg(draft_id)::text` : sql`json_group_array(draft_id)`;
  const { rows } = await sql<TaxedChargesRow>`
    select country, postal_code, vat_number, vat_checked_on, own_territory, vat_treatment, vat_territory, vat_rate,
      min(period_start) as charged_from, max(period_end) as charged_to, ${draftIds} as draft_ids
    from (${charged}) as charged group by 1, 2, 3, 4, 5, 6, 7, 8`.execute(tx);
  return rows.map((row) => ({
    draftIds: JSON.parse(row.draft_ids),
    place: placeOf(row),
    treatment: row.vat_treatment,
    territory: row.vat_territory as Territory,
    rate: row.vat_rate as VatRate,
    start: row.charged_from as Instant,
    end: row.charged_to as Instant,
  }));
}

interface PlaceRow {
  readonly country: string | null;
  readonly postal_code: string | null;
  readonly vat_number: string | null;
  readonly vat_checked_on: string | null;
  readonly own_territory: string | null;
}

interface TaxedChargesRow extends PlaceRow {
  readonly vat_treatment: VatTreatment;
  readonly vat_territory: string;
  readonly vat_rate: number;
  readonly charged_from: number;
  readonly charged_to: number;
  /** JSON. */
  readonly draft_ids: string;
}

function placeOf({ country, ...row }: PlaceRow): TaxPlace | null {
  if (country === null) return null;
  return {
    country: country as Country,
    postalCode: row.postal_code as Line,
    vatNumber: row.vat_number as VatNumber,
    vatCheckedOn: row.vat_checked_on as Day | null,
    vatTerritory: row.own_territory as Territory | null,
  };
}
