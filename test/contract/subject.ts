// What a contract suite needs of an adapter under test, real or simulated.
//
// A suite never sleeps and never assumes that promises settle by themselves: it awaits every call of the port through
// `drive`, and between looks at a condition it calls `settle`. A real adapter is driven by the event loop; a simulated
// one runs its scheduler in both.
import { type Runtime, sleep } from '../../services/kernel/runtime.ts';

export interface Subject<Port> {
  readonly port: Port;
  /** Resolves or rejects as `promise` does, and does what is needed for it to. */
  drive<T>(promise: Promise<T>): Promise<T>;
  /** Lets whatever is under way go on for a while. */
  settle(): Promise<void>;
  /** Closes the adapter and everything that was made for it. */
  tearDown(): Promise<void>;
}

/** Makes a fresh adapter with nothing in it. */
export type Factory<S> = () => Promise<S>;

/** The subject of a port that needs nobody to run a scheduler. */
export function selfDriven<Port>(port: Port, runtime: Runtime, tearDown: () => Promise<void>): Subject<Port> {
  return { port, drive: (promise) => promise, settle: () => sleep(runtime, 1), tearDown };
}

/** Runs a test's body with a fresh subject. */
export function withSubject<S extends Subject<unknown>>(
  factory: Factory<S>,
  body: (subject: S) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const subject = await factory();
    try {
      await body(subject);
    } finally {
      await subject.tearDown();
    }
  };
}

/** Waits until `condition` holds. The test's own time limit ends a wait for what never comes. */
export async function until(subject: Subject<unknown>, condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await subject.settle();
}

/** The error that `promise` is rejected with. */
export async function rejectionOf(subject: Subject<unknown>, promise: Promise<unknown>): Promise<unknown> {
  try {
    await subject.drive(promise);
  } catch (error) {
    return error;
  }
  throw new Error('it was expected to be rejected');
}

/** Ids that break careless keys and texts: no control characters, as promised, and everything else. */
export const UNUSUAL_IDS = [
  "o'brien; drop table",
  '"quoted" \\back/slash',
  'a',
  'aa',
  'a:a',
  'a/a',
  '👩‍👩‍👧‍👦',
  'ﷺ\u202Eright to left',
  'e\u0301 and \u00e9',
  '\ud83d\ude00\ufeff\ufffd',
  ' leading and trailing ',
  '%00\\0',
  '__proto__',
  'ü'.repeat(32),
] as const;

export const TEST_LIMITS = { timeout: 60_000 } as const;
