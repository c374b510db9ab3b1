// How long things may take that three brokers on a busy machine do, and that are over much sooner as a rule.

/** A broker that was told to end in good order moves its partitions first. */
export const ENDED_MS_MAX = 60_000;
/** Followers that were away copy what they missed. */
export const IN_SYNC_MS_MAX = 120_000;
