import { vatGroupsOf } from '../../src/lib/core/bill.ts';
import type { BillDocument } from '../../src/lib/core/bill-document.ts';
import type { BuyerOnBill, SellerOnBill } from '../../src/lib/core/bill-parties.ts';
import type { StoredRecord } from '../../src/lib/core/charge.ts';
import { parseDay } from '../../src/lib/core/instant.ts';
import { parsePrice } from '../../src/lib/core/money.ts';
import { parseUsername } from '../../src/lib/core/user.ts';
import { parseTerritory, parseVatRate } from '../../src/lib/core/vat.ts';
import { day } from './billing.ts';

/** 10 CHF for 30 days from 2025-01-01 in Switzerland, or what is given instead. */
export function aRecord(given: Partial<StoredRecord> = {}): StoredRecord {
  return {
    id: 1,
    orderId: 1,
    kind: 'recurring',
    periodIndex: 0,
    seq: 0,
    start: day('2025-01-01'),
    end: day('2025-01-31'),
    net: 1000n,
    vat: { treatment: 'domestic', territory: parseTerritory('CH'), rate: parseVatRate('0.081'), reason: '' },
    corrects: null,
    currency: 'CHF',
    description: 'VM',
    unitPrice: parsePrice('10'),
    quantity: 1,
    periodSeconds: 2_592_000,
    ...given,
  };
}

/** An account of the kind that takes a creditor reference, and one that takes a QR reference. */
export const IBAN = 'CH9300762011623852957';
export const QR_IBAN = 'CH4431999123000889012';

export const SELLER: SellerOnBill = {
  name: 'Example Hosting AG',
  street: 'Bahnhofstrasse 1',
  city: 'Glarus',
  postal_code: '8750',
  country: 'CH',
  vat_number: 'CHE-123.456.788 MWST',
  iban: IBAN,
};

export const BUYER: BuyerOnBill = {
  username: 'nico',
  full_name: 'Nico Muster',
  email: '',
  language: 'en',
  organization: 'Muster GmbH',
  street: 'Seeweg 7',
  city: 'Zürich',
  postal_code: '8002',
  country: 'CH',
  vat_number: '',
};

/** Bill 12 of 2025-01-02 over the given records, with sums that fit. */
export function aBill(given: Partial<BillDocument> = {}): BillDocument {
  const records = given.records ?? [aRecord()];
  const vatGroups = vatGroupsOf(records);
  const net = records.reduce((sum, record) => sum + record.net, 0n);
  const vat = vatGroups.reduce((sum, group) => sum + group.vat, 0n);
  return {
    id: 7,
    number: 12,
    kind: net + vat < 0n ? 'credit_note' : 'invoice',
    currency: records[0]?.currency ?? 'CHF',
    issuedAt: day('2025-01-02'),
    dueOn: given.number !== null && net + vat > 0n ? parseDay('2025-02-01') : null,
    net,
    vat,
    total: net + vat,
    records,
    vatGroups,
    userId: 1,
    username: parseUsername('nico'),
    seller: SELLER,
    buyer: BUYER,
    orderReferences: new Map(),
    correctedBills: new Map(),
    ...given,
  };
}
