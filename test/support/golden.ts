import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Bill } from '../../src/lib/core/bill.ts';
import { recordSeconds } from '../../src/lib/core/charge.ts';
import { UserError } from '../../src/lib/core/errors.ts';
import { formatInstant } from '../../src/lib/core/instant.ts';
import { formatMinor, type Minor } from '../../src/lib/core/money.ts';
import { formatVatPercent } from '../../src/lib/core/vat.ts';

/** The worked billing cases, and the runner that holds any world of orders and bills against them. */

export interface GoldenRate {
  readonly territory: string;
  readonly from: string;
  readonly to: string | null;
  /** In percent. */
  readonly rate: string;
}

export interface GoldenCustomer {
  readonly country: string;
  readonly postcode?: string;
  readonly vat_id_valid?: boolean;
}

export interface GoldenSeller {
  readonly country: string;
  readonly oss: boolean;
}

export interface GoldenOrder {
  readonly id: string;
  readonly customer: string;
  readonly currency: string;
  readonly starts_at: string;
  readonly ends_at: string | null;
  /** The old inclusive notation of an end. */
  readonly last_second?: string;
  readonly recurring_price?: string;
  readonly recurring_period_seconds?: number;
  readonly one_time_price?: string;
  readonly quantity?: number;
  readonly commitment_periods?: number;
  readonly charge?: 'advance' | 'arrears';
  readonly not_for_billing?: boolean;
  readonly replaces?: string;
}

/** What the new order of a replacement has otherwise than the old one; a one-time price is not inherited. */
export type GoldenSuccessor = Pick<GoldenOrder, 'id'> &
  Partial<Pick<GoldenOrder, 'recurring_price' | 'quantity' | 'commitment_periods' | 'currency'>>;

export interface GoldenBill {
  readonly number: number | null;
  readonly customer: string;
  readonly currency: string;
  readonly kind: string;
  readonly records: readonly {
    readonly order: string;
    readonly kind: string;
    readonly period: number | null;
    readonly start: string;
    readonly end: string;
    readonly seconds: number;
    readonly net: string;
    readonly vat_treatment: string;
    readonly vat_territory: string;
    readonly vat_rate: string;
  }[];
  readonly vat: readonly {
    readonly treatment: string;
    readonly territory: string;
    readonly rate: string;
    readonly base: string;
    readonly vat: string;
  }[];
  readonly net: string;
  readonly vat_total: string;
  readonly gross: string;
}

export interface GoldenRun {
  readonly bills: readonly GoldenBill[];
  /** Skipped customers; the code is one of `core/errors.ts`. */
  readonly errors: readonly { readonly customer: string; readonly code: string }[];
}

/** What a case needs of the thing that it tests. Instants are ISO 8601; a refusal is a thrown `UserError`. */
export interface GoldenWorld {
  setCustomer(name: string, customer: GoldenCustomer): Promise<void>;
  addOrder(order: GoldenOrder): Promise<void>;
  run(at: string, options: { draft: boolean }): Promise<GoldenRun>;
  dryRun(at: string): Promise<GoldenRun>;
  /** A run that is aborted just before it would be committed. */
  crashRun(at: string): Promise<void>;
  replace(
    order: string,
    at: string,
    successor: GoldenSuccessor,
    policy: 'prorate' | 'full',
  ): Promise<{ kind: string; old_ends_at: string; new_starts_at: string }>;
  cancel(order: string, at: string): Promise<{ ends_at: string }>;
  setEnd(order: string, endsAt: string | null): Promise<void>;
  /** The numbers given. */
  closeDrafts(): Promise<number[]>;
  discardDrafts(): Promise<void>;
  /** The orders with the flag `closed`. */
  closedOrders(): Promise<string[]>;
  close(): Promise<void>;
}

export type MakeGoldenWorld = (seller: GoldenSeller, rates: readonly GoldenRate[]) => Promise<GoldenWorld>;

/** What a case does. */
export type GoldenAction =
  | { readonly op: 'run'; readonly at: string; readonly draft?: boolean }
  | { readonly op: 'dry_run' | 'crash_run'; readonly at: string }
  | {
      readonly op: 'replace';
      readonly order: string;
      readonly at: string;
      readonly new: GoldenSuccessor;
      readonly mode?: 'prorate' | 'full';
    }
  | { readonly op: 'cancel'; readonly order: string; readonly at: string }
  | { readonly op: 'set_end'; readonly order: string; readonly ends_at: string | null }
  | { readonly op: 'add_order'; readonly order: GoldenOrder }
  | { readonly op: 'set_customer'; readonly customer: string; readonly value: GoldenCustomer }
  | { readonly op: 'close_drafts' | 'discard_drafts' | 'closed_orders' };

