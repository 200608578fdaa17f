import { escapeControl } from '../core/escape-control.ts';
import type { Change } from '../core/host-plan.ts';
import type { InterfaceOutcome } from '../ops/vpn-host.ts';
import { refusalDocument } from './document.ts';

/** What a run does with an interface, as `--json` gives it. */
export function interfaceDocument({
  interface: name,
  poolId: id,
  changes,
  applied,
  refused,
  warnings,
}: InterfaceOutcome) {
  return {
    interface: name,
    pool_id: id,
    changes,
    applied,
    refused: refused.map(refusalDocument),
    warnings,
  };
}

/** So many changes of one kind are listed one by one; cron mails all that a run prints. */
const LISTED_CHANGES = 20;

/**
 * Changes as lines: `wg0: add peer KEY`, and `wg0: add 209 peers` for more than twenty of one kind.
 * @param all list every one, however many there are
 */
export function changeLines(name: string, changes: readonly Change[], { all }: { all: boolean }): string[] {
  const groups = Map.groupBy(changes, ({ action, kind }) => `${action} ${kind}`);
  return [...groups.values()].flatMap((group) =>
    all || group.length <= LISTED_CHANGES
      ? group.map((change) => changeLine(name, change))
      : `${name}: ${group[0]?.action} ${group.length} ${group[0]?.kind.replaceAll('_', ' ')}s`,
  );
}

function changeLine(name: string, { action, kind, subject }: Change): string {
  return escapeControl(`${name}: ${action} ${kind.replaceAll('_', ' ')} ${subject}`);
}
