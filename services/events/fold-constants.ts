// What the fold of version 1 measures by. They decide, so they are part of that version: other numbers are another
// version, switched on by a FoldVersion record, never an edit here (R1). Milliseconds of log time.

export const foldConstants = {
  /** Ids may be ahead of the conversation's time by this much, for clocks that disagree. */
  id_ahead_ms_max: 60_000,
  /** ... and behind by this much, for clients that were offline in the middle of a send. */
  id_behind_ms_max: 600_000,
  /** Ids that took a seq are remembered this long: more than ahead + behind, so none can come again. */
  id_remembered_ms: 720_000,
} as const;
