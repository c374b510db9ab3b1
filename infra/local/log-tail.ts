// The end of a log file, for whoever is told that its writer is gone.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const LINES_MAX = 20;
const BYTES_MAX = 16_384;

/** Its last lines, 20 at most; an empty text if there are none, or no file. */
export function tailOf(log: string, lines_max = LINES_MAX): string {
  try {
    const file = openSync(log, 'r');
    try {
      const bytes = Buffer.alloc(BYTES_MAX);
      const length = readSync(file, bytes, 0, BYTES_MAX, Math.max(0, fstatSync(file).size - BYTES_MAX));
      return bytes.toString('utf8', 0, length).trimEnd().split('\n').slice(-lines_max).join('\n');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
}
