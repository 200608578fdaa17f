import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { create, type Font } from 'fontkit';

/** The fonts that ship with the program, and how to set any text in them. */
export interface Typesetting {
  /** Each font by its name. */
  readonly fonts: ReadonlyMap<string, Font>;
  readonly names: typeof NAMES;
  set(text: string): Setting;
}

/** A text as it can be printed. */
export interface Setting {
  readonly text: string;
  /** It needs the font with the scripts of the world. */
  readonly isWide: boolean;
  /** No character is missing in the font. */
  readonly isComplete: boolean;
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

let read: Promise<Typesetting> | undefined;

/** The fonts, read once in the life of the process: that takes longer than a bill. */
export function typesetting(): Promise<Typesetting> {
  read ??= readFonts();
  return read;
}

async function readFonts(): Promise<Typesetting> {
  const [regular, bold, wide] = await Promise.all([
    readFont(FILES.regular),
    readFont(FILES.bold),
    readFont(FILES.wide),
  ]);
  return {
    fonts: new Map([
      [NAMES.regular, regular],
      [NAMES.bold, bold],
      [NAMES.wide, wide],
    ]),
    names: NAMES,
    set(text) {
      const characters = visible(text);
      const isWide = characters.some((character) => !has(regular, character) && has(wide, character));
      const font = isWide ? wide : regular;
      const shown = characters.map((character) => (has(font, character) ? character : MISSING));
      const isComplete = shown.every((character, index) => character === characters[index]);
      return { text: shown.join(''), isWide, isComplete };
    },
  };
}

/** Letters of the scripts that run from right to left. */
const LEFTWARD = '[\\p{Script=Hebrew}\\p{Script=Arabic}]';
const BETWEEN_LEFTWARD = new RegExp(`(?<=${LEFTWARD}) +(?=${LEFTWARD})`, 'gu');
const AFTER_LEFTWARD = new RegExp(`(?<=${LEFTWARD}) `, 'gu');

const SEGMENTER = new Intl.Segmenter();

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
  const cut = spaced.length > LONGEST ? `${spaced.slice(0, LONGEST)}…` : spaced;
  // Each of these is a character of its own.
  if (/^[ -~\u00a0-\u02ff]*$/.test(cut)) return [...cut.replaceAll('\u00ad', '')];
  const characters = [...SEGMENTER.segment(cut)];
  return characters
    .map(({ segment }) => segment.replace(/[\p{Cf}\p{Cs}\p{Variation_Selector}]/gu, ''))
    .filter((character) => character !== '');
}

function has(font: Font, character: string): boolean {
  return [...character].every((part) => font.hasGlyphForCodePoint(part.codePointAt(0) ?? 0));
}

async function readFont(file: string): Promise<Font> {
  const candidates = FOLDERS.map((folder) => new URL(folder + file, import.meta.url));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found === undefined) throw new Error(`the font ${file} is not beside the program`);
  return create(await readFile(found)) as Font;
}
