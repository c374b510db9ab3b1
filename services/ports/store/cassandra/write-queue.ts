// Writes of every partition that this process has, on their way together. What fills a batch goes at once; what does not
// waits while some are under way, and is joined by what comes meanwhile. So a quiet system waits for nothing, and a busy
// one writes twenty rows a request where each caller alone has three (write-groups.ts says what that saves).
import type { Runtime, Timer } from '../../../kernel/runtime.ts';
import type { BoundStatement, CassandraSession } from './cassandra-session.ts';
import { MERGED_BYTES_MAX, MERGED_ROWS_MAX, type PartitionKey, WriteGroups } from './write-groups.ts';

/** Requests under way while rows wait for more rows. */
const LOOSE_MAX = 4;
/** Rows wait no longer for that: a node that hangs holds its requests for seconds, and must not hold the others' rows. */
const LOOSE_WAIT_MS = 20;
/** Requests under way at all: leaves room in the gate for reads. */
const IN_FLIGHT_MAX = 192;

/** Takes the writes of one call. `bytes`: what the mutation takes, about. */
export type AddWrite = (key: PartitionKey, write: BoundStatement, bytes: number) => void;

/** One call: settled when all its writes are. */
interface Call {
  left: number;
  failure: unknown;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface QueuedWrite extends BoundStatement {
  readonly call: Call;
}

export class WriteQueue {
  readonly #session: CassandraSession;
  readonly #runtime: Runtime;
  readonly #groups = new WriteGroups<QueuedWrite>();
  #ready: QueuedWrite[][] = [];
  #inFlight = 0;
  #scheduled = false;
  #waiting: Timer | null = null;

  constructor(session: CassandraSession, runtime: Runtime) {
    this.#runtime = runtime;
    this.#session = session;
  }

  /**
   * Resolves when everything that `fill` adds is written. After a failure nothing more of the call is begun, and what was
   * begun has ended when it rejects: others may be written. @throws StoreError
   */
  write(fill: (add: AddWrite) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const call: Call = { left: 0, failure: null, resolve, reject };
      fill((key, { statement, parameters }, bytes) => {
        call.left++;
        this.#groups.add(key, { statement, parameters, call }, bytes);
      });
      if (call.left === 0) resolve();
      else this.#schedule();
    });
  }

  /** Not at once: partitions that were fetched together write in the same turn of the event loop. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  /** `overdue`: what is gathered has waited long enough, however little it is. */
  #send(overdue = false): void {
    const { rows, bytes } = this.#groups;
    const fills = rows >= MERGED_ROWS_MAX || bytes >= MERGED_BYTES_MAX;
    if (rows > 0 && (this.#inFlight < LOOSE_MAX || fills || overdue)) {
      this.#waiting?.cancel();
      this.#waiting = null;
      for (const batch of this.#groups.take(this.#session.replicasOf())) this.#ready.push(batch);
    }
    if (this.#groups.rows > 0) this.#waiting ??= this.#runtime.setTimer(LOOSE_WAIT_MS, () => this.#send(true));
    let next = 0;
    while (next < this.#ready.length && this.#inFlight < IN_FLIGHT_MAX) this.#request(this.#ready[next++]!);
    if (next > 0) this.#ready = this.#ready.slice(next);
  }

  #request(batch: readonly QueuedWrite[]): void {
    // A call that has failed is repeated as a whole.
    const writes = batch.filter(({ call }) => call.failure === null);
    for (const { call } of batch) if (call.failure !== null) settle(call, call.failure);
    if (writes.length === 0) return;
    this.#inFlight++;
    const [first] = writes;
    const writing: Promise<unknown> =
      writes.length === 1 ? this.#session.run(first!.statement, first!.parameters) : this.#session.runBatch(writes);
    const ended = (failure: unknown) => {
      this.#inFlight--;
      for (const { call } of writes) settle(call, failure);
      if (this.#ready.length > 0 || this.#groups.rows > 0) this.#schedule();
    };
    writing.then(() => ended(null), ended);
  }
}

function settle(call: Call, failure: unknown): void {
  call.failure ??= failure;
  if (--call.left > 0) return;
  if (call.failure === null) call.resolve();
  else call.reject(call.failure);
}
