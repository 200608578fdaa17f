import { formatAddress, type Prefix, slotPrefix } from '../core/prefix.ts';
import { type UsageBucket, usageMap } from '../core/usage-map.ts';
import { capacityOf } from '../core/vpn-pool.ts';

interface DrawnPool {
  readonly prefix: Prefix;
  readonly subnetworkSize: number;
}

const MOST_ROWS = 16;
const WIDEST_ROW = 128;
/** A hexadecimal digit of the address. */
const GROUP = 16;
const WIDTH_WITHOUT_TERMINAL = 80;

/** Signs for cells of which none, few (up to a third), some, most (over two thirds) and all slots are used. */
const BLOCKS = ['·', '░', '▒', '▓', '█'] as const;
const LETTERS = ['.', '-', '+', '*', '#'] as const;
const WORDS = ['none', 'few', 'some', 'most', 'all'] as const;

const GREEN = '\u001b[32m';
const DIM = '\u001b[2m';
const RESET = '\u001b[0m';

/**
 * Draws which slots of a pool are used: each row begins with its first address, each cell is a prefix of its own.
 * @param width columns of the terminal; undefined in a pipe
 * @param plain letters only: in a pipe, and where colour is not wanted
 */
export function drawUsage(
  pool: DrawnPool,
  usedSlots: Iterable<bigint>,
  { width, plain }: { width: number | undefined; plain: boolean },
): string {
  const capacity = capacityOf(pool);
  const perRow = cellsPerRow(pool, width ?? WIDTH_WITHOUT_TERMINAL);
  const buckets = usageMap(capacity, usedSlots, perRow * MOST_ROWS);
  const labels = rowLabels(pool, perRow);
  const widest = Math.max(...labels.map((label) => label.length));
  const signs = plain ? LETTERS : BLOCKS;
  const rows = labels.map((label, row) => {
    const cells = buckets.slice(row * perRow, (row + 1) * perRow).map((bucket) => signs[shadeOf(bucket)]);
    const groups = cells.join('').match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? [];
    return `${label.padEnd(widest)}  ${colour(groups.join(' '), plain)}`;
  });
  const inCell = buckets[0]?.total ?? 1n;
  const bits = inCell.toString(2).length - 1;
  const size = pool.subnetworkSize - bits;
  const legend =
    inCell === 1n
      ? `Each cell is a /${size}: ${signs[4]} used, ${signs[0]} free`
      : `Each cell is a /${size} of ${bits > 20 ? `2^${bits}` : inCell} networks; used: ${signs.map((sign, shade) => `${sign} ${WORDS[shade]}`).join(', ')}`;
  return [...rows, legend].join('\n');
}

/** Capacities are powers of two, so rows of a power of two cells begin at round addresses. */
function cellsPerRow(pool: DrawnPool, width: number): number {
  const capacity = capacityOf(pool);
  let cells = capacity < BigInt(WIDEST_ROW) ? Number(capacity) : WIDEST_ROW;
  while (cells > 1 && rowWidth(pool, cells) > width) cells /= 2;
  return cells;
}

function rowWidth(pool: DrawnPool, cells: number): number {
  const gaps = Math.ceil(cells / GROUP) - 1;
  return Math.max(...rowLabels(pool, cells).map((label) => label.length)) + 2 + cells + gaps;
}

function rowLabels(pool: DrawnPool, perRow: number): string[] {
  const capacity = capacityOf(pool);
  const all = capacity / BigInt(perRow);
  const rows = all < BigInt(MOST_ROWS) ? all : BigInt(MOST_ROWS);
  return Array.from({ length: Number(rows) }, (_, row) => {
    const slot = (BigInt(row) * capacity) / rows;
    return formatAddress(slotPrefix(pool.prefix, pool.subnetworkSize, slot).address);
  });
}

function shadeOf({ used, total }: UsageBucket): 0 | 1 | 2 | 3 | 4 {
  if (used === 0) return 0;
  const slots = BigInt(used);
  if (slots === total) return 4;
  if (3n * slots <= total) return 1;
  return 3n * slots <= 2n * total ? 2 : 3;
}

function colour(row: string, plain: boolean): string {
  if (plain) return row;
  return row.replace(/·+/g, `${DIM}$&${RESET}`).replace(/[░▒▓█]+/g, `${GREEN}$&${RESET}`);
}
