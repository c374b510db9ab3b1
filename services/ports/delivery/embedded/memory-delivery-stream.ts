// Delivery streams in this process's memory. Records go by reference: whoever publishes one does not change it later.
//
// A burst is handed over in a microtask of its own, never inside `publish`. So the queue only grows while one turn of
// the event loop publishes; its bound is for a reader that throws or a publisher that runs wild.
import { addressKey, type NodeAddress } from '../../sessions/session-registry.ts';
import type { DeliveryReader, DeliveryRecord, DeliveryStream } from '../delivery-stream.ts';

/** A slice of 500-member groups is some thousand records; a record in the queue is a pointer. */
const QUEUE_RECORDS_MAX = 65_536;

class Stream {
  readonly #onRecords: (records: readonly DeliveryRecord[]) => void;
  readonly #onGap: () => void;
  readonly #records_max: number;
  #queue: DeliveryRecord[] = [];
  #gap = false;
  #scheduled = false;
  #closed = false;

  constructor(onRecords: (records: readonly DeliveryRecord[]) => void, onGap: () => void, records_max: number) {
    this.#onRecords = onRecords;
    this.#onGap = onGap;
    this.#records_max = records_max;
  }

  push(records: readonly DeliveryRecord[]): void {
    for (const record of records) this.#queue.push(record);
    const surplus = this.#queue.length - this.#records_max;
    if (surplus > 0) {
      this.#queue.splice(0, surplus);
      this.#gap = true;
    }
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#handOver());
  }

  close(): void {
    this.#closed = true;
    this.#queue = [];
  }

  #handOver(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    const records = this.#queue;
    this.#queue = [];
    if (this.#gap) {
      this.#gap = false;
      this.#onGap();
    }
    this.#onRecords(records);
  }
}

export class MemoryDeliveryStream implements DeliveryStream {
  readonly #streams = new Map<string, Stream>();
  readonly #records_max: number;

  constructor(records_max: number = QUEUE_RECORDS_MAX) {
    this.#records_max = records_max;
  }

  async open(
    address: NodeAddress,
    onRecords: (records: readonly DeliveryRecord[]) => void,
    onGap: () => void,
  ): Promise<DeliveryReader> {
    const key = addressKey(address);
    const stream = new Stream(onRecords, onGap, this.#records_max);
    // An incarnation reads its stream once; opening again takes it over from a reader that was not closed.
    this.#streams.get(key)?.close();
    this.#streams.set(key, stream);
    return {
      close: async () => {
        stream.close();
        if (this.#streams.get(key) === stream) this.#streams.delete(key);
      },
    };
  }

  async publish(address: NodeAddress, records: readonly DeliveryRecord[]): Promise<'handed_over' | 'gone'> {
    const stream = this.#streams.get(addressKey(address));
    if (stream === undefined) return 'gone';
    stream.push(records);
    return 'handed_over';
  }

  async close(): Promise<void> {
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
  }
}
