import type { SingleBar } from 'cli-progress';

/** Work shorter than this shows nothing. */
const QUIET_MILLISECONDS = 1000;

/** The progress of long work: a line with rate and remaining time, on a terminal's stderr only. */
export class Progress {
  /** Whether there is a terminal to show it on. */
  readonly isShown: boolean;
  readonly #begun = Date.now();
  #library: Promise<void> | undefined;
  #newBar: ((format: string) => SingleBar) | undefined;
  #bar: SingleBar | undefined;

  constructor(silent: boolean) {
    this.isShown = !silent && process.stderr.isTTY === true;
  }

  /** Shows that `done` of `total` units are done; null when nobody knows how many there are. */
  show(done: number, total: number | null, unit: string): void {
    if (!this.isShown || Date.now() - this.#begun < QUIET_MILLISECONDS) return;
    if (this.#newBar === undefined) {
      this.#library ??= this.#load();
      return;
    }
    // The rate is the mean since the work began.
    const facts = { unit, rate: Math.round(done / Math.max(1, (Date.now() - this.#begun) / 1000)) };
    if (this.#bar === undefined) {
      const format =
        total === null
          ? '{value} {unit}, {rate}/s'
          : '{bar} {value}/{total} {unit}, {rate}/s, {eta_formatted} left';
      this.#bar = this.#newBar(format);
      this.#bar.start(total ?? 0, done, facts);
      process.prependListener('SIGINT', this.#clear).prependListener('SIGTERM', this.#clear);
      return;
    }
    if (total !== null) this.#bar.setTotal(total);
    this.#bar.update(done, facts);
  }

  /** Takes the line away, so that what is printed next stands alone; work that goes on shows it again. */
  clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    process.off('SIGINT', this.#clear).off('SIGTERM', this.#clear);
  }

  readonly #clear = () => this.clear();

  async #load(): Promise<void> {
    const { default: progress } = await import('cli-progress');
    // The cursor stays visible and lines go on wrapping: whatever ends the process, the terminal is whole.
    this.#newBar = (format) =>
      new progress.SingleBar({
        format,
        stream: process.stderr,
        clearOnComplete: true,
        hideCursor: false,
        linewrap: true,
        gracefulExit: false,
        barsize: 30,
      });
  }
}
