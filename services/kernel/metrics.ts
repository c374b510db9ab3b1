// What a process counts and measures, by name. Names and meanings are here and nowhere else; units stand last in a name.
//
// A message costs tens of microseconds in all, so counting costs nanoseconds: no labels, timers or clocks in here. What
// is scraped is put together at the scrape (services/operations).

export type MetricRole = 'api' | 'edge' | 'fanout' | 'inbox';

export interface MetricText {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Processes with none of these roles do not show it. */
  readonly roles: readonly MetricRole[];
}

const EDGE: readonly MetricRole[] = ['edge'];
const FANOUT: readonly MetricRole[] = ['fanout'];
const INBOX: readonly MetricRole[] = ['inbox'];
const SENDERS: readonly MetricRole[] = ['api', 'edge'];
const PROCESSORS: readonly MetricRole[] = ['fanout', 'inbox'];

const counter = (name: string, roles: readonly MetricRole[], help: string): MetricText => {
  return { name: `fanlog_${name}_total`, type: 'counter', help, roles };
};
const gauge = (name: string, roles: readonly MetricRole[], help: string): MetricText => {
  return { name: `fanlog_${name}`, type: 'gauge', help, roles };
};

export const METRICS = {
  accepted: counter('accepted', SENDERS, 'Commands that the log confirmed: sends of the edge, commands of the api.'),
  append_failed: counter('append_failed', SENDERS, 'Appends of commands that were not confirmed in time.'),
  // edge
  edge_sessions: gauge('edge_sessions', EDGE, 'Open sockets.'),
  edge_refused: counter('edge_refused', EDGE, 'Requests of clients answered with an error.'),
  edge_delivered: counter('edge_delivered', EDGE, 'Pushes written to sockets, one for each socket.'),
  edge_behind: counter('edge_behind', EDGE, 'Sockets told that they are behind and should pull.'),
  edge_pulls: counter('edge_pulls', EDGE, 'Pulls of inboxes and pages of history asked for.'),
  edge_registry_lost: counter('edge_registry_lost', EDGE, 'Times that all sessions had to be registered again.'),
  // fanout
  fanout_commands: counter('fanout_commands', FANOUT, 'Records of messages processed, canaries included.'),
  fanout_sequenced: counter('fanout_sequenced', FANOUT, 'Commands that got a seq; outputs acknowledged.'),
  fanout_rejected: counter('fanout_rejected', FANOUT, 'Commands refused, whatever the reason.'),
  fanout_unchanged: counter('fanout_unchanged', FANOUT, 'Commands that had nothing to change.'),
  fanout_repeats: counter('fanout_repeats', FANOUT, 'Commands answered with the result that they had before.'),
  fanout_too_old: counter('fanout_too_old', FANOUT, 'Commands refused because their id is too old.'),
  fanout_clock: counter('fanout_clock', FANOUT, 'Commands refused because their id is ahead of the log.'),
  fanout_skipped_as_of: counter(
    'fanout_skipped_by_as_of',
    FANOUT,
    'Commands met again whose outputs were durable before the partition was taken.',
  ),
  fanout_retries: counter('fanout_retries', FANOUT, 'Writes, appends and reads repeated in place.'),
  fanout_aborts: counter('fanout_aborts', FANOUT, 'Times that a partition started again from its checkpoint.'),
  fanout_stopped: gauge('fanout_stopped_partitions', FANOUT, 'Partitions of messages that wait for an operator.'),
  // inbox
  inbox_records: counter('inbox_records', INBOX, 'Records of inbox processed, canaries included.'),
  inbox_rows: counter('inbox_rows', INBOX, 'Inbox rows written.'),
  inbox_skipped_sources: counter('inbox_skipped_by_sources', INBOX, 'Records dropped as repeats, by their source.'),
  inbox_skipped_head_as_of: counter(
    'inbox_skipped_by_head_as_of',
    INBOX,
    'Entries met again that the stored head already holds.',
  ),
  inbox_takeovers: counter('inbox_takeovers', INBOX, 'Partitions taken over from a checkpoint.'),
  inbox_hints: counter('inbox_hints', INBOX, 'Records put on delivery streams.'),
  inbox_hints_failed: counter('inbox_hints_failed', INBOX, 'Look-ups and hand-overs given up; who it concerns pulls.'),
  inbox_behind: counter('inbox_behind', INBOX, 'Users who were to be told to pull, connected or not.'),
  inbox_retries: counter('inbox_retries', INBOX, 'Writes and reads repeated in place.'),
  inbox_aborts: counter('inbox_aborts', INBOX, 'Times that a partition started again from its checkpoint.'),
  inbox_stopped: gauge('inbox_stopped_partitions', INBOX, 'Partitions of inbox that wait for an operator.'),
  // both processors
  offset_jumps: counter('offset_jumps', PROCESSORS, 'Reads that skipped records and were repeated.'),
  parked: counter('parked', PROCESSORS, 'Parked positions passed over; again after each take-over before a commit.'),
  // the log on Kafka
  log_subscriptions: gauge('log_subscriptions', PROCESSORS, 'Groups of Kafka that this process should be a member of.'),
  log_memberships: gauge('log_memberships', PROCESSORS, 'Groups of Kafka that this process is a member of.'),
  log_memberships_lost: counter(
    'log_memberships_lost',
    PROCESSORS,
    'Times out of a group, or not let in; rebalances do not count.',
  ),
  log_neglected: gauge(
    'log_neglected_partitions',
    PROCESSORS,
    'Partitions whose records have waited for over a minute for a handler that does not read.',
  ),
} as const satisfies Record<string, MetricText>;

