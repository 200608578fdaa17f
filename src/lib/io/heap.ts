import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8 from taking memory because the machine has it: 64 MiB and more for new objects, and for old ones more than
 * twice what is in use before it looks for garbage. Rows that stream through the program are garbage at once: little
 * space serves them as fast.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=100');
}

/**
 * Lets V8 look for garbage, new or old, only when its room is full, and then at once. A run of half a second ends
 * before there is much of it: looking in small steps all along, and again while other programs answer, took a tenth of
 * the processor time of such a run.
 */
export function collectLate(): void {
  setFlagsFromString('--no-incremental-marking');
  setFlagsFromString('--no-minor-gc-task');
}
