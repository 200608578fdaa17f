import { expect, it } from 'vitest';
import { parseCountry } from '../../src/lib/core/country.ts';
import { parseIban } from '../../src/lib/core/iban.ts';
import { parseLine } from '../../src/lib/core/line.ts';
import { NO_PROVIDER } from '../../src/lib/core/provider.ts';
import { parseVatNumber } from '../../src/lib/core/vat-number.ts';
import { setProvider, showProvider } from '../../src/lib/ops/provider.ts';
import { describeDatabases } from '../support/databases.ts';

const [CH, DE, AT] = ['CH', 'DE', 'AT'].map(parseCountry);

describeDatabases('provider', (databases) => {
  it('is empty before anything was set', async () => {
    const context = await databases.context();
    expect(await showProvider(context)).toEqual(NO_PROVIDER);
    expect((await setProvider(context, {})).changed).toEqual([]);
  });

  it('changes what is given and nothing else', async () => {
    const context = await databases.context();
    const first = {
      name: parseLine('name', 'Example Hosting AG'),
      country: CH,
      vatNumber: parseVatNumber('CHE-123.456.788 MWST'),
      iban: parseIban('CH93 0076 2011 6238 5295 7'),
    };
    const set = await setProvider(context, first);
    expect(set.changed).toEqual(['name', 'country', 'vatNumber', 'iban']);
    expect(await setProvider(context, first)).toEqual({ ...set, changed: [] });
    const second = await setProvider(context, { city: parseLine('city', 'Glarus'), oss: true });
    expect(second).toEqual({
      provider: { ...set.provider, city: 'Glarus', oss: true },
      changed: ['city', 'oss'],
    });
    expect(await showProvider(context)).toEqual(second.provider);
  });

  it('replaces the registrations as a whole', async () => {
    const context = await databases.context();
    if (DE === undefined || AT === undefined) throw new Error('three countries were parsed');
    await setProvider(context, { registeredIn: [DE, AT, DE] });
    expect((await showProvider(context)).registeredIn).toEqual(['AT', 'DE']);
    expect((await setProvider(context, { registeredIn: [AT, DE] })).changed).toEqual([]);
    await setProvider(context, { registeredIn: [AT] });
    expect((await showProvider(context)).registeredIn).toEqual(['AT']);
    expect((await setProvider(context, { registeredIn: [] })).changed).toEqual(['registeredIn']);
    expect((await showProvider(context)).registeredIn).toEqual([]);
  });

  it('refuses a VAT number that says nothing about its country', async () => {
    const context = await databases.context();
    const change = { country: CH, vatNumber: parseVatNumber('12345') };
    await expect(setProvider(context, change)).rejects.toMatchObject({ code: 'INVALID_VAT_NUMBER' });
    expect(await showProvider(context)).toEqual(NO_PROVIDER);
  });
});
