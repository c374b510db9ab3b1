// Counts what one test file reports.
//
// A test that has subtests fails with them: only they are counted then. A group (describe) is no test: it counts only
// when it fails or is skipped by itself. Skipped, todo and cancelled tests are failures: a run that says
// `0 failed` ran everything.
import { run } from 'node:test';
import { inspect } from 'node:util';
import { formatDuration, indent, type Tally } from './tally.ts';

type TestError = { message: string; cause?: unknown; failureType?: string };
type TestResult = {
  name: string;
  line?: number;
  column?: number;
  skip?: string | boolean;
  todo?: string | boolean;
  details: { type?: string; error?: TestError };
};
type TestEvent =
  | { type: 'test:pass' | 'test:fail'; data: TestResult }
  | { type: 'test:stdout' | 'test:stderr'; data: { message: string } }
  | { type: 'other' };

// Enough to see why a file died, without burying its failures.
const OUTPUT_LINES_MAX = 60;

export class FileReport {
  readonly name: string;
  readonly tally: Tally = { passed: 0, failed: 0 };
  readonly #file: string;
  readonly #startedAt_ms = performance.now();
  readonly #failures: string[] = [];
  #output = '';

  /** `file`: absolute path; `name`: how to call it. */
  constructor(file: string, name: string) {
    this.#file = file;
    this.name = name;
  }

  readonly elapsed_ms = (): number => performance.now() - this.#startedAt_ms;

  /** Runs the file in a child process, which gets this process's `--import tsx`. Never rejects. */
  async run(timeout_ms: number, giveUp_ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const gaveUp = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`did not end within ${formatDuration(giveUp_ms)}`)), giveUp_ms);
    });
    try {
      await Promise.race([this.#readEvents(timeout_ms), gaveUp]);
      if (this.tally.passed + this.tally.failed === 0) this.#fail('the file', 'reported no tests');
    } catch (error) {
      this.#fail('the file', inspect(error));
    } finally {
      clearTimeout(timer);
    }
  }

  print(): void {
    const { passed, failed } = this.tally;
    const counts = failed === 0 ? `${passed} ok` : `${passed} ok, ${failed} FAILED`;
    const lines = [...this.#failures];
    if (failed > 0 && this.#output !== '') {
      const output = this.#output.trimEnd().split('\n').slice(-OUTPUT_LINES_MAX).join('\n');
      lines.push(`  output of ${this.name}:\n${indent(output)}`);
    }
    lines.push(`  ${failed === 0 ? 'ok' : 'FAILED'} ${this.name}: ${counts} (${formatDuration(this.elapsed_ms())})`);
    console.log(lines.join('\n'));
  }

  async #readEvents(timeout_ms: number): Promise<void> {
    for await (const item of run({ files: [this.#file], concurrency: 1, timeout: timeout_ms })) {
      const event = item as TestEvent;
      if (event.type === 'test:pass') this.#onPass(event.data);
      if (event.type === 'test:fail') this.#onFail(event.data);
      if (event.type === 'test:stdout' || event.type === 'test:stderr') this.#output += event.data.message;
    }
  }

  #onPass(result: TestResult): void {
    const { name, skip, todo, details } = result;
    // node:test reports a file as a test of its own if nothing inside it did.
    if (name === this.#file) this.#fail('the file', 'contains no tests');
    else if (isMarked(skip)) this.#fail(this.#describe(result), `is skipped${reason(skip)}`);
    else if (isMarked(todo)) this.#fail(this.#describe(result), `is still to do${reason(todo)}`);
    else if (details.type !== 'suite') this.tally.passed++;
  }

  #onFail(result: TestResult): void {
    const { error } = result.details;
    if (error?.failureType === 'subtestsFailed') return;
    this.#fail(this.#describe(result), describeError(error));
  }

  #describe({ name, line, column }: TestResult): string {
    return name === this.#file ? 'the file' : `${name} (${this.name}:${line}:${column})`;
  }

  #fail(what: string, why: string): void {
    this.tally.failed++;
    const text = why.includes('\n') ? `\n${indent(why)}` : ` ${why}`;
    this.#failures.push(`  FAILED ${what === 'the file' ? this.name : what}:${text}`);
  }
}

function isMarked(mark: string | boolean | undefined): boolean {
  return mark !== undefined && mark !== false;
}

function reason(mark: string | boolean | undefined): string {
  return typeof mark === 'string' && mark !== '' ? `: ${mark}` : '';
}

// node:test wraps what a test threw; the cause has the stack with the line that matters.
function describeError(error: TestError | undefined): string {
  if (error === undefined) return 'failed without an error';
  const { cause } = error;
  if (cause instanceof Error) return cause.stack ?? `${cause.name}: ${cause.message}`;
  return typeof cause === 'string' ? cause : inspect(cause ?? error.message);
}
