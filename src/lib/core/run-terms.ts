import { type SellerOnBill, sellerOf, sellerOnBill } from './bill-parties.ts';
import { NO_PROVIDER, type Provider } from './provider.ts';
import { type VatRateTable, VatRules } from './vat.ts';

/** What all bills have in common that are made now. */
export interface RunTerms {
  readonly seller: SellerOnBill;
  /** Null when the provider has no name or no country: nothing can be billed. */
  readonly vat: VatRules | null;
}

/**
 * What the provider and the VAT rates say about all bills.
 * @throws UNKNOWN_COUNTRY
 */
export function runTermsOf(provider: Provider | null, rates: VatRateTable): RunTerms {
  const seller = sellerOf(provider);
  return {
    seller: sellerOnBill(provider ?? NO_PROVIDER),
    vat: seller === null ? null : new VatRules(seller, rates),
  };
}
