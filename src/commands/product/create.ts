import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/cli/command.ts';
import { currency, description, parsedArg, period, price, signedPrice } from '../../lib/cli/flags.ts';
import { productDocument, productTable } from '../../lib/cli/products.ts';
import {
  parsePriceOption,
  parseProductDescription,
  parseProductName,
  priceSet,
  singlePrice,
} from '../../lib/core/product.ts';
import { createProduct } from '../../lib/ops/products.ts';

export default class ProductCreate extends BaseCommand {
  static override summary = 'Create a product that can be ordered';
  static override description =
    `A product is a template: an order copies its prices, so a product never changes what was ordered before.
Give one price with --period, --recurring-price and --one-time-price, or one for each period with --price; the
first is the default of orders that name no period.
Creating the same product again changes nothing; another content under a name that is taken is refused.`;
  static override examples = [
    '<%= config.bin %> product create "VPN network /56" --period 365d --recurring-price 60',
    '<%= config.bin %> product create Backup --price 30d=0+10.50 --price 365d=0+120 --currency CHF',
    '<%= config.bin %> product create "Site set-up" --period once --one-time-price 35',
  ];
  static override args = { name: parsedArg('Unique name, up to 150 characters', parseProductName) };
  static override flags = {
    description: description({ summary: 'What it is, in one line' }),
    period: period({
      summary: 'What the recurring price is for; default: 30d, or once without a recurring price',
    }),
    'recurring-price': price({ summary: 'Price for each period' }),
    'one-time-price': signedPrice({ summary: 'Price at the start of an order' }),
    price: Flags.custom({
      parse: async (text) => parsePriceOption(text),
      multiple: true,
      helpValue: 'PERIOD=ONE_TIME+RECURRING',
      summary: 'Both prices with one period; repeatable',
      exclusive: ['period', 'recurring-price', 'one-time-price'],
    })(),
    currency: currency({ summary: 'Currency of all prices; default: CHF' }),
  };

  async run() {
    const { args, flags } = await this.parse(ProductCreate);
    const options =
      flags.price ?? singlePrice(flags.period, flags['one-time-price'], flags['recurring-price']);
    const { product, created } = await createProduct(await this.context(), {
      name: args.name,
      description: flags.description ?? parseProductDescription(''),
      prices: priceSet(options, flags.currency ?? 'CHF'),
    });
    this.log(productTable([product]));
    this.say(
      created ? `Created product ${product.id}.` : `Product ${product.id} exists already; nothing changed.`,
    );
    const document = productDocument(product);
    return { product: document, products: [document], created };
  }
}
