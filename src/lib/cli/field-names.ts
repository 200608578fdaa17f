/** Names of fields as the documents and files spell them: vatNumber is vat_number. */
export function fieldNames(fields: readonly string[]): string[] {
  return fields.map((field) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}
