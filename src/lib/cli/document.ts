import { escapeLines } from '../core/escape-control.ts';

let hasDocument = false;

/**
 * Writes the one document of `--json`. JSON itself escapes control characters below U+0020 only; the others, such as
 * U+009B, which begins a command to a terminal, stand in strings too, where an escape means the same.
 */
export function writeDocument(document: unknown): void {
  const text = escapeLines(JSON.stringify(document, null, 2));
  hasDocument = true;
  process.stdout.write(`${text}\n`);
}

/** Whether a part of the document may be written already. */
export function isDocumentBegun(): boolean {
  return hasDocument;
}
