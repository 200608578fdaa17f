import { decideBills, type History, type StoredBill } from './bill.ts';
import { type BuyerOnBill, buyerOf, buyerOnBill, type SellerOnBill } from './bill-parties.ts';
import type { BillRecord } from './charge.ts';
import { UserError } from './errors.ts';
import type { Person } from './person.ts';
import type { RunTerms } from './run-terms.ts';

/** The parties as a bill holds them: JSON. */
export interface StoredParties {
  readonly seller: string;
  readonly buyer: string;
}

/** Whether a draft would come out otherwise if it were discarded and made anew for its own instant. */
export function isOutdated(
  draft: StoredBill,
  parties: StoredParties,
  buyer: { readonly person: Person; readonly history: History },
  terms: RunTerms,
): boolean {
  if (isOtherParty(parties.seller, terms.seller)) return true;
  if (isOtherParty(parties.buyer, buyerOnBill(buyer.person))) return true;
  const records = recordsAnew(draft, buyer, terms);
  return records === null || keysOf(records) !== keysOf(draft.records);
}

/** In whatever order the fields were written. */
function isOtherParty(stored: string, now: SellerOnBill | BuyerOnBill): boolean {
  const fields: Record<string, unknown> = JSON.parse(stored);
  return Object.entries(now).some(([field, value]) => (fields[field] ?? '') !== value);
}

/** The records that the draft would have; null when its user would be skipped. No saved time is believed. */
function recordsAnew(
  { issuedAt, currency }: StoredBill,
  { person, history: { orders, bills } }: { readonly person: Person; readonly history: History },
  { vat }: RunTerms,
): readonly BillRecord[] | null {
  const issued = bills.filter(({ number }) => number !== null).flatMap(({ records }) => records);
  issued.sort((a, b) => a.periodIndex - b.periodIndex || a.seq - b.seq);
  try {
    const decision = decideBills(
      { until: issuedAt, vat },
      {
        buyer: buyerOf(person),
        orders: orders.map((order) => ({ ...order, closed: false, nextDueAt: null })),
        charged: Map.groupBy(issued, ({ orderId }) => orderId),
        draftId: null,
        billedCurrencies: [],
      },
    );
    if (decision.skipped !== null) return null;
    return decision.bills.find((bill) => bill.currency === currency)?.records ?? [];
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function keysOf(records: readonly BillRecord[]): string {
  return records.map(keyOf).sort().join('\n');
}

function keyOf({ vat: { treatment, territory, rate }, ...record }: BillRecord): string {
  const { orderId, kind, periodIndex, seq, start, end, net, corrects, unitPrice, quantity } = record;
  const charged = [orderId, kind, periodIndex, seq, start, end, net, corrects, unitPrice, quantity];
  return [...charged, treatment, territory, rate].join('|');
}
