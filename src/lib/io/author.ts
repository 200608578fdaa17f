import { hostname, userInfo } from 'node:os';
import { type Author, recordedCommand } from '../core/audit.ts';
import type { Instant } from '../core/instant.ts';

/** The person behind this process, for the audit trail. `command` must be without secrets. */
export function authorOf(command: string, at: Instant): Author {
  const sudoUser = process.env.SUDO_USER ?? '';
  return {
    at,
    osUser: osUser(),
    sudoUser: sudoUser === '' ? null : sudoUser.toWellFormed(),
    host: hostname(),
    command: recordedCommand(command),
  };
}

function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that no account has.
    return `uid ${process.geteuid?.() ?? 'unknown'}`;
  }
}
