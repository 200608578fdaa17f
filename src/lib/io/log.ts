import { appendFile, rename, stat } from 'node:fs/promises';
import type { Config } from '../core/config.ts';
import { refuse } from '../core/errors.ts';
import { escapeControl } from '../core/escape-control.ts';
import { formatInstant, type Instant } from '../core/instant.ts';
import { reasonOf } from './files.ts';

type LogLevel = Config['logging.level'];

const SEVERITY: Readonly<Record<LogLevel, number>> = { info: 0, warn: 1, error: 2 };

/**
 * Appends a line to the log file of the configuration, when there is one and the level is severe enough. A file that
 * has reached its largest size is renamed to FILE.1 first, FILE.1 to FILE.2, and so on.
 * @throws FILE_NOT_WRITABLE; a log that cannot be written is the caller's to tell
 */
export async function appendLog(
  config: Config,
  level: LogLevel,
  at: Instant,
  message: string,
): Promise<void> {
  const file = config['logging.file'];
  if (file === '' || SEVERITY[level] < SEVERITY[config['logging.level']]) return;
  const line = `${formatInstant(at)} ${level} [${process.pid}] ${escapeControl(message.replaceAll('\n', ' '))}\n`;
  try {
    await rotate(file, config['logging.max_bytes'], config['logging.backup_count']);
    await appendFile(file, line, { mode: 0o600 });
  } catch (error) {
    throw refuse.FILE_NOT_WRITABLE({ file, reason: reasonOf(error) });
  }
}

async function rotate(file: string, maxBytes: number, backups: number): Promise<void> {
  const size = await stat(file).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size < maxBytes || backups === 0) return;
  for (let number = backups - 1; number >= 1; number--) {
    await rename(`${file}.${number}`, `${file}.${number + 1}`).catch(() => {});
  }
  await rename(file, `${file}.1`);
}
