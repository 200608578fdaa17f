import { inflateSync } from 'node:zlib';
import jsqr from 'jsqr';
import { extractText, getDocumentProxy } from 'unpdf';

/** The text of each page of a PDF, as a reader that knows nothing of its writer finds it; every blank is one space. */
export async function readPdf(bytes: Uint8Array): Promise<string[]> {
  const { text } = await extractText(new Uint8Array(bytes), { mergePages: false });
  return text.map((page) => page.replace(/\s+/g, ' '));
}

/** How high each word group of a page stands, in points from the bottom of the page. */
export async function readHeights(bytes: Uint8Array, page: number): Promise<{ text: string; y: number }[]> {
  const pdf = await getDocumentProxy(new Uint8Array(bytes));
  const { items } = await (await pdf.getPage(page)).getTextContent();
  return items.flatMap((item) => ('str' in item ? [{ text: item.str, y: item.transform[5] as number }] : []));
}

const PIXELS_PER_POINT = 4;
const MARGIN = 40;

/** The fields of the QR code in a PDF, read from a picture of what is painted; undefined when there is none. */
export function readQrBill(bytes: Uint8Array): string[] | undefined {
  const painting = contentsOf(Buffer.from(bytes))
    .flatMap((content) => content.split(/\bq\n/))
    .find((part) => part.split(' re\n').length > 300);
  if (painting === undefined) return undefined;
  const size = 2 * MARGIN + 131 * PIXELS_PER_POINT;
  const pixels = paint(painting, size);
  // A CommonJS package: TypeScript sees the default of its types, Node the whole module.
  const decode = jsqr as unknown as typeof jsqr.default;
  const code = decode(pixels, size, size);
  if (code === null) throw new Error('the QR code cannot be read');
  return code.data.split('\n');
}

const COMPRESSED = '/Filter /FlateDecode\n>>\nstream\n';

/** The contents of all compressed streams. */
function contentsOf(pdf: Buffer): string[] {
  const contents: string[] = [];
  for (let at = pdf.indexOf(COMPRESSED); at !== -1; at = pdf.indexOf(COMPRESSED, at + 1)) {
    const start = at + COMPRESSED.length;
    const end = pdf.indexOf('\nendstream', start);
    contents.push(inflateSync(pdf.subarray(start, end)).toString('latin1'));
  }
  return contents;
}

/** Paints filled rectangles: `x y w h re`, a grey or RGB colour, and `f` fills all since the last one. */
function paint(operators: string, size: number): Uint8ClampedArray {
  const pixels = new Uint8ClampedArray(size * size * 4).fill(255);
  let path: number[][] = [];
  let shade = 0;
  for (const line of operators.split('\n')) {
    const words = line.split(' ');
    const operator = words.at(-1);
    if (operator === 're') path.push(words.slice(0, 4).map(Number));
    if (operator === 'scn' || operator === 'rg') shade = Number(words[0]) * 255;
    if (operator !== 'f') continue;
    for (const [x = 0, y = 0, width = 0, height = 0] of path) {
      const [left, right] = [x, x + width].map((point) => MARGIN + Math.round(point * PIXELS_PER_POINT));
      const [top, bottom] = [y, y + height].map((point) => MARGIN + Math.round(point * PIXELS_PER_POINT));
      for (let row = top ?? 0; row < (bottom ?? 0); row++) {
        for (let column = left ?? 0; column < (right ?? 0); column++) {
          pixels.fill(shade, (row * size + column) * 4, (row * size + column) * 4 + 3);
        }
      }
    }
    path = [];
  }
  return pixels;
}
