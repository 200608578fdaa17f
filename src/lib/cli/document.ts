let hasDocument = false;

/** Writes the one document of `--json`. */
export function writeDocument(document: unknown): void {
  const text = JSON.stringify(document, null, 2);
  hasDocument = true;
  process.stdout.write(`${text}\n`);
}

/** Whether a part of the document may be written already. */
export function isDocumentBegun(): boolean {
  return hasDocument;
}
