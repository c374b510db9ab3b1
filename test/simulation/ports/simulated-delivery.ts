// The delivery streams of a simulation: hints that arrive late, vanish with or without a trace, or lose their stream.
import type {
  DeliveryReader,
  DeliveryRecord,
  DeliveryStream,
} from '../../../services/ports/delivery/delivery-stream.ts';
import { addressKey, type NodeAddress } from '../../../services/ports/sessions/session-registry.ts';
import type { Faults } from '../kernel/faults.ts';
import { type Scheduler, WORLD } from '../kernel/scheduler.ts';
import type { Lane, SimProcess } from '../kernel/sim-process.ts';

/** What a stream holds; more trims the oldest. */
export const RECORDS_MAX = 500;

class Stream {
  readonly reader: SimProcess;
  readonly #onRecords: (records: readonly DeliveryRecord[]) => void;
  readonly #onGap: () => void;
  #queue: DeliveryRecord[] = [];
  #gap = false;
  #scheduled = false;
  closed = false;

  constructor(reader: SimProcess, onRecords: (records: readonly DeliveryRecord[]) => void, onGap: () => void) {
    this.reader = reader;
    this.#onRecords = onRecords;
    this.#onGap = onGap;
  }

  add(records: readonly DeliveryRecord[]): void {
    this.#queue.push(...records);
    if (this.#queue.length > RECORDS_MAX) {
      this.#queue = this.#queue.slice(-RECORDS_MAX);
      this.#gap = true;
    }
    this.#wake();
  }

  /** What stands in the stream is trimmed; the reader is told before the next records. */
  trim(): void {
    this.#queue = [];
    this.#gap = true;
    this.#wake();
  }

  #wake(): void {
    if (this.#scheduled || this.closed) return;
    this.#scheduled = true;
    this.reader.later(this.reader.scheduler.latency_ms(), 'delivery.read', () => {
      this.#scheduled = false;
      if (this.closed) return;
      const records = this.#queue;
      const gap = this.#gap;
      this.#queue = [];
      this.#gap = false;
      if (gap) this.#onGap();
      if (records.length > 0) this.#onRecords(records);
    });
  }
}

export class SimulatedDelivery {
  readonly scheduler: Scheduler;
  readonly #faults: Faults;
  readonly #streams = new Map<string, Stream>();
  /** Every hint of the seed is lost: all must arrive without. */
  silent = false;

  constructor(scheduler: Scheduler, faults: Faults) {
    this.scheduler = scheduler;
    this.#faults = faults;
  }

  /** One stream, if there is one, is trimmed. */
  trimOne(): boolean {
    const streams = [...this.#streams.values()];
    if (streams.length === 0) return false;
    this.scheduler.random.pick(streams).trim();
    return true;
  }

  /** One stream, if there is one, vanishes with all that is in it; its reader renews it as it finds out. */
  loseOne(): boolean {
    const streams = [...this.#streams.values()];
    if (streams.length === 0) return false;
    const [key, stream] = this.scheduler.random.pick([...this.#streams]);
    this.#streams.delete(key);
    this.scheduler.schedule(this.scheduler.random.between(100, 4_000), stream.reader, 'delivery.renewed', () => {
      if (stream.closed) return;
      stream.trim();
      this.#streams.set(key, stream);
    });
    return true;
  }

  connect(process: SimProcess): DeliveryStream {
    const lane: Lane = { last_ms: 0 };
    return {
      open: (address, onRecords, onGap) => this.#open(process, address, onRecords, onGap),
      publish: (address, records) => this.#publish(process, address, records, lane),
      close: () => Promise.resolve(),
    };
  }

  #open(
    process: SimProcess,
    address: NodeAddress,
    onRecords: (records: readonly DeliveryRecord[]) => void,
    onGap: () => void,
  ): Promise<DeliveryReader> {
    const key = addressKey(address);
    const stream = new Stream(process, onRecords, onGap);
    process.atCrash(() => {
      // Nobody renews its expiry any more; until then it takes records that nobody reads.
      this.scheduler.schedule(this.scheduler.random.between(500, 10_000), WORLD, 'delivery.expired', () => {
        if (this.#streams.get(key) === stream) this.#streams.delete(key);
      });
    });
    return process.call('delivery.open', (answer) => {
      this.#streams.set(key, stream);
      answer.resolve({
        close: async () => {
          stream.closed = true;
          if (this.#streams.get(key) === stream) this.#streams.delete(key);
        },
      });
    });
  }

  #publish(
    process: SimProcess,
    address: NodeAddress,
    records: readonly DeliveryRecord[],
    lane: Lane,
  ): Promise<'handed_over' | 'gone'> {
    const copies = records.map((record) =>
      record.type === 'entry' ? { ...record, event: record.event.slice() } : record,
    );
    return process.call(
      'delivery.publish',
      (answer) => {
        const stream = this.#streams.get(addressKey(address));
        if (stream === undefined) return answer.resolve('gone');
        if (this.silent || this.#faults.strikes('hint_lost')) {
          this.#faults.count('hint_lost');
          return answer.resolve('handed_over');
        }
        if (this.#faults.strikes('hint_failed')) {
          this.#faults.count('hint_failed');
          if (this.scheduler.random.chance(0.5)) stream.add(copies);
          return answer.reject(new Error('the simulated stream did not answer'));
        }
        stream.add(copies);
        answer.resolve('handed_over');
      },
      lane,
    );
  }
}
