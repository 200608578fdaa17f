import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { create, type Font } from 'fontkit';

/** The fonts that ship with the program, and how to set any text in them. */
export interface Typesetting {
  /** The name and the file of each font. */
  readonly fonts: ReadonlyMap<string, Buffer>;
  readonly names: typeof NAMES;
  /** The text as it can be printed, and whether it needs the font with the scripts of the world. */
  set(text: string): { readonly text: string; readonly isWide: boolean };
}

/**
 * The names by which pdfkit and swissqrbill know them. Arimo stands for Arial, which the style guide of the QR-bill
 * asks for: it is as wide to the last unit. DejaVu Sans has Arabic, Armenian, Georgian and some pictures too.
 */
const NAMES = { regular: 'Arial', bold: 'Arial-Bold', wide: 'DejaVu Sans Condensed' } as const;

const FILES = {
  regular: 'Arimo-Regular.ttf',
  bold: 'Arimo-Bold.ttf',
  wide: 'DejaVuSansCondensed.ttf',
} as const;

/** The build puts the fonts into dist/fonts: beside the chunks of the program, and below the root of the sources. */
const FOLDERS = ['../fonts/', '../../../dist/fonts/'];

/** More than fits anywhere on a bill; pdfkit's memory grows with the square of a word without end. */
const LONGEST = 500;

/** Stands for a character that no font has. */
const MISSING = '□';

/** Reads the fonts. */
export async function typesetting(): Promise<Typesetting> {
  const [regular, bold, wide] = await Promise.all([
    readFont(FILES.regular),
    readFont(FILES.bold),
    readFont(FILES.wide),
  ]);
  const arialFont = create(regular) as Font;
  const wideFont = create(wide) as Font;
  return {
    fonts: new Map([
      [NAMES.regular, regular],
      [NAMES.bold, bold],
      [NAMES.wide, wide],
    ]),
    names: NAMES,
    set(text) {
      const characters = visible(text);
      const isWide = characters.some((character) => !has(arialFont, character) && has(wideFont, character));
      const font = isWide ? wideFont : arialFont;
      const shown = characters.map((character) => (has(font, character) ? character : MISSING));
      return { text: shown.join(''), isWide };
    },
  };
}

/** Letters of the scripts that run from right to left. */
const LEFTWARD = '[\\p{Script=Hebrew}\\p{Script=Arabic}]';
const BETWEEN_LEFTWARD = new RegExp(`(?<=${LEFTWARD}) +(?=${LEFTWARD})`, 'gu');
const AFTER_LEFTWARD = new RegExp(`(?<=${LEFTWARD}) `, 'gu');

/**
 * The characters as people count them, on one line, without marks that only steer the direction or the look.
 * pdfkit sets words from left to right, each with the blank after it, which in a leftward word comes to stand before
 * it: no-break blanks hold such words together, and apart from the next one.
 */
function visible(text: string): string[] {
  const line = text
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  const spaced = line.replace(BETWEEN_LEFTWARD, '\u00a0').replace(AFTER_LEFTWARD, ' \u00a0');
  const characters = [...new Intl.Segmenter().segment(spaced.slice(0, LONGEST))];
  return characters
    .map(({ segment }) => segment.replace(/[\p{Cf}\p{Cs}\p{Variation_Selector}]/gu, ''))
    .filter((character) => character !== '');
}

function has(font: Font, character: string): boolean {
  return [...character].every((part) => font.hasGlyphForCodePoint(part.codePointAt(0) ?? 0));
}

async function readFont(file: string): Promise<Buffer> {
  const candidates = FOLDERS.map((folder) => new URL(folder + file, import.meta.url));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) throw new Error(`the font ${file} is not beside the program`);
  return readFile(found);
}
