// What each branch that a run must have entered stands for, as FAULTS says it of the faults.
export const BRANCHES: Readonly<Record<string, string>> = {
  skipped_by_as_of: 'fanout met a command again that the stored state already holds',
  skipped_by_sources: 'an inbox processor met a copy again that it has taken from the same source',
  skipped_by_head_as_of: 'an inbox processor met a record again that the stored head already holds',
  repeat: 'a command came a second time and was answered as the first',
  too_old: 'an id was refused as too old',
  clock: 'an id was refused as too far ahead of the log',
  prefix_pull: 'a pull ended early, at an entry not written yet (`wait`)',
  behind: 'a client was told that it is behind',
  takeover: 'an inbox partition was taken over from its checkpoint',
  offset_jump_noticed: 'a reader noticed that its subscription had jumped ahead',
  out_of_turn: 'a send was refused because an earlier one was',
  tables_followed: 'a process went on with another set of tables while it ran',
};
