import { eastAsianWidth } from 'get-east-asian-width';

/** A command that somebody is to type, up to the end of its clause, or else a word. */
const PART = /( *)((?<=\b(?:with|mean|see|of): )(?:(?!\. | ?[;()]).)+[;.)]?|\S+)/gi;

/**
 * Sentences in lines of at most `width` columns, broken between words; a word or a command to be typed that is wider
 * than that stays whole. Lines after the first begin with `indent`; a line that fits is left as it is.
 * @param width undefined in a pipe, where nothing is broken
 */
export function wrapSentences(text: string, width: number | undefined, indent = ''): string {
  if (width === undefined) return text;
  return text
    .split('\n')
    .map((line) => (displayWidth(line) <= width ? line : wrapLine(line, width, indent)))
    .join('\n');
}

function wrapLine(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  let line = '';
  for (const [, gap = '', part = ''] of text.matchAll(PART)) {
    if (line === '' || displayWidth(line + gap + part) <= width) {
      line += gap + part;
    } else {
      lines.push(line);
      line = indent + part;
    }
  }
  return [...lines, line].join('\n');
}

/** So many things: `1 row`, `2 rows`. */
export function counted(count: number | bigint, one: string, many = `${one}s`): string {
  return `${count} ${BigInt(count) === 1n ? one : many}`;
}

/** The columns of a terminal that a text takes: East Asian wide characters and emoji take two (Unicode Annex 11). */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text))
    width += eastAsianWidth(segment.codePointAt(0) ?? 0);
  return width;
}

/** The columns of the terminal that a stream is; undefined in a pipe. */
export function widthOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY ? stream.columns : undefined;
}
