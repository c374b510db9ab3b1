// Virtual time. Everything that happens is a task with a time; between two tasks all promise callbacks run, so a
// schedule is decided by the seed alone.
import type { Random } from './random.ts';
import type { Trace } from './trace.ts';

/** Who a task belongs to: the tasks of a paused owner wait, those of a dead one never run. */
export interface Owner {
  readonly name: string;
  readonly state: 'running' | 'paused' | 'dead';
  hold(task: Task): void;
}

export interface Task {
  time_ms: number;
  /** Ties go in the order of scheduling. */
  order: number;
  readonly owner: Owner;
  readonly label: string;
  run: (() => void) | null;
}

/** The owner of whatever is no process: servers, wires, the schedule itself. */
export const WORLD: Owner = {
  name: 'world',
  state: 'running',
  hold() {
    throw new Error('the world does not pause');
  },
};

// Promise callbacks run between two immediates. One event loop turn serves this many: a turn costs some 5 us.
const IMMEDIATES = 32;

export class Scheduler {
  readonly random: Random;
  readonly trace: Trace;
  now_ms = 0;
  steps = 0;
  readonly #heap: Task[] = [];
  #order = 0;

  constructor(random: Random, trace: Trace) {
    this.random = random;
    this.trace = trace;
  }

  schedule(delay_ms: number, owner: Owner, label: string, run: () => void): Task {
    const task: Task = { time_ms: this.now_ms + Math.max(0, delay_ms), order: this.#order++, owner, label, run };
    this.#push(task);
    return task;
  }

  /** Puts a held task back, now; held tasks keep their order. */
  release(task: Task): void {
    task.time_ms = this.now_ms;
    task.order = this.#order++;
    this.#push(task);
  }

  /** A network or disk delay: mostly short, now and then long. */
  latency_ms(): number {
    const x = this.random.next();
    if (x < 0.9) return 0.1 + this.random.next() * 2;
    if (x < 0.985) return 2 + this.random.next() * 30;
    return 30 + this.random.next() * 400;
  }

  /** Runs tasks in order until `done`, until nothing is left, or until the next one is later than `until_ms`. */
  run(until_ms: number, done: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      let ended = false;
      const step = () => {
        if (ended) return;
        try {
          if (done() || !this.#runNext(until_ms)) {
            ended = true;
            resolve();
            return;
          }
        } catch (error) {
          ended = true;
          reject(error);
          return;
        }
        setImmediate(step);
      };
      for (let i = 0; i < IMMEDIATES; i++) setImmediate(step);
    });
  }

  /** Runs until `promise` settles. For tests that call ports directly. */
  async drive<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settle = () => {
      settled = true;
    };
    promise.then(settle, settle);
    await this.run(Number.POSITIVE_INFINITY, () => settled);
    if (!settled) throw new Error('nothing is left to happen and the promise has not settled');
    return promise;
  }

  #runNext(until_ms: number): boolean {
    for (;;) {
      const task = this.#heap[0];
      if (task === undefined) {
        if (Number.isFinite(until_ms)) this.now_ms = until_ms;
        return false;
      }
      if (task.run === null || task.owner.state === 'dead') {
        this.#pop();
        continue;
      }
      if (task.time_ms > until_ms) {
        this.now_ms = until_ms;
        return false;
      }
      this.#pop();
      if (task.owner.state === 'paused') {
        task.owner.hold(task);
        continue;
      }
      this.now_ms = Math.max(this.now_ms, task.time_ms);
      this.steps++;
      this.trace.add(this.now_ms, task.owner.name, task.label);
      const run = task.run;
      task.run = null;
      run();
      return true;
    }
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let i = heap.push(task) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(task, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = task;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: Task, b: Task): boolean {
  return a.time_ms < b.time_ms || (a.time_ms === b.time_ms && a.order < b.order);
}
