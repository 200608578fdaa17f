import { expect, it } from 'vitest';
import { similarNames } from '../../src/lib/core/similar-names.ts';

it.each<[word: string, names: string[], similar: string[]]>([
  ['usrname', ['city', 'user', 'username'], ['username']],
  ['migarte', ['generate', 'migrate'], ['migrate']],
  ['databsae.url', ['database.password', 'database.url'], ['database.url']],
  // The nearest first; as near, in their order.
  ['pol', ['pools', 'pool', 'poll'], ['pool', 'poll', 'pools']],
  // Of a long name a quarter may differ.
  ['recurring_period', ['recurring_price', 'one_time_price'], ['recurring_price']],
  // Of a short name half may differ.
  ['lsit', ['list'], ['list']],
  ['no', ['id', 'net'], []],
  ['', ['id'], []],
])('%s may mean one of %j: %j', (word, names, similar) => {
  expect(similarNames(word, names)).toEqual(similar);
});

it('a word of any length is compared in no time', () => {
  expect(similarNames('x'.repeat(10_000_000), ['username'])).toEqual([]);
});
