import { decideBills, type History } from './bill.ts';
import {
  type BuyerOnBill,
  buyerOf,
  buyerOnBill,
  type SellerOnBill,
  sellerOf,
  sellerOnBill,
  type TaxPlace,
} from './bill-parties.ts';
import type { BillRecord } from './charge.ts';
import { UserError } from './errors.ts';
import type { Instant } from './instant.ts';
import type { Person } from './person.ts';
import { NO_PROVIDER, type Provider } from './provider.ts';
import { type VatRateTable, VatRules, type VatTerms } from './vat.ts';

/** The parties on a draft, as JSON. */
export interface DraftParties {
  readonly seller: string;
  readonly buyer: string;
}

/** What is charged with the same VAT to buyers who are taxed at the same place: by which drafts, and for which time. */
export interface TaxedCharges extends Pick<VatTerms, 'treatment' | 'territory' | 'rate'> {
  readonly draftIds: readonly number[];
  readonly place: TaxPlace | null;
  readonly start: Instant;
  readonly end: Instant;
}

/** What all drafts would have in common if they were made now. */
export interface RunTerms {
  readonly seller: SellerOnBill;
  /** Null when nothing can be billed. */
  readonly vat: VatRules | null;
}

/** What a run would find now. */
export function runTermsOf(provider: Provider | null, rates: VatRateTable): RunTerms {
  const seller = orRefused(() => sellerOf(provider));
  const vat = seller === null ? null : new VatRules(seller, rates);
  return { seller: sellerOnBill(provider ?? NO_PROVIDER), vat };
}

/** Whether a run would now decide the VAT of any part of this time otherwise. */
export function isTaxedOtherwise(
  { place, start, end, treatment, territory, rate }: TaxedCharges,
  { vat }: RunTerms,
): boolean {
  const span = orRefused(() => vat?.timelineFor(buyerOf({ address: place })).spanAt(start)) ?? null;
  if (span === null || end > span.end) return true;
  const { terms } = span;
  return terms.treatment !== treatment || terms.territory !== territory || terms.rate !== rate;
}

/** Whether other parties would stand on a draft if it were made anew. */
export function hasOtherParties({ seller, buyer }: DraftParties, person: Person, now: RunTerms): boolean {
  return isOtherParty(seller, now.seller) || isOtherParty(buyer, buyerOnBill(person));
}

/** In whatever order the fields were written. */
function isOtherParty(stored: string, now: SellerOnBill | BuyerOnBill): boolean {
  const fields: Record<string, unknown> = JSON.parse(stored);
  return Object.entries(now).some(([field, value]) => (fields[field] ?? '') !== value);
}

/**
 * Whether a draft would have other records if it were discarded and made anew for its own instant. Reads the whole
 * history of the user, and trusts no saved time.
 */
export function hasOtherRecords(
  id: number,
  { orders, bills }: History,
  person: Person,
  { vat }: RunTerms,
): boolean {
  const draft = bills.find((bill) => bill.id === id);
  const buyer = orRefused(() => buyerOf(person));
  if (draft === undefined || buyer === null) return true;
  const issued = bills.filter(({ number }) => number !== null).flatMap(({ records }) => records);
  issued.sort((a, b) => a.periodIndex - b.periodIndex || a.seq - b.seq);
  const decision = decideBills(
    { until: draft.issuedAt, vat },
    {
      buyer,
      orders: orders.map((order) => ({ ...order, closed: false, nextDueAt: null })),
      charged: Map.groupBy(issued, ({ orderId }) => orderId),
      draftId: null,
      billedCurrencies: [],
    },
  );
  if (decision.skipped !== null) return true;
  const made = decision.bills.find(({ currency }) => currency === draft.currency);
  return keysOf(made?.records ?? []) !== keysOf(draft.records);
}

/** Null when it is refused. */
function orRefused<T>(work: () => T): T | null {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function keysOf(records: readonly BillRecord[]): string {
  return records.map(keyOf).sort().join('\n');
}

function keyOf({ vat, ...record }: BillRecord): string {
  const { orderId, kind, periodIndex, seq, start, end, net, corrects, unitPrice, quantity } = record;
  const { treatment, territory, rate } = vat;
  return [
    orderId,
    kind,
    periodIndex,
    seq,
    start,
    end,
    net,
    treatment,
    territory,
    rate,
    corrects,
    unitPrice,
    quantity,
  ].join('|');
}
