import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from giving the space for new objects ever more memory, 64 MiB and more where the machine has it. Rows that
 * stream through the program are garbage at once: a small space serves them as fast.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
