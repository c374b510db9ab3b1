// Runs test files, a child process each, and prints one line a file as it ends, after the failures in it.
import { relative } from 'node:path';
import { FileReport } from './file-report.ts';
import { formatDuration, type Tally } from './tally.ts';

const FILE_TIMEOUT_MS = 10 * 60_000;
// node:test kills a file that is out of time, and then waits for its output to end: for ever, if a process that the
// file started still holds it. So there is a second limit, past which the file is given up.
const FILE_GIVE_UP_MS = FILE_TIMEOUT_MS + 15_000;
const PROGRESS_INTERVAL_MS = 15_000;

/**
 * Runs each file of `files` (absolute paths), at most `filesAtOnce` at a time, and adds up what they report. The heaviest
 * first; or, if they are better `apart`, one of those under way begins with the heaviest and the others with the light ones:
 * two clusters at once are slower than one after the other.
 */
export async function runFiles(
  files: string[],
  filesAtOnce: number,
  /** How long it takes, roughly; 0: it is light. */
  weightOf: (file: string) => number = () => 0,
  apart = false,
): Promise<Tally> {
  const total: Tally = { passed: 0, failed: 0 };
  const running = new Set<FileReport>();
  let ended = 0;

  const progress = setInterval(() => {
    const names = [...running].map(({ name, tally, elapsed_ms }) => {
      return `${name} (${tally.passed + tally.failed} tests, ${formatDuration(elapsed_ms())})`;
    });
    console.log(`  … ${ended} of ${files.length} files; running ${names.join(', ')}`);
  }, PROGRESS_INTERVAL_MS);

  const queue = [...files].sort((a, b) => weightOf(b) - weightOf(a));
  const work = async (_: unknown, lane: number) => {
    const next = () => (lane === 0 || !apart ? queue.shift() : queue.pop());
    for (let file = next(); file !== undefined; file = next()) {
      const report = new FileReport(file, relative(process.cwd(), file));
      running.add(report);
      await report.run(FILE_TIMEOUT_MS, FILE_GIVE_UP_MS);
      running.delete(report);
      ended++;
      total.passed += report.tally.passed;
      total.failed += report.tally.failed;
      report.print();
    }
  };
  await Promise.all(Array.from({ length: filesAtOnce }, work));
  clearInterval(progress);
  return total;
}
