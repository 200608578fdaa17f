import { parseDay } from './instant.ts';
import type { Territory, VatRate } from './vat.ts';
import type { VatRateEntry } from './vat-file.ts';

/**
 * Standard rates by the law of each country: country, today's currency, then each rate in percent after the
 * day on which it came into force. Each applies until the next one, the last one still does.
 * A series begins with the tax itself, or later where the first rates are not hundredths of a percent of the
 * price without tax (FR: 16 2/3 % in 1968; SE: a share of the price with tax), or where the tax was suspended
 * (MT: 1997-07-01 to 1998-12-31), or where nobody bills so far back (EE, IE).
 * Sources: European Commission, "VAT rates applied in the Member States"; Ireland's cut of 2020: Financial
 * Provisions (Covid-19) (No. 2) Act 2020; CH and LI: Federal Tax Administration; NO: the Storting's yearly
 * decisions; IS: law 50/1988.
 */
const STANDARD_RATES = `
  AT EUR: 1973-01-01 16, 1976-01-01 18, 1984-01-01 20
  BE EUR: 1971-01-01 18, 1978-07-01 16, 1981-07-01 17, 1983-01-01 19, 1992-04-01 19.5, 1994-01-01 20.5,
        1996-01-01 21
  BG EUR: 1994-04-01 18, 1996-07-01 22, 1999-01-01 20
  CH CHF: 1995-01-01 6.5, 1999-01-01 7.5, 2001-01-01 7.6, 2011-01-01 8, 2018-01-01 7.7, 2024-01-01 8.1
  CY EUR: 1992-07-01 5, 1993-10-01 8, 2000-07-01 10, 2002-07-01 13, 2003-01-01 15, 2012-03-01 17,
        2013-01-14 18, 2014-01-13 19
  CZ CZK: 1993-01-01 23, 1995-01-01 22, 2004-05-01 19, 2010-01-01 20, 2013-01-01 21
  DE EUR: 1968-01-01 10, 1968-07-01 11, 1978-01-01 12, 1979-07-01 13, 1983-07-01 14, 1993-01-01 15,
        1998-04-01 16, 2007-01-01 19, 2020-07-01 16, 2021-01-01 19
  DK DKK: 1967-07-03 10, 1968-04-01 12.5, 1970-06-29 15, 1977-10-03 18, 1978-10-30 20.25, 1980-06-30 22,
        1992-01-01 25
  EE EUR: 1993-01-01 18, 2009-07-01 20, 2024-01-01 22, 2025-07-01 24
  ES EUR: 1986-01-01 12, 1992-01-01 13, 1992-08-01 15, 1995-01-01 16, 2010-07-01 18, 2012-09-01 21
  FI EUR: 1994-06-01 22, 2010-07-01 23, 2013-01-01 24, 2024-09-01 25.5
  FR EUR: 1970-01-01 23, 1973-01-01 20, 1977-01-01 17.6, 1982-07-01 18.6, 1995-08-01 20.6, 2000-04-01 19.6,
        2014-01-01 20
  GB GBP: 1973-04-01 10, 1974-07-29 8, 1979-06-18 15, 1991-04-01 17.5, 2008-12-01 15, 2010-01-01 17.5,
        2011-01-04 20
  GR EUR: 1987-01-01 18, 1988-01-01 16, 1990-04-28 18, 2005-04-01 19, 2010-03-15 21, 2010-07-01 23,
        2016-06-01 24
  HR EUR: 1998-01-01 22, 2009-08-01 23, 2012-03-01 25
  HU HUF: 1988-01-01 25, 2006-01-01 20, 2009-07-01 25, 2012-01-01 27
  IE EUR: 1986-03-01 25, 1990-03-01 23, 1991-03-01 21, 2001-01-01 20, 2002-03-01 21, 2008-12-01 21.5,
        2010-01-01 21, 2012-01-01 23, 2020-09-01 21, 2021-03-01 23
  IS ISK: 1990-01-01 24.5, 2010-01-01 25.5, 2015-01-01 24
  IT EUR: 1973-01-01 12, 1977-02-08 14, 1980-07-03 15, 1980-11-01 14, 1981-01-01 15, 1982-08-05 18,
        1988-08-01 19, 1997-10-01 20, 2011-09-17 21, 2013-10-01 22
  LI CHF: 1995-01-01 6.5, 1999-01-01 7.5, 2001-01-01 7.6, 2011-01-01 8, 2018-01-01 7.7, 2024-01-01 8.1
  LT EUR: 1994-05-01 18, 2009-01-01 19, 2009-09-01 21
  LU EUR: 1970-01-01 8, 1971-01-01 10, 1983-07-01 12, 1992-01-01 15, 2015-01-01 17, 2023-01-01 16,
        2024-01-01 17
  LV EUR: 1995-05-01 18, 2009-01-01 21, 2011-01-01 22, 2012-07-01 21
  MT EUR: 1999-01-01 15, 2004-01-01 18
  NL EUR: 1969-01-01 12, 1971-01-01 14, 1973-01-01 16, 1976-01-01 18, 1984-01-01 19, 1986-10-01 20,
        1989-01-01 18.5, 1992-10-01 17.5, 2001-01-01 19, 2012-10-01 21
  NO NOK: 1970-01-01 20, 1993-01-01 22, 1995-01-01 23, 2001-01-01 24, 2005-01-01 25
  PL PLN: 1993-07-05 22, 2011-01-01 23
  PT EUR: 1986-01-01 16, 1988-02-01 17, 1992-03-24 16, 1995-01-01 17, 2002-06-05 19, 2005-07-01 21,
        2008-07-01 20, 2010-07-01 21, 2011-01-01 23
  RO RON: 1993-07-01 18, 1998-02-01 22, 2000-01-01 19, 2010-07-01 24, 2016-01-01 20, 2017-01-01 19,
        2025-08-01 21
  SE SEK: 1990-07-01 25
  SI EUR: 1999-07-01 19, 2002-01-01 20, 2013-07-01 22
  SK EUR: 1993-01-01 23, 1993-08-01 25, 1996-01-01 23, 2003-01-01 20, 2004-01-01 19, 2011-01-01 20,
        2025-01-01 23
`;

/** The table of standard rates that comes with the program: EU-27, CH, GB, IS, LI and NO. */
export const SHIPPED_VAT_RATES: readonly VatRateEntry[] = [
  ...STANDARD_RATES.matchAll(/^ {2}([A-Z]{2}) ([A-Z]{3}): ([-\d., \n]+)$/gm),
].flatMap(([, country = '', currency = '', list = '']) => {
  const steps = list.split(',').map((step) => step.trim().split(' '));
  return steps.map(([day = '', percent], index): VatRateEntry => {
    const next = steps[index + 1]?.[0];
    return {
      territory: country as Territory,
      rateType: 'standard',
      validFrom: parseDay(day),
      validTo: next === undefined ? null : parseDay(next),
      rate: Math.round(Number(percent) * 100) as VatRate,
      currency,
      description: '',
    };
  });
});
