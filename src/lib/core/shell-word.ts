import { escapeControl } from './escape-control.ts';

/**
 * A word as a POSIX shell reads it back: in single quotes where it has to be, in dollar-single-quotes (POSIX.1-2024)
 * where it would steer a terminal.
 */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (escapeControl(word) !== word) {
    return `$'${escapeControl(word.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n'))}'`;
  }
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
