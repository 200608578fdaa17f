import { hostname } from 'node:os';
import { type Author, recordedCommand } from '../core/audit.ts';
import type { Instant } from '../core/instant.ts';
import { accountName } from './account.ts';

/** The person behind this process, for the audit trail. `command` must be without secrets. */
export function authorOf(command: string, at: Instant): Author {
  const sudoUser = process.env.SUDO_USER ?? '';
  return {
    at,
    osUser: accountName() ?? `uid ${process.geteuid?.() ?? 'unknown'}`,
    sudoUser: sudoUser === '' ? null : sudoUser.toWellFormed(),
    host: hostname(),
    command: recordedCommand(command),
  };
}
