// How far it is, on standard error: one line that is written over on a terminal, a line every few seconds elsewhere.
import type { Runtime, Timer } from '../../kernel/runtime.ts';

const TERMINAL_INTERVAL_MS = 200;
const LOG_INTERVAL_MS = 5_000;
/** The rate of the last seconds tells more about the rest than that of the whole. */
const RATE_WINDOW_MS = 10_000;

/** The part of `process.stderr` that is used here. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class Progress {
  readonly #stream: ProgressStream;
  readonly #runtime: Runtime;
  #name = '';
  #unit = '';
  #total = 0;
  #done = 0;
  #marks: { readonly at_ms: number; readonly done: number }[] = [];
  #timer: Timer | null = null;
  #isLineOpen = false;

  constructor(stream: ProgressStream, runtime: Runtime) {
    this.#stream = stream;
    this.#runtime = runtime;
  }

  /** Ends the phase before and begins this one, of `total` units. */
  begin(name: string, total: number, unit: string): void {
    this.end();
    this.#name = name;
    this.#unit = unit;
    this.#total = total;
    this.#done = 0;
    this.#marks = [{ at_ms: this.#runtime.monotonic(), done: 0 }];
    this.#arm();
  }

  advance(count: number): void {
    this.#done += count;
  }

  /** Says how far the phase came. */
  end(): void {
    if (this.#timer === null) return;
    this.#timer.cancel();
    this.#timer = null;
    this.#show();
    if (this.#isLineOpen) this.#stream.write('\n');
    this.#isLineOpen = false;
  }

  /** A line of its own, between those of the progress. */
  note(text: string): void {
    this.#stream.write(`${this.#isLineOpen ? '\r\x1b[K' : ''}${text}\n`);
    this.#isLineOpen = false;
  }

  #arm(): void {
    const interval_ms = this.#stream.isTTY === true ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
    this.#timer = this.#runtime.setTimer(interval_ms, () => {
      this.#show();
      this.#arm();
    });
  }

  #show(): void {
    const at_ms = this.#runtime.monotonic();
    this.#marks.push({ at_ms, done: this.#done });
    while (this.#marks.length > 2 && at_ms - this.#marks[1]!.at_ms > RATE_WINDOW_MS) this.#marks.shift();
    const text = this.#text(at_ms);
    if (this.#stream.isTTY === true) {
      this.#stream.write(`\r\x1b[K${text}`);
      this.#isLineOpen = true;
    } else this.#stream.write(`${text}\n`);
  }

  #text(now_ms: number): string {
    const first = this.#marks[0]!;
    const elapsed_s = (now_ms - first.at_ms) / 1000;
    const rate = elapsed_s > 0 ? (this.#done - first.done) / elapsed_s : 0;
    const percent = this.#total > 0 ? Math.floor((100 * this.#done) / this.#total) : 100;
    const rest = this.#total - this.#done;
    const estimate = rest <= 0 ? 'done' : rate > 0 ? `about ${duration(rest / rate)} left` : 'no estimate yet';
    const counts = `${round(this.#done)} of ${round(this.#total)} ${this.#unit}`;
    return `${this.#name.padEnd(10)} ${counts}  ${percent} %  ${round(rate)}/s  ${estimate}`;
  }
}

function round(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
