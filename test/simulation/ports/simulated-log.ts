// The log of a simulation: the truth in memory, and every way in which an append can go wrong.
import type { TopicLayout, TopicName } from '../../../services/events/topics.ts';
import {
  type AppendBatch,
  AppendError,
  type EventLog,
  type LogRecord,
  type NewRecord,
  OffsetOutOfRangeError,
} from '../../../services/ports/log/event-log.ts';
import type { Faults } from '../kernel/faults.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { WORLD } from '../kernel/scheduler.ts';
import { type Answer, type SimProcess, TIME_ZERO_MS } from '../kernel/sim-process.ts';
import { ConsumerGroup, type GroupTimes } from './consumer-group.ts';

export class SimulatedPartition {
  readonly topic: TopicName;
  readonly number: number;
  /** Everything ever appended; trimming only moves `start`. */
  readonly records: LogRecord[] = [];
  start = 0;
  #waiting: (() => void)[] = [];

  constructor(topic: TopicName, number: number) {
    this.topic = topic;
    this.number = number;
  }

  append(records: readonly NewRecord[], appendTime: number): void {
    for (const { key, value } of records) {
      this.records.push({ offset: this.records.length, appendTime, key, value: value.slice() });
    }
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** At most `records_max` records from `offset` on; null when that is not to be had. */
  slice(offset: number, records_max: number): readonly LogRecord[] | null {
    if (offset < this.start || offset > this.records.length) return null;
    return this.records.slice(offset, offset + records_max);
  }

  whenAppended(wake: () => void): void {
    this.#waiting.push(wake);
  }
}

/** What becomes of an append, drawn before it happens. */
type Fate = 'done' | 'refused' | 'unknown_lost' | 'unknown_written' | 'written_twice' | 'partial';

export class SimulatedLog {
  readonly layout: TopicLayout;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  /** How far the log's clock is off. */
  clockOffset_ms = 0;
  readonly #partitions: { readonly [T in TopicName]: readonly SimulatedPartition[] };
  readonly #groups = new Map<string, ConsumerGroup>();
  readonly #times: GroupTimes;

  constructor(layout: TopicLayout, scheduler: Scheduler, faults: Faults, times: GroupTimes) {
    this.layout = layout;
    this.scheduler = scheduler;
    this.faults = faults;
    this.#times = times;
    const make = (topic: TopicName) =>
      Array.from({ length: layout.partitions[topic] }, (_, number) => new SimulatedPartition(topic, number));
    this.#partitions = { messages: make('messages'), timeline: make('timeline'), inbox: make('inbox') };
  }

  partition(topic: TopicName, number: number): SimulatedPartition {
    const partition = this.#partitions[topic][number];
    if (partition === undefined) throw new Error(`${topic} has no partition ${number}`);
    return partition;
  }

  partitions(topic: TopicName): readonly SimulatedPartition[] {
    return this.#partitions[topic];
  }

