/** An entry of a statement: a credit of 27.03 CHF on 2025-02-10, or what is given instead. */
export interface GivenEntry {
  readonly amount?: string;
  readonly currency?: string;
  readonly direction?: 'CRDT' | 'DBIT';
  readonly reversal?: boolean;
  readonly status?: string;
  readonly day?: string;
  readonly bank?: string | null;
  /** XML that stands before the details. */
  readonly more?: string;
  readonly details?: readonly GivenDetail[];
}

/** A transaction of an entry. */
export interface GivenDetail {
  readonly amount?: string;
  readonly currency?: string;
  readonly direction?: 'CRDT' | 'DBIT';
  readonly bank?: string;
  readonly endToEnd?: string;
  readonly references?: readonly string[];
  readonly payer?: string;
}

type Version = '02' | '04' | '08';

/** A bank statement as a bank writes it in one of the versions. */
export function statement(entries: readonly GivenEntry[], version: Version = '04'): string {
  return `${STATEMENT_HEAD(version)}${entries.map((entry) => statementEntry(entry, version)).join('')}${STATEMENT_TAIL}`;
}

export const STATEMENT_HEAD = (version: Version) => `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.${version}">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>M1</MsgId><CreDtTm>2025-02-11T06:00:00+01:00</CreDtTm></GrpHdr>
    <Stmt>
      <Id>S1</Id>
      <Acct><Id><IBAN>CH9300762011623852957</IBAN></Id><Ccy>CHF</Ccy></Acct>
`;

export const STATEMENT_TAIL = `    </Stmt>
  </BkToCstmrStmt>
</Document>
`;

export function statementEntry(given: GivenEntry, version: Version = '04'): string {
  const { amount = '27.03', currency = 'CHF', direction = 'CRDT', reversal, status = 'BOOK' } = given;
  const { day = '2025-02-10', bank = 'B1', more = '', details = [] } = given;
  return `      <Ntry>
        <NtryRef>CH4431999123000889012</NtryRef>
        <Amt Ccy="${currency}">${amount}</Amt>
        <CdtDbtInd>${direction}</CdtDbtInd>
        ${reversal === undefined ? '' : `<RvslInd>${reversal}</RvslInd>`}
        ${version === '08' ? `<Sts><Cd>${status}</Cd></Sts>` : `<Sts>${status}</Sts>`}
        <BookgDt><Dt>${day}</Dt></BookgDt>
        <ValDt><Dt>2025-02-12</Dt></ValDt>
        ${bank === null ? '' : `<AcctSvcrRef>${bank}</AcctSvcrRef>`}
        <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>VCOM</SubFmlyCd></Fmly></Domn></BkTxCd>
        ${more}
        ${details.length === 0 ? '' : `<NtryDtls>${details.map((detail) => detailOf(detail, version)).join('')}</NtryDtls>`}
        <AddtlNtryInf>Credit</AddtlNtryInf>
      </Ntry>
`;
}

function detailOf(given: GivenDetail, version: Version): string {
  const {
    amount,
    currency = 'CHF',
    direction,
    bank,
    endToEnd = 'NOTPROVIDED',
    references = [],
    payer,
  } = given;
  const name = `<Nm>${payer}</Nm>`;
  const money = amount === undefined ? '' : `<Amt Ccy="${currency}">${amount}</Amt>`;
  return `
          <TxDtls>
            <Refs>${bank === undefined ? '' : `<AcctSvcrRef>${bank}</AcctSvcrRef>`}<EndToEndId>${endToEnd}</EndToEndId></Refs>
            ${version === '02' ? `<AmtDtls><TxAmt>${money}</TxAmt></AmtDtls>` : money}
            ${direction === undefined ? '' : `<CdtDbtInd>${direction}</CdtDbtInd>`}
            ${payer === undefined ? '' : `<RltdPties><Dbtr>${version === '08' ? `<Pty>${name}</Pty>` : name}</Dbtr></RltdPties>`}
            <RmtInf>${references.map((reference) => `<Strd><CdtrRefInf><Ref>${reference}</Ref></CdtrRefInf></Strd>`).join('')}</RmtInf>
          </TxDtls>`;
}
