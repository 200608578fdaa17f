import type { TakePage } from '../../src/lib/io/db/pages.ts';
import * as bills from '../../src/lib/ops/bills.ts';
import type { Context } from '../../src/lib/ops/context.ts';
import * as payments from '../../src/lib/ops/payments.ts';
import * as users from '../../src/lib/ops/users.ts';
import * as networks from '../../src/lib/ops/vpn-networks.ts';

type List<Filter, Item> = (context: Context, filter: Filter, take: TakePage<Item>) => Promise<void>;

/** All that a list hands on, at once. */
const listed =
  <Filter, Item>(list: List<Filter, Item>) =>
  async (context: Context, filter: Filter): Promise<Item[]> => {
    const items: Item[] = [];
    await list(context, filter, async (page) => items.push(...page) > 0);
    return items;
  };

export const listNetworks = listed(networks.listNetworks);
const listedBills = listed(bills.listBills);
const listedPayments = listed(payments.listPayments);
const listedUsers = listed(users.listUsers);

export const listBills = (context: Context, filter: Parameters<typeof listedBills>[1] = {}) =>
  listedBills(context, filter);
export const listPayments = (context: Context, filter: Parameters<typeof listedPayments>[1] = {}) =>
  listedPayments(context, filter);
export const listUsers = (context: Context, filter: Parameters<typeof listedUsers>[1] = {}) =>
  listedUsers(context, filter);