  /** The coordinators have not heard of `process` for a session, though it lives. */
  expire(process: SimProcess): void {
    for (const group of this.#groups.values()) group.expire(process);
  }

  returned(process: SimProcess): void {
    for (const group of this.#groups.values()) group.returned(process);
  }

  /** Whether every reader of every group has read everything. */
  isRead(): boolean {
    return [...this.#groups.values()].every((group) => group.isAtEnd());
  }

  rebalance(moving: number): void {
    for (const group of this.#groups.values()) group.rebalance(moving);
  }

  /** Records of all topics: whether anything was appended since. */
  get length(): number {
    const all = [...this.#partitions.messages, ...this.#partitions.timeline, ...this.#partitions.inbox];
    return all.reduce((sum, { records }) => sum + records.length, 0);
  }

  now(): number {
    return Math.floor(TIME_ZERO_MS + this.scheduler.now_ms + this.clockOffset_ms);
  }

  /** The log as `process` sees it. */
  connect(process: SimProcess): EventLog {
    return {
      layout: this.layout,
      append: (topic, batches) => this.#append(process, topic, batches),
      subscribe: (topic, group, handler) => this.#group(topic, group).join(process, handler),
      endOffset: (topic, number) =>
        process.call('log.end', (answer) => answer.resolve(this.partition(topic, number).records.length)),
      startOffset: (topic, number) =>
        process.call('log.start', (answer) => answer.resolve(this.partition(topic, number).start)),
      readFrom: (topic, number, offset, records_max) =>
        process.call('log.read_from', (answer) => {
          const records = this.partition(topic, number).slice(offset, records_max);
          if (records === null) answer.reject(new OffsetOutOfRangeError(topic, number, offset));
          else answer.resolve(records);
        }),
      trim: (topic, number, offset) =>
        process.call('log.trim', (answer) => {
          const partition = this.partition(topic, number);
          partition.start = Math.min(Math.max(partition.start, offset), partition.records.length);
          answer.resolve(undefined);
        }),
      close: () => Promise.resolve(),
    };
  }

  #group(topic: TopicName, name: string): ConsumerGroup {
    const key = `${name} ${topic}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new ConsumerGroup(name, this.partitions(topic), this.scheduler, this.faults, this.#times);
      this.#groups.set(key, group);
    }
    return group;
  }

  #append(process: SimProcess, topic: TopicName, batches: readonly AppendBatch[]): Promise<void> {
    // The bytes must not change until the append has settled, so a copy that lands later needs its own.
    const copies = batches.map(({ partition, records }) => ({
      partition,
      records: records.map(({ key, value }) => ({ key, value: value.slice() })),
    }));
    return process.call(`log.append ${topic}`, (answer) => this.#serveAppend(topic, copies, answer));
  }

  #serveAppend(topic: TopicName, batches: readonly AppendBatch[], answer: Answer<void>): void {
    const { random } = this.scheduler;
    const fate = this.#drawFate(batches.length);
    const unknown = () => answer.reject(new AppendError('unknown', 'the simulation lost the reply'));
    switch (fate) {
      case 'done':
        this.#write(topic, batches);
        answer.resolve(undefined);
        return;
      case 'refused':
        answer.reject(new AppendError('refused', 'refused by the simulation'));
        return;
      case 'unknown_lost':
        unknown();
        return;
      case 'unknown_written':
        this.#write(topic, batches);
        unknown();
        return;
      case 'written_twice': {
        // A copy on its way lands whenever it wants, also after later appends.
        if (random.chance(0.5)) this.#write(topic, batches);
        const late = random.chance(0.5) ? random.between(1, 30) : random.between(30, 3_000);
        this.scheduler.schedule(late, WORLD, 'log.zombie', () => this.#write(topic, batches));
        unknown();
        return;
      }
      case 'partial': {
        const written = batches.filter(() => random.chance(0.5));
        this.#write(topic, written.length === batches.length ? written.slice(1) : written);
        unknown();
      }
    }
  }

  #drawFate(batches: number): Fate {
    const { faults } = this;
    const strikes = (name: Parameters<Faults['strikes']>[0]) => {
      if (!faults.strikes(name)) return false;
      faults.count(name);
      return true;
    };
    if (strikes('append_refused')) return 'refused';
    if (strikes('append_unknown_lost')) return 'unknown_lost';
    if (strikes('append_unknown_written')) return 'unknown_written';
    if (strikes('append_written_twice')) return 'written_twice';
    if (batches > 1 && strikes('append_partial')) return 'partial';
    return 'done';
  }

  #write(topic: TopicName, batches: readonly AppendBatch[]): void {
    const appendTime = this.now();
    for (const { partition, records } of batches) {
      const target = this.partition(topic, partition);
      this.scheduler.trace.add(
        this.scheduler.now_ms,
        'log',
        topic,
        (partition << 24) ^ (target.records.length << 8) ^ records.length,
        () => `/${partition} ${records.length} records from ${target.records.length}`,
      );
      target.append(records, appendTime);
    }
  }
}
