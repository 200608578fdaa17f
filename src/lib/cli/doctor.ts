import { hostname as machineName } from 'node:os';
import type { Fault } from '../core/bill-verification.ts';
import { quote, UserError } from '../core/errors.ts';
import { escapeControl } from '../core/escape-control.ts';
import { type Finding, faulty, refused, sound, verdict } from '../core/finding.ts';
import { type Hostname, parseHostname } from '../core/hostname.ts';
import { verifyBills } from '../ops/bill-history.ts';
import type { Context } from '../ops/context.ts';
import { examineData } from '../ops/data-doctor.ts';
import { type InterfaceOutcome, reconcileHost } from '../ops/vpn-host.ts';
import { wrapSentences } from './sentence.ts';
import { terminalWidth } from './table.ts';

const MARKS = { ok: 'ok     ', warning: 'warning', error: 'ERROR  ' } as const;
const INDENT = ' '.repeat('ERROR    '.length);

/** A finding in words; its subject only where neither its name nor its message says it. */
export function findingText({ id, level, subject, message, fix }: Finding): string {
  const isSaid = subject === id || message.includes(quote(subject));
  const lines = [`${MARKS[level]}  ${id}: ${isSaid ? '' : `${subject}: `}${message}`];
  if (fix !== '') lines.push(INDENT + fix);
  return lines.map((line) => wrapSentences(escapeControl(line), terminalWidth(), INDENT)).join('\n');
}

/**
 * Checks all invariants of the stored rows: what `examineData` looks at, the recomputation of `bill verify`, and the
 * WireGuard files against a dry run of `vpn --render-only`.
 * @param hostname whose files; undefined is this machine, if it serves pools and has files
 */
export async function examineRows(context: Context, hostname: Hostname | undefined): Promise<Finding[]> {
  return [
    ...(await examineData(context)),
    ...billFindings(await verifyBills(context)),
    ...(await fileFindings(context, hostname)),
  ];
}

function billFindings({ checked, faults }: Awaited<ReturnType<typeof verifyBills>>): readonly Finding[] {
  const found = faults.map((fault) => faulty('bills', subjectOf(fault), fault.message, fixOf(fault)));
  return verdict(
    found,
    sound('bills', 'bills', `${checked.bills}, recomputed from ${checked.orders} orders`),
  );
}

function subjectOf({ code, bill, order }: Fault): string {
  const where = [bill === null ? '' : `bill ${bill}`, order === null ? '' : `order ${order}`];
  return [code, ...where.filter((word) => word !== '')].join(', ');
}

function fixOf({ bill }: Fault): string {
  return bill === null
    ? 'Look at it with: uncloud bill verify'
    : `Look at it with: uncloud bill explain ${bill}`;
}

/** Reasons to leave the files of a host that was not asked for alone. */
const NOT_SERVED_HERE = new Set([
  'INVALID_HOSTNAME',
  'NO_POOL_FOR_HOST',
  'CONFIG_DIRECTORY_MISSING',
  'UNSAFE_CONFIG_DIRECTORY',
]);

async function fileFindings(context: Context, asked: Hostname | undefined): Promise<readonly Finding[]> {
  const name = asked ?? machineName().toLowerCase();
  try {
    const hostname = parseHostname(name);
    const request = { hostname, directory: undefined, renderOnly: true, dryRun: true, prune: false };
    const outcomes = await reconcileHost(context, request);
    const isWithoutFiles = outcomes.every(({ changes }) =>
      changes.some(({ kind, action }) => kind === 'file' && action === 'create'),
    );
    if (asked === undefined && isWithoutFiles) return [];
    const fix = `Write them again with: uncloud vpn --hostname ${hostname}`;
    const found = outcomes.flatMap((outcome) => differencesOf(outcome, fix));
    return verdict(found, sound('wireguard-files', hostname, 'are what the database renders'));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (asked === undefined && NOT_SERVED_HERE.has(error.code)) return [];
    return [refused('wireguard-files', name, error)];
  }
}

function differencesOf(
  { interface: name, changes, refused: rows }: InterfaceOutcome,
  fix: string,
): Finding[] {
  const subject = `${name}.conf`;
  const found = rows.map((refusal) => refused('wireguard-files', subject, refusal));
  if (changes.length === 0) return found;
  const [first, ...others] = changes.map(({ kind, subject: what, action }) => `${action} ${kind} ${what}`);
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  return [...found, faulty('wireguard-files', subject, `differs from the database: ${first}${more}`, fix)];
}
