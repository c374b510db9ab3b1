// Which seqs of a conversation are known: ranges without a gap between what was loaded.
//
//   inbox entries      history page        shown: the last range, and what is above it grows it
//   [1 ──── 40]        [151 ─── 200]
//
// A range covers every seq of which it is known that there is nothing (more) to see for this reader, so a time in which
// they were no member is no gap.

export interface Range {
  readonly from: number;
  readonly to: number;
}

/** Adds a range to ranges that are sorted and apart; ranges that touch become one. */
export function withRange(ranges: readonly Range[], added: Range): readonly Range[] {
  if (added.from > added.to) return ranges;
  let { from, to } = added;
  const below: Range[] = [];
  const above: Range[] = [];
  for (const range of ranges) {
    if (range.to < from - 1) below.push(range);
    else if (range.from > to + 1) above.push(range);
    else {
      from = Math.min(from, range.from);
      to = Math.max(to, range.to);
    }
  }
  return [...below, { from, to }, ...above];
}

/** Forgets everything below `from`. */
export function withoutBelow(ranges: readonly Range[], from: number): readonly Range[] {
  return ranges.filter(({ to }) => to >= from).map((range) => ({ from: Math.max(range.from, from), to: range.to }));
}
