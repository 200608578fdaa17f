import { csvLine, guarded, unguarded } from '../core/csv-text.ts';
import { UserError } from '../core/errors.ts';
import { parseJsonLine } from '../core/json-line.ts';
import { createReplacement, type PendingFile } from './files.ts';
import { REASON, type RowSource } from './import-rows.ts';

/**
 * The rows of a file that were refused, in a file that can be imported as it is: the same columns in the same order,
 * and why in the column `reason`. It takes the place of an older one when it is complete.
 */
export class RejectFile {
  readonly #file: PendingFile;
  #header: readonly string[] = [];
  #text = '';

  private constructor(file: PendingFile) {
    this.#file = file;
  }

  /** @throws FILE_NOT_WRITABLE, as all that follows */
  static async create(path: string): Promise<RejectFile> {
    return new RejectFile(await createReplacement(path));
  }

  /** The columns of the file that is imported. */
  setHeader(names: readonly string[]): void {
    this.#header = names;
    this.#text += csvLine(names.includes(REASON) ? names : [...names, REASON]);
  }

  add(source: RowSource, reason: string): void {
    if (typeof source === 'string') this.#text += jsonText(source, reason);
    else this.#text += csvLine(this.#cells(source, reason).map((cell) => guarded(unguarded(cell))));
  }

  /** Writes what was added. */
  async flush(): Promise<void> {
    if (this.#text === '') return;
    await this.#file.write(this.#text);
    this.#text = '';
  }

  /** Makes sure that all is on the disk. */
  async complete(): Promise<void> {
    await this.flush();
    await this.#file.complete();
  }

  /** Takes the place of an older file. */
  async publish(): Promise<void> {
    await this.#file.publish();
  }

  /** Removes what was written; after `publish` nothing. */
  async discard(): Promise<void> {
    await this.#file.discard();
  }

  /** A row with too few or too many cells keeps its fault: the reason is one more, as in the header. */
  #cells(source: readonly string[], reason: string): readonly string[] {
    const place = this.#header.indexOf(REASON);
    if (place === -1) return [...source, reason];
    return source.length === this.#header.length ? source.with(place, reason) : source;
  }
}

/** A line that is no JSON object stays as it is, below one that says why. */
function jsonText(source: string, reason: string): string {
  const why = `${JSON.stringify(REASON)}:${JSON.stringify(reason)}`;
  try {
    const members = parseJsonLine(source).filter(({ name }) => name !== REASON);
    return `{${[...members.map((member) => member.source), why].join(',')}}\n`;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return `{${why}}\n${source}\n`;
  }
}