type GoldenStep = GoldenAction & { readonly expect: object };

interface GoldenCase {
  readonly id: string;
  readonly title: string;
  readonly seller?: GoldenSeller;
  readonly customers: Readonly<Record<string, GoldenCustomer>>;
  readonly orders: readonly GoldenOrder[];
  readonly steps: readonly GoldenStep[];
}

const FIXTURE: { vat_table: GoldenRate[]; cases: GoldenCase[] } = JSON.parse(
  readFileSync(new URL('../fixtures/golden-billing.json', import.meta.url), 'utf8'),
);

/** Codes that the cases spell otherwise than by lower case and dashes. */
const OUR_CODE: Readonly<Record<string, string>> = { 'replace-currency-mismatch': 'CURRENCY_MISMATCH' };

/** A bill as the cases write it. */
export function goldenBill(
  customer: string,
  bill: Bill,
  number: number | null,
  keyOf: (orderId: number) => string,
): GoldenBill {
  const amount = (minor: Minor) => formatMinor(minor, bill.currency);
  return {
    number,
    customer,
    currency: bill.currency,
    kind: bill.kind,
    records: bill.records.map((record) => ({
      order: keyOf(record.orderId),
      kind: record.kind,
      period: record.periodIndex < 0 ? null : record.periodIndex,
      start: formatInstant(record.start),
      end: formatInstant(record.end),
      seconds: recordSeconds(record),
      net: amount(record.net),
      vat_treatment: record.vat.treatment,
      vat_territory: record.vat.territory,
      vat_rate: formatVatPercent(record.vat.rate),
    })),
    vat: bill.vatGroups.map(({ treatment, territory, rate, base, vat }) => ({
      treatment,
      territory,
      rate: formatVatPercent(rate),
      base: amount(base),
      vat: amount(vat),
    })),
    net: amount(bill.net),
    vat_total: amount(bill.vat),
    gross: amount(bill.total),
  };
}

/** Registers one test for each case. */
export function testGoldenCases(world: string, makeWorld: MakeGoldenWorld): void {
  describe(`golden billing cases: ${world}`, () => {
    test.each(FIXTURE.cases)('$id $title', async (golden) => {
      const opened = await makeWorld(golden.seller ?? { country: 'CH', oss: true }, FIXTURE.vat_table);
      try {
        await play(golden, opened);
      } finally {
        await opened.close();
      }
    });
  });
}

async function play({ customers, orders, steps }: GoldenCase, world: GoldenWorld): Promise<void> {
  for (const [name, customer] of Object.entries(customers)) await world.setCustomer(name, customer);
  for (const order of orders) await world.addOrder(order);
  for (const [index, step] of steps.entries()) {
    expect(await take(step, world), `step ${index + 1}: ${step.op}`).toEqual(expected(step));
  }
}

/** What an action comes to in a world; a refusal is its code. */
export async function take(action: GoldenAction, world: GoldenWorld): Promise<unknown> {
  return act(action, world).catch((error: unknown) => {
    if (!(error instanceof UserError)) throw error;
    return { error: error.code };
  });
}

async function act(step: GoldenAction, world: GoldenWorld): Promise<unknown> {
  switch (step.op) {
    case 'run':
      return world.run(step.at, { draft: step.draft ?? false });
    case 'dry_run':
      return world.dryRun(step.at);
    case 'crash_run':
      return nothing(world.crashRun(step.at));
    case 'replace':
      return world.replace(step.order, step.at, step.new, step.mode ?? 'prorate');
    case 'cancel':
      return world.cancel(step.order, step.at);
    case 'set_end':
      return nothing(world.setEnd(step.order, step.ends_at));
    case 'add_order':
      return nothing(world.addOrder(step.order));
    case 'set_customer':
      return nothing(world.setCustomer(step.customer, step.value));
    case 'close_drafts':
      return { numbers: await world.closeDrafts() };
    case 'discard_drafts':
      return nothing(world.discardDrafts());
    case 'closed_orders':
      return { closed: await world.closedOrders() };
  }
}

async function nothing(done: Promise<void>): Promise<object> {
  await done;
  return {};
}

/** The expectation of a step in our words: our codes, and no numbers in a dry run. */
function expected(step: GoldenStep): unknown {
  return JSON.parse(JSON.stringify(step.expect), (key, value) => {
    if (key === 'number' && step.op === 'dry_run') return null;
    if (key !== 'code' && key !== 'error') return value;
    return OUR_CODE[value] ?? value.toUpperCase().replaceAll('-', '_');
  });
}