export type MetricName = keyof typeof METRICS;

/** Where on its way a message is; which process measures it. All are one histogram, labelled by stage. */
export const STAGES = {
  append: SENDERS,
  fanout: FANOUT,
  inbox_rows: INBOX,
  inbox_hints: INBOX,
  socket: EDGE,
} as const satisfies Record<string, readonly MetricRole[]>;

export type Stage = keyof typeof STAGES;

export const STAGE_LATENCY = {
  name: 'fanlog_stage_latency_seconds',
  help:
    'append: from a command being queued to the log having it. fanout: from the log stamping a command to its outputs ' +
    'being acknowledged. inbox_rows, inbox_hints: from the log stamping an inbox record to its rows being written, to ' +
    'its deliveries being handed over. socket: from the log stamping the command to a frame being written, which is ' +
    'from accepted to delivered. All but append compare this machine with the clock of the log: below 0 counts as 0.',
} as const;

/** Upper bounds. From a push inside one machine to a client that would rather pull. */
export const LATENCY_BOUNDS_MS = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
] as const;

export class Latency {
  /** By bucket, not cumulative; the last is beyond every bound. */
  readonly counts = new Float64Array(LATENCY_BOUNDS_MS.length + 1);
  sum_ms = 0;

  observe(latency_ms: number, count = 1): void {
    const value = latency_ms > 0 ? latency_ms : 0;
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS_MS.length && value > LATENCY_BOUNDS_MS[bucket]!) bucket++;
    this.counts[bucket]! += count;
    this.sum_ms += value * count;
  }
}

export class Metrics {
  readonly #values = new Map<MetricName, number>();
  readonly #latencies = new Map<Stage, Latency>();

  constructor() {
    for (const stage of Object.keys(STAGES) as Stage[]) this.#latencies.set(stage, new Latency());
  }

  add(name: MetricName, by = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  }

  get(name: MetricName): number {
    return this.#values.get(name) ?? 0;
  }

  latency(stage: Stage): Latency {
    return this.#latencies.get(stage)!;
  }
}

/** Moments to measure from, at the end of a batch. The log stamps whole batches alike, so equal ones are kept as one. */
export class Moments {
  readonly #times: number[] = [];
  readonly #counts: number[] = [];

  add(time: number): void {
    const last = this.#times.length - 1;
    if (last >= 0 && this.#times[last] === time) {
      this.#counts[last]!++;
      return;
    }
    this.#times.push(time);
    this.#counts.push(1);
  }

  /** How long each of them is ago. */
  observeAt(now: number, latency: Latency): void {
    for (let i = 0; i < this.#times.length; i++) latency.observe(now - this.#times[i]!, this.#counts[i]!);
  }

  clear(): void {
    this.#times.length = 0;
    this.#counts.length = 0;
  }
}
