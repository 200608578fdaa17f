/**
 * The names of the fields in which two states of a thing differ. Lists are compared item by item; null, an absent
 * field and empty text are the same.
 */
export function changedFields<Thing extends object>(before: Thing, after: Thing): (keyof Thing & string)[] {
  const fields = Object.keys(after) as (keyof Thing & string)[];
  return fields.filter(
    (field) => before[field] !== after[field] && textOf(before[field]) !== textOf(after[field]),
  );
}

function textOf(value: unknown): string {
  return JSON.stringify(value ?? '');
}
