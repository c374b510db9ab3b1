// What happened to a process of the cluster: for the supervisor's log, and for tests that wait for it.
export type ClusterEvent = {
  /** Milliseconds since 1970. */
  readonly at_ms: number;
  /** fanout-1, kafka, … */
  readonly process: string;
  /** ended: without being asked to; stopped: it is not started again. */
  readonly what: 'started' | 'ready' | 'ended' | 'restarting' | 'stopping' | 'stopped';
  /** More about it, for people; may have several lines. */
  readonly text: string;
};

export function eventLine({ at_ms, process, what, text }: ClusterEvent): string {
  return `${new Date(at_ms).toISOString()} ${process} ${what}${text === '' ? '' : `: ${text}`}`;
}
