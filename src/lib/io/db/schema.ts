import type { Generated } from 'kysely';
import type { AuditResult } from '../../core/audit.ts';
import type { VatTreatment } from '../../core/vat.ts';

/**
 * The tables as Kysely types them. Both databases give the same JavaScript values: integers as numbers (every
 * integer column is held within ±2^53 by its constraints), booleans as booleans, days and prefixes as text.
 */
export interface Schema {
  users: UsersTable;
  billing_addresses: BillingAddressesTable;
  providers: ProvidersTable;
  provider_registrations: { provider_id: number; country: string };
  recurring_periods: { id: Generated<number>; name: string; seconds: number };
  products: { id: Generated<number>; name: string; description: string; created_at: number };
  product_prices: ProductPricesTable;
  orders: OrdersTable;
  order_due_times: { order_id: number; next_due_at: number };
  bills: BillsTable;
  bill_records: BillRecordsTable;
  bill_vats: {
    bill_id: number;
    treatment: VatTreatment;
    territory: string;
    rate: number;
    base: number;
    vat: number;
  };
  payments: PaymentsTable;
  bill_counters: { id: number; last_number: number };
  vat_rates: VatRatesTable;
  vpn_pools: VpnPoolsTable;
  vpn_networks: VpnNetworksTable;
  /** On PostgreSQL only: the login role of each host. */
  vpn_hosts: { hostname: string; role: string; granted_at: number };
  vpn_released_slots: { pool_id: number; slot: number; released_at: number };
  groups: GroupsTable;
  group_members: { group_id: number; user_id: number; is_admin: Generated<boolean> };
  services: ServicesTable;
  secret_keys: { id: number; fingerprint: string };
  audit_entries: AuditEntriesTable;
  schema_migrations: { name: string; timestamp: string };
  schema_migration_checksums: { name: string; checksum: string };
}

/** Columns that SQLite stores as 0 or 1 and that its driver returns as booleans, by name, in every table. */
export const BOOLEAN_COLUMNS: ReadonlySet<string> = new Set([
  'is_staff',
  'is_active',
  'oss',
  'is_default',
  'not_for_billing',
  'closed',
  'is_admin',
]);

interface UsersTable {
  id: Generated<number>;
  username: string;
  full_name: Generated<string>;
  email: Generated<string>;
  language: Generated<'de' | 'en'>;
  is_staff: Generated<boolean>;
  is_active: Generated<boolean>;
  created_at: number;
  /** entryUUID of the user's entry in the directory; null: the user does not come from there. */
  directory_id: string | null;
  directory_dn: string | null;
  directory_gone_at: number | null;
}

interface BillingAddressesTable {
  user_id: number;
  organization: Generated<string>;
  street: Generated<string>;
  city: Generated<string>;
  postal_code: Generated<string>;
  country: string;
  vat_number: Generated<string>;
  vat_checked_on: string | null;
  vat_territory: string | null;
}

interface ProvidersTable {
  id: number;
  name: Generated<string>;
  street: Generated<string>;
  city: Generated<string>;
  postal_code: Generated<string>;
  country: string | null;
  vat_number: Generated<string>;
  iban: Generated<string>;
  oss: Generated<boolean>;
}

interface ProductPricesTable {
  id: Generated<number>;
  product_id: number;
  recurring_period_id: number;
  currency: string;
  /** Ten-thousandths of the currency unit, like every price. */
  one_time_price: Generated<number>;
  recurring_price: Generated<number>;
  is_default: Generated<boolean>;
}

interface OrdersTable {
  id: Generated<number>;
  user_id: number;
  product_id: number | null;
  description: Generated<string>;
  currency: string;
  one_time_price: Generated<number>;
  recurring_price: Generated<number>;
  quantity: Generated<number>;
  recurring_period_seconds: number | null;
  commitment_periods: Generated<number>;
  charge: Generated<'advance' | 'arrears'>;
  starts_at: number;
  ends_at: number | null;
  service_ends_at: number | null;
  not_for_billing: Generated<boolean>;
  closed: Generated<boolean>;
  replaces_id: number | null;
  reference: string | null;
  created_at: number;
}

interface BillsTable {
  id: Generated<number>;
  user_id: number;
  currency: string;
  issued_at: number;
  number: number | null;
  kind: 'invoice' | 'credit_note';
  /** JSON text: the seller as printed. */
  seller: string;
  /** JSON text: the buyer as printed. */
  buyer: string;
  /** The currency's smallest unit, like every amount. */
  net: number;
  vat: number;
  total: number;
  /** Null on drafts, and where nothing is to be paid. */
  due_on: string | null;
}

interface PaymentsTable {
  id: Generated<number>;
  bill_id: number;
  paid_on: string;
  /** Negative: given back. */
  amount: number;
  reference: string;
  recorded_at: number;
}

interface BillRecordsTable {
  id: Generated<number>;
  bill_id: number;
  order_id: number;
  kind: 'one_time' | 'recurring';
  period_index: number;
  seq: number;
  period_start: number;
  period_end: number;
  net: number;
  vat_treatment: VatTreatment;
  vat_territory: string;
  /** Ten-thousandths of the base: 810 is 8.1 %. */
  vat_rate: number;
  vat_reason: string;
  corrects_id: number | null;
  description: string;
  unit_price: number;
  quantity: number;
  recurring_period_seconds: number | null;
}

interface VatRatesTable {
  id: Generated<number>;
  territory: string;
  rate_type: string;
  valid_from: string;
  /** Exclusive; null is open. */
  valid_to: string | null;
  rate: number;
  currency: Generated<string>;
  description: Generated<string>;
}

interface VpnPoolsTable {
  id: Generated<number>;
  network: string;
  first_address: string;
  last_address: string;
  subnetwork_size: number;
  /** A decimal, up to 2^62. */
  slot_count: string;
  next_slot: Generated<number>;
  hostname: string;
  interface: string;
  listen_port: number;
  public_key: string;
  /** Sealed under the key file. */
  private_key: string;
  created_at: number;
}

interface VpnNetworksTable {
  id: Generated<number>;
  pool_id: number;
  slot: number;
  network: string;
  first_address: string;
  last_address: string;
  user_id: number;
  public_key: string;
  reference: string | null;
  created_at: number;
}

interface AuditEntriesTable {
  id: Generated<number>;
  topic: string;
  /** Within the topic, 1 onwards without a gap. */
  position: number;
  at: number;
  os_user: string;
  sudo_user: string | null;
  database_role: string | null;
  host: string;
  command: string;
  /** JSON text. */
  counts: string;
  result: AuditResult;
  previous_hash: string;
  hash: string;
}

interface GroupsTable {
  id: Generated<number>;
  name: string;
  owner_id: number;
  is_active: Generated<boolean>;
  created_at: number;
  directory_id: Generated<string | null>;
  directory_dn: Generated<string | null>;
  directory_gone_at: Generated<number | null>;
}

interface ServicesTable {
  id: Generated<number>;
  name: string;
  /** SHA-256 of the secret, in hexadecimal digits. */
  secret_hash: string;
  created_at: number;
  rotated_at: number;
}
