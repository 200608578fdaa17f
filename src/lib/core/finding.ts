import { UserError } from './errors.ts';

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly id: string;
  readonly level: 'ok' | 'warning' | 'error';
  readonly subject: string;
  readonly message: string;
  /** What to do, as one sentence or command; empty when all is well. */
  readonly fix: string;
}

/** How many findings of one check are told one by one. */
export const MOST_FINDINGS = 100;

/** Something that is as it should be. */
export function sound(id: string, subject: string, message: string): Finding {
  return { id, level: 'ok', subject, message, fix: '' };
}

/** Something that keeps a command from working, or that no command can have done. */
export function faulty(id: string, subject: string, message: string, fix: string): Finding {
  return { id, level: 'error', subject, message, fix };
}

/** Something that may be meant so. */
export function doubtful(id: string, subject: string, message: string, fix: string): Finding {
  return { id, level: 'warning', subject, message, fix };
}

/** What another command would be refused with. */
export function refused(id: string, subject: string, { message, hint }: UserError): Finding {
  return faulty(id, subject, message, hint);
}

/** The same of whatever was thrown; what is no refusal goes on. */
export function asFinding(id: string, subject: string, error: unknown): Finding {
  if (error instanceof UserError) return refused(id, subject, error);
  throw error;
}

/** What a check found, at most `MOST_FINDINGS` of it; or, when it found nothing, that all is well. */
export function verdict(found: readonly Finding[], allIsWell: Finding): readonly Finding[] {
  if (found.length === 0) return [allIsWell];
  if (found.length <= MOST_FINDINGS) return found;
  const message = `more than ${MOST_FINDINGS} findings; the others are not shown`;
  const rest = faulty(allIsWell.id, allIsWell.subject, message, 'Look again when these are put right.');
  return [...found.slice(0, MOST_FINDINGS), rest];
}

/** The findings without those that tell once more what one before them has told: one fault may stop several checks. */
export function withoutRepeats(findings: readonly Finding[]): Finding[] {
  const isRepeat = ({ level, message }: Finding, index: number) =>
    level === 'error' && findings.findIndex((other) => other.message === message) < index;
  return findings.filter((finding, index) => !isRepeat(finding, index));
}
