// How a seed may be bent towards a rare order: mutants say which one they need, ordinary seeds draw one now and then.

export type Bias =
  /** No hint arrives: everything must come by pulling. */
  | 'silent'
  /** Many crashes of processors, between two awaits. */
  | 'crashes'
  /** Long pauses: two owners of a partition, one of them late. */
  | 'double_owners'
  /** Reads that find their two replicas far apart, while members change and partitions move. */
  | 'torn_reads'
  /** Appends fail in every way. */
  | 'appends'
  /** Writes time out, replicas lag. */
  | 'store'
  /** Connections break and clients resend. */
  | 'resends'
  /** Clocks are wrong, and step. */
  | 'clocks'
  /** Offsets jump. */
  | 'jumps'
  /** Handlers abort. */
  | 'aborts'
  /** Other tables are put in force. */
  | 'switches';

export const BIASES: readonly Bias[] = [
  'silent',
  'crashes',
  'double_owners',
  'torn_reads',
  'appends',
  'store',
  'resends',
  'clocks',
  'jumps',
  'aborts',
  'switches',
];
