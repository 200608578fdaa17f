import { openInput } from './input.ts';

/** Half a megabyte: more than any line of ours. */
const LONGEST = 2 ** 19;

/** A line of a file without its end, with its number from 1 on. */
export interface NumberedLine {
  readonly text: string;
  readonly number: number;
}

/**
 * The lines of a file or of standard input (`-`), UTF-8. A line that is longer than half a megabyte is cut there, so
 * that a file without line ends cannot fill the memory.
 * @throws INPUT_NOT_FOUND
 */
export async function* readLines(name: string): AsyncGenerator<NumberedLine> {
  const { bytes } = await openInput(name);
  const decoder = new TextDecoder();
  let rest = '';
  let number = 0;
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST);
    for (const text of lines) {
      number += 1;
      yield { text, number };
    }
  }
  rest += decoder.decode();
  if (rest !== '') yield { text: rest, number: number + 1 };
}
