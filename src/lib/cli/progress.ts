import type { SingleBar } from 'cli-progress';

/** Work shorter than this shows nothing. */
const QUIET_MILLISECONDS = 1000;

/** The progress of long work: a bar with rate and remaining time, on a terminal's stderr only. */
export class Progress {
  readonly #silent: boolean;
  readonly #begun = Date.now();
  #bar: SingleBar | undefined;
  #loading = false;
  #cleared = false;

  constructor(silent: boolean) {
    this.#silent = silent || !process.stderr.isTTY;
  }

  /** Shows that `done` of `total` units are done; null when nobody knows how many there are. */
  show(done: number, total: number | null, unit: string): void {
    if (this.#silent || Date.now() - this.#begun < QUIET_MILLISECONDS) return;
    if (this.#bar === undefined) {
      void this.#start(done, total, unit);
      return;
    }
    if (total !== null) this.#bar.setTotal(total);
    this.#bar.update(done, this.#facts(done, unit));
  }

  /** Takes the bar away, so that results and errors stand alone. */
  clear(): void {
    this.#cleared = true;
    this.#bar?.stop();
    this.#bar = undefined;
  }

  async #start(done: number, total: number | null, unit: string): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    const { default: progress } = await import('cli-progress');
    if (this.#cleared) return;
    const format =
      total === null
        ? '{value} {unit} in {duration_formatted}, {rate}/s'
        : '{bar} {value}/{total} {unit}, {rate}/s, {eta_formatted} left';
    this.#bar = new progress.SingleBar({
      format,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      barsize: 30,
    });
    this.#bar.start(total ?? 0, done, this.#facts(done, unit));
  }

  /** What the line says beside the numbers of the bar: the rate is the mean since the work began. */
  #facts(done: number, unit: string): { unit: string; rate: number } {
    return { unit, rate: Math.round(done / Math.max(1, (Date.now() - this.#begun) / 1000)) };
  }
}
