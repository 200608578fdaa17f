import type { UserError } from '../core/errors.ts';
import { escapeLines } from '../core/escape-control.ts';
import { printPart } from '../io/stdout.ts';

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

/** The document of `--json` that is one list of any length: as `writeDocument` writes it, but row by row. */
export class ListDocument {
  readonly #name: string;
  #isEmpty = true;

  /** @param name what the rows are called */
  constructor(name: string) {
    this.#name = name;
  }

  /** Writes rows, no faster than they are read. */
  async add(rows: readonly unknown[]): Promise<void> {
    const texts = rows.map((row) => JSON.stringify(row, null, 2).replaceAll('\n', '\n    '));
    const begin = this.#isEmpty ? this.#begin() : ',';
    this.#isEmpty = false;
    await printPart(`${begin}\n    ${escapeLines(texts.join(',\n    '))}`);
  }

  /** Ends the document. */
  async end(): Promise<void> {
    await printPart(this.#isEmpty ? `${this.#begin()}]\n}\n` : '\n  ]\n}\n');
  }

  #begin(): string {
    hasDocument = true;
    return `{\n  "schema_version": 1,\n  "${this.#name}": [`;
  }
}

/** Why something was left out of a work that was done, as `--json` gives it. */
export function refusalDocument({ code, message, hint }: UserError) {
  return { code, message, hint };
}

/** Whether a part of the document may be written already. */
export function isDocumentBegun(): boolean {
  return hasDocument;
}
