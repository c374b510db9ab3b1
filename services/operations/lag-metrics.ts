// How far behind the log each partition of this process is, in records and in seconds.
//
// Where the log ends is asked at the scrape, once at a time, so that nothing runs when nobody looks. A log that does not
// answer must not hold up the scrape that would tell of it: after a second the ends last known are served, with their age.
import type { Runtime } from '../kernel/runtime.ts';
import { sleep } from '../kernel/runtime.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import type { OwnedPartition } from '../ports/log/owned-partitions.ts';
import { type Collector, type Family, gauge, type Sample } from './exposition.ts';

const ASK_MS_MAX = 1_000;

export interface LagMetricsOptions {
  readonly log: EventLog;
  readonly runtime: Runtime;
  /** By role. */
  readonly owned: ReadonlyMap<string, () => readonly OwnedPartition[]>;
}

interface KnownEnd {
  readonly end: number;
  /** Monotonic. */
  readonly askedAt: number;
  /** Wall clock: when nothing was left to do at last; null if never. */
  readonly caughtUpAt: number | null;
}

export function lagMetrics(options: LagMetricsOptions): Collector {
  const lag = new LagMetrics(options);
  return () => lag.collect();
}

class LagMetrics {
  readonly #options: LagMetricsOptions;
  /** By partition; weak, so that what is given away is forgotten. */
  readonly #known = new WeakMap<OwnedPartition, KnownEnd>();
  #asking: Promise<void> | null = null;

  constructor(options: LagMetricsOptions) {
    this.#options = options;
  }

  async collect(): Promise<readonly Family[]> {
    await this.#askBriefly();
    const { owned, runtime } = this.#options;
    const records: Sample[] = [];
    const seconds: Sample[] = [];
    const ages: Sample[] = [];
    const counts: Sample[] = [];
    for (const [role, partitions] of owned) {
      const list = partitions();
      counts.push({ labels: { role }, value: list.length });
      let oldest = Number.POSITIVE_INFINITY;
      for (const partition of list) {
        const known = this.#known.get(partition);
        if (known === undefined || partition.next === null) continue;
        const labels = { role, topic: partition.topic, partition: partition.partition };
        const left = Math.max(0, known.end - partition.next);
        records.push({ labels, value: left });
        seconds.push({ labels, value: left === 0 ? 0 : this.#secondsBehind(partition, known) });
        oldest = Math.min(oldest, known.askedAt);
      }
      if (Number.isFinite(oldest))
        ages.push({ labels: { role }, value: Math.max(0, runtime.monotonic() - oldest) / 1_000 });
    }
    return [
      gauge('fanlog_owned_partitions', 'Partitions that this process has now. 0: it stands by.', counts),
      gauge('fanlog_lag_records', 'Records of the partition that are not processed.', records),
      gauge(
        'fanlog_lag_seconds',
        'Since when the partition has not caught up, at most: the age of the last record processed, or the time since ' +
          'nothing was left. 0 when nothing is.',
        seconds,
      ),
      gauge('fanlog_lag_age_seconds', 'How long ago the log said where it ends; grows while it does not answer.', ages),
    ];
  }

  #secondsBehind({ processedUpTo }: OwnedPartition, { caughtUpAt }: KnownEnd): number {
    const since = Math.max(processedUpTo, caughtUpAt ?? 0);
    return Math.max(0, this.#options.runtime.now() - since) / 1_000;
  }

  async #askBriefly(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    const answered = new AbortController();
    void this.#asking.then(() => answered.abort());
    await sleep(this.#options.runtime, ASK_MS_MAX, answered.signal);
  }

  /** Never rejects: what cannot be asked keeps its age. */
  async #ask(): Promise<void> {
    const all = [...this.#options.owned.values()].flatMap((partitions) => partitions());
    await Promise.allSettled(all.map((partition) => this.#askOne(partition)));
  }

  async #askOne(owned: OwnedPartition): Promise<void> {
    const { log, runtime } = this.#options;
    const askedAt = runtime.monotonic();
    const end = await log.endOffset(owned.topic, owned.partition);
    const isDone = owned.next !== null && owned.next >= end;
    const caughtUpAt = isDone ? runtime.now() : (this.#known.get(owned)?.caughtUpAt ?? null);
    this.#known.set(owned, { end, askedAt, caughtUpAt });
  }
}
