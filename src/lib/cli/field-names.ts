/** Names of fields as the documents and files spell them: vatNumber is vat_number. */
export function fieldNames(fields: readonly string[]): string[] {
  return fields.map((field) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

/** What to say of the fields that a command changed, or would. */
export function saidOfChange(
  fields: readonly string[],
  verb: 'Changed' | 'Would change' = 'Changed',
): string {
  return fields.length === 0 ? 'Nothing to change.' : `${verb}: ${fieldNames(fields).join(', ')}.`;
}
