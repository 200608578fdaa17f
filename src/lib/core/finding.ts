import type { UserError } from './errors.ts';

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly id: string;
  readonly level: 'ok' | 'warning' | 'error';
  readonly subject: string;
  readonly message: string;
  /** What to do, as one sentence or command; empty when all is well. */
  readonly fix: string;
}

/** Something that is as it should be. */
export function sound(id: string, subject: string, message: string): Finding {
  return { id, level: 'ok', subject, message, fix: '' };
}

/** Something that keeps a command from working. */
export function faulty(id: string, subject: string, message: string, fix: string): Finding {
  return { id, level: 'error', subject, message, fix };
}

/** What another command would be refused with. */
export function refused(id: string, subject: string, { message, hint }: UserError): Finding {
  return faulty(id, subject, message, hint);
}
