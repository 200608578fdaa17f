import { encode } from 'uqr';
import { describe, expect, it } from 'vitest';
import { drawQrCode } from '../../src/lib/cli/qr-code.ts';

const TEXT = '[Interface]\nPrivateKey = XasIfmJKikt54X+Lg4AO5m87sSkmGLb9HC+LJ/+I4Os=\n';
const BORDER = 4;

/** The dark modules of a drawing, as the camera sees them. */
function darkModules(lines: readonly string[], plain: boolean): boolean[][] {
  return lines.flatMap((line) =>
    ['▀', '▄'].map((half) =>
      [...line].map((character) => (character === '█' || character === half) !== plain),
    ),
  );
}

describe('a QR code', () => {
  const { data, size } = encode(TEXT, { ecc: 'L', border: BORDER });

  it('has its own black and white on a terminal', async () => {
    const lines = (await drawQrCode(TEXT, { plain: false })).split('\n');
    const inside = lines.map((line) => {
      expect(line.startsWith('\u001b[38;5;16;48;5;231m')).toBe(true);
      expect(line.endsWith('\u001b[0m')).toBe(true);
      return line.slice('\u001b[38;5;16;48;5;231m'.length, -'\u001b[0m'.length);
    });
    expect(darkModules(inside, false).slice(0, size)).toEqual(data);
  });

  it('is drawn light on dark where colours are not wanted', async () => {
    const drawing = await drawQrCode(TEXT, { plain: true });
    expect(drawing).toMatch(/^[ ▀▄█\n]+$/);
    expect(darkModules(drawing.split('\n'), true).slice(0, size)).toEqual(data);
  });

  it('has a border of four light modules', () => {
    const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [x, y] : [])));
    expect([Math.min(...dark), Math.max(...dark)]).toEqual([BORDER, size - 1 - BORDER]);
  });
});
