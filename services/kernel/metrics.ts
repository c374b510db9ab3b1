// Counters by name, kept per process. Names are constants here and nowhere else; units stand last in the name.

export const METRICS = {
  // edge
  edge_sessions: 'fanlog_edge_sessions',
  edge_accepted: 'fanlog_edge_accepted_total',
  edge_refused: 'fanlog_edge_refused_total',
  edge_delivered: 'fanlog_edge_delivered_total',
  edge_behind: 'fanlog_edge_behind_total',
  edge_pulls: 'fanlog_edge_pulls_total',
  edge_append_failed: 'fanlog_edge_append_failed_total',
  edge_registry_lost: 'fanlog_edge_registry_lost_total',
  // fanout
  fanout_commands: 'fanlog_fanout_commands_total',
  fanout_sequenced: 'fanlog_fanout_sequenced_total',
  fanout_rejected: 'fanlog_fanout_rejected_total',
  fanout_repeats: 'fanlog_fanout_repeats_total',
  fanout_too_old: 'fanlog_fanout_too_old_total',
  fanout_clock: 'fanlog_fanout_clock_total',
  fanout_skipped_as_of: 'fanlog_fanout_skipped_by_as_of_total',
  fanout_retries: 'fanlog_fanout_retries_total',
  fanout_aborts: 'fanlog_fanout_aborts_total',
  fanout_stopped: 'fanlog_fanout_stopped_partitions',
  // inbox
  inbox_records: 'fanlog_inbox_records_total',
  inbox_rows: 'fanlog_inbox_rows_total',
  inbox_skipped_sources: 'fanlog_inbox_skipped_by_sources_total',
  inbox_skipped_head_as_of: 'fanlog_inbox_skipped_by_head_as_of_total',
  inbox_takeovers: 'fanlog_inbox_takeovers_total',
  inbox_hints: 'fanlog_inbox_hints_total',
  inbox_hints_failed: 'fanlog_inbox_hints_failed_total',
  inbox_behind: 'fanlog_inbox_behind_total',
  inbox_retries: 'fanlog_inbox_retries_total',
  inbox_aborts: 'fanlog_inbox_aborts_total',
  inbox_stopped: 'fanlog_inbox_stopped_partitions',
  // both processors
  offset_jumps: 'fanlog_offset_jumps_total',
  parked: 'fanlog_parked_total',
} as const;

export type MetricName = keyof typeof METRICS;

export class Metrics {
  readonly #values = new Map<MetricName, number>();

  add(name: MetricName, by = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + by);
  }

  get(name: MetricName): number {
    return this.#values.get(name) ?? 0;
  }

  /** Every counter, those at zero included. */
  all(): ReadonlyMap<MetricName, number> {
    return new Map((Object.keys(METRICS) as MetricName[]).map((name) => [name, this.get(name)]));
  }
}
