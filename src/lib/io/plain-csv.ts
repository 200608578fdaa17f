const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const QUOTE = 0x22;
const COMMA = 0x2c;

/** How far the plain rows of some bytes go. */
interface PlainRows {
  /** Where they end, and a row begins that is unfinished or not plain. */
  readonly end: number;
  /** Whether that row is plain as far as it goes. */
  readonly isPlain: boolean;
}

/**
 * Reads rows of CSV as long as there is no question about them: quotes stand only around whole cells and are doubled
 * inside, and no row is longer than `longest` bytes.
 * @param bytes begin where a row begins
 * @param take gets the cells of each row; none for an empty line
 */
export function readPlainRows(bytes: Buffer, longest: number, take: (cells: string[]) => void): PlainRows {
  let [row, cell] = [0, 0];
  let cells: string[] = [];
  for (;;) {
    const isQuoted = bytes[cell] === QUOTE;
    const stop = isQuoted ? closingQuote(bytes, cell + 1) : endOfBare(bytes, cell);
    const after = isQuoted ? stop + 1 : stop;
    const next = bytes[after] === CARRIAGE_RETURN ? after + 1 : after;
    if (next >= bytes.length) return { end: row, isPlain: bytes.length - row <= longest };
    const isLastCell = bytes[next] === LINE_FEED;
    const isPlain = isLastCell || (bytes[next] === COMMA && next === after);
    if (!isPlain || next - row > longest) return { end: row, isPlain: false };

    const isEmptyLine = isLastCell && cells.length === 0 && !isQuoted && stop === cell;
    if (!isEmptyLine)
      cells.push(isQuoted ? quotedText(bytes, cell + 1, stop) : bytes.toString('utf8', cell, stop));
    cell = next + 1;
    if (!isLastCell) continue;
    take(cells);
    row = cell;
    cells = [];
  }
}

/** Where a cell without quotes ends: before a comma, a line end, or a quote that has no place there. */
function endOfBare(bytes: Buffer, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === COMMA || byte === QUOTE) return at;
    if (byte === LINE_FEED) return at > start && bytes[at - 1] === CARRIAGE_RETURN ? at - 1 : at;
  }
  return bytes.length;
}

/** Where the quote is that closes a cell, or the end of the bytes. */
function closingQuote(bytes: Buffer, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    if (bytes[at] !== QUOTE) continue;
    if (bytes[at + 1] !== QUOTE) return at;
    at += 1;
  }
  return bytes.length;
}

function quotedText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end);
  return text.includes('"') ? text.replaceAll('""', '"') : text;
}
