import { fstatSync, writeFileSync } from 'node:fs';
import { refuse } from '../core/errors.ts';

/** The first error of standard output. Node itself forgets one at once: it makes stdout writable again. */
let failure: NodeJS.ErrnoException | undefined;

/** Notes errors of standard output for `finishStdout`. Called once, before anything is printed. */
export function watchStdout(): void {
  const { stdout } = process;
  stdout.on('error', note);
  const stats = fstatSync(stdout.fd);
  if (stats.isFile() || (stats.isCharacterDevice() && !stdout.isTTY)) writeWholly(stdout);
}

function note(error: NodeJS.ErrnoException | null | undefined): void {
  failure ??= error ?? undefined;
}

/** Node takes a write to a file for done that a full disk has cut short, and would write on behind the gap. */
function writeWholly(stdout: NodeJS.WriteStream & { fd: 1 }): void {
  stdout._write = (chunk: Buffer, _encoding, done) => {
    try {
      if (failure === undefined) writeFileSync(stdout.fd, chunk);
    } catch (error) {
      note(error as Error);
    }
    done(failure);
  };
}

/**
 * Writes parts to standard output as they come, no faster than they are read there, until its reader goes away.
 * @throws OUTPUT_NOT_WRITABLE for any other error
 */
export async function writeToStdout(parts: AsyncIterable<string | Uint8Array>): Promise<void> {
  for await (const part of parts) {
    await printPart(part);
    if (failure !== undefined) break;
  }
  await finishStdout();
}

/** Writes a part to standard output, and waits where it is read more slowly than it comes. */
export async function printPart(part: string | Uint8Array): Promise<void> {
  const { stdout } = process;
  if (!stdout.write(part)) await written();
}

/** Whether the reader of standard output has gone away before the end. */
export function isReaderGone(): boolean {
  return failure?.code === 'EPIPE';
}

/**
 * Waits until all that was printed is written.
 * @throws OUTPUT_NOT_WRITABLE unless it was, or its reader has gone away, as that of `uncloud … | head -1` does
 */
export async function finishStdout(): Promise<void> {
  await written();
  if (failure === undefined || isReaderGone()) return;
  const { reasonOf } = await import('./files.ts');
  throw refuse.OUTPUT_NOT_WRITABLE({ reason: reasonOf(failure) });
}

/** Waits until all that was printed before is written or has failed. */
function written(): Promise<void> {
  const { stdout } = process;
  return new Promise((resolve) => {
    stdout.write('', (error) => {
      note(error);
      resolve();
    });
  });
}
