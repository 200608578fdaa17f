import { refuse, type UserError } from '../core/errors.ts';
import { findWrongByte, isText } from './utf8.ts';

/** A line that is not empty, without its end. */
export interface TextLine {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

/** What lines are expected to look like. */
export interface LinesFormat {
  /** The name of the file in messages. */
  readonly file: string;
  /** The longest line accepted, in bytes; default 1 MiB. */
  readonly maxLineBytes?: number;
}

const DEFAULT_MAX_LINE_BYTES = 1_048_576;
const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = '\ufeff';

/**
 * Reads the lines of a JSON Lines file (https://jsonlines.org) as a stream, those of a chunk in one batch; memory
 * stays flat. UTF-8 with or without byte order mark, LF and CRLF line ends, and empty lines are accepted.
 * @throws JSON_ENCODING, JSON_LINE_TOO_LONG
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  { file, maxLineBytes = DEFAULT_MAX_LINE_BYTES }: LinesFormat,
): AsyncGenerator<TextLine[], void, undefined> {
  let line = 1;
  let rest: Uint8Array = new Uint8Array();
  for await (const chunk of source) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const lines: TextLine[] = [];
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
      add(lines, bytes.subarray(start, end));
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > maxLineBytes) throw tooLong();
    if (lines.length > 0) yield lines;
  }
  const last: TextLine[] = [];
  add(last, rest);
  if (last.length > 0) yield last;

  function add(lines: TextLine[], bytes: Uint8Array): void {
    if (bytes.length > maxLineBytes) throw tooLong();
    if (!isText(bytes)) throw wrongByte(bytes);
    const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
    const text = line === 1 && whole.startsWith(BYTE_ORDER_MARK) ? whole.slice(1) : whole;
    if (text.trim() !== '') lines.push({ line, text: text.endsWith('\r') ? text.slice(0, -1) : text });
    line += 1;
  }

  function wrongByte(bytes: Uint8Array): UserError {
    const { at, reason, encoding } = findWrongByte(bytes, line === 1);
    return refuse.JSON_ENCODING({ file, line, byte: at + 1, reason, encoding });
  }

  function tooLong(): UserError {
    return refuse.JSON_LINE_TOO_LONG({ file, line, limit: maxLineBytes });
  }
}
