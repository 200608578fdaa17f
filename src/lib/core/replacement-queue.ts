import { quote, refuse, type UserError } from './errors.ts';
import type { Reference } from './reference.ts';

/** A row of a file that names the order it replaces. */
export interface Waiting {
  readonly reference: Reference;
  readonly replaces: Reference;
}

/** Rows of a file that wait for the row they replace, because it stands further down. */
export class ReplacementQueue<Row extends Waiting> {
  readonly #rows = new Map<Reference, Row>();
  readonly #waitingFor = new Map<Reference, Row[]>();

  add(row: Row): void {
    this.#rows.set(row.reference, row);
    const others = this.#waitingFor.get(row.replaces);
    if (others === undefined) this.#waitingFor.set(row.replaces, [row]);
    else others.push(row);
  }

  /** The rows that waited for the order of this reference; they wait no longer. */
  release(reference: Reference): readonly Row[] {
    const rows = this.#waitingFor.get(reference) ?? [];
    this.#waitingFor.delete(reference);
    for (const row of rows) this.#rows.delete(row.reference);
    return rows;
  }

  /** The rows that wait in vain when the whole file is read, each with the refusal that it deserves. */
  rest(): { row: Row; error: UserError }[] {
    const missing = [...this.#waitingFor.keys()].filter((reference) => !this.#rows.has(reference));
    const lost: Row[] = [];
    for (let reference = missing.pop(); reference !== undefined; reference = missing.pop()) {
      for (const row of this.release(reference)) {
        lost.push(row);
        missing.push(row.reference);
      }
    }
    const circleOf = this.#circles();
    return [
      ...lost.map((row) => {
        const fault = `${quote(row.replaces)} is neither in the database nor a sound row of the file`;
        return { row, error: refuse.INVALID_ORDER({ field: 'predecessor', fault }) };
      }),
      ...[...this.#rows.values()].map((row) => {
        const order = circleOf.get(row.reference) ?? row.reference;
        return { row, error: refuse.REPLACEMENT_CYCLE({ order }) };
      }),
    ];
  }

  /** For each row an order of the circle that it leads into; each row is visited once. */
  #circles(): Map<Reference, Reference> {
    const circleOf = new Map<Reference, Reference>();
    for (const start of this.#rows.values()) {
      const path = new Set<Reference>();
      let at: Reference | undefined = start.reference;
      while (at !== undefined && !path.has(at) && !circleOf.has(at)) {
        path.add(at);
        at = this.#rows.get(at)?.replaces;
      }
      const circle = at === undefined ? undefined : (circleOf.get(at) ?? at);
      if (circle !== undefined) for (const reference of path) circleOf.set(reference, circle);
    }
    return circleOf;
  }
}
