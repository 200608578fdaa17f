/** The border that readers need, in modules: ISO/IEC 18004, “quiet zone”. */
const QUIET_ZONE = 4;

/** Two modules, one above the other, as one character: the foreground of a half block is one of them. */
const HALF_BLOCKS = { none: ' ', upper: '▀', lower: '▄', both: '█' } as const;

/** Black and white of the 256 colours, which themes of terminals leave as they are. */
const BLACK_ON_WHITE = '\u001b[38;5;16;48;5;231m';
const RESET = '\u001b[0m';

/**
 * Draws a text as a QR code of half blocks, for a camera in front of a terminal.
 * @param plain without colours: the light modules are drawn, which is right where the background is dark
 */
export async function drawQrCode(text: string, { plain }: { plain: boolean }): Promise<string> {
  const { encode } = await import('uqr');
  const { data, size } = encode(text, { ecc: 'L', border: QUIET_ZONE });
  const isDrawn = (row: number, column: number) => row < size && (data[row]?.[column] ?? false) !== plain;
  const lines: string[] = [];
  for (let row = 0; row < size; row += 2) {
    const characters = Array.from({ length: size }, (_, column) => {
      const [upper, lower] = [isDrawn(row, column), isDrawn(row + 1, column)];
      return HALF_BLOCKS[upper ? (lower ? 'both' : 'upper') : lower ? 'lower' : 'none'];
    });
    lines.push(plain ? characters.join('') : `${BLACK_ON_WHITE}${characters.join('')}${RESET}`);
  }
  return lines.join('\n');
}
