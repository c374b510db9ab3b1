// Inbox rows on disk. Rows of one user that leave memory together are one value, a run:
//
//   key    table | user | first inboxSeq | position of the last row
//   value  layout | per row: kind and whether the conversation is the row before's | conversation? | seq | position step
//
//   alice  1 @40   [g:x 17 @33] [= 18 @40]
//   alice  3 @52   [d:.. 4 @52]
//
// A user's inbox is spread over time and users over the tree, so a put a row would touch a page a row: 6 us of CPU and
// 4 KiB of disk. The position in the key makes runs immutable: after a crash the same rows come again cut differently,
// and nothing is read, compared or undone. Where runs overlap, the row with the higher position counts.
import { ENTRY_KINDS } from '../../../events/inbox-records.ts';
import type { InboxRow } from '../state-store.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

const LAYOUT = 1;
const SAME_CONVERSATION = 0x80;
/** A reader has to begin this far before the row it wants. */
export const RUN_ROWS_MAX = 64;
/** Values above about 2,000 bytes would get pages of their own. */
const RUN_BYTES_MAX = 1_500;
/** The greatest row: a conversation id of 136 bytes, three numbers, and then some. */
const ROW_BYTES_MAX = 500;

const KIND_NUMBERS = new Map<string, number>(ENTRY_KINDS.map((kind, number) => [kind, number]));

const writer = new ByteWriter();

export interface Run {
  readonly first: number;
  readonly lastPosition: number;
  readonly bytes: Uint8Array;
}

/** Cuts the rows of one user, in any order and with repeats, into runs and hands them on. */
export function forEachRun(rows: readonly InboxRow[], take: (run: Run) => void): void {
  const ordered = isDense(rows) ? rows : inOrder(rows);
  let at = 0;
  while (at < ordered.length) {
    const first = ordered[at]!.inboxSeq;
    let position = -1;
    let conversationId: string | null = null;
    let previous = first - 1;
    let count = 0;
    writer.begin(RUN_BYTES_MAX + ROW_BYTES_MAX).byte(LAYOUT);
    for (; at < ordered.length && count < RUN_ROWS_MAX && writer.length < RUN_BYTES_MAX; at++) {
      const row = ordered[at]!;
      if (row.inboxSeq !== previous + 1 || row.position < position) break;
      const kind = KIND_NUMBERS.get(row.kind)!;
      if (row.conversationId === conversationId) writer.byte(kind | SAME_CONVERSATION);
      else {
        conversationId = row.conversationId;
        writer.byte(kind).text(conversationId);
      }
      writer.number(row.seq).number(row.position - position);
      position = row.position;
      previous = row.inboxSeq;
      count++;
    }
    take({ first, lastPosition: position, bytes: writer.end() });
  }
}

/** Calls `take` for each row of a run. */
export function decodeRun(user: string, first: number, bytes: Uint8Array, take: (row: InboxRow) => void): void {
  if (bytes[0] !== LAYOUT) throw new Error(`An inbox run has layout ${bytes[0]}; this version reads ${LAYOUT}.`);
  const from = new ByteReader(bytes, 1);
  let conversationId = '';
  let position = -1;
  for (let inboxSeq = first; !from.done; inboxSeq++) {
    const head = from.byte();
    if ((head & SAME_CONVERSATION) === 0) conversationId = from.text();
    const seq = from.number();
    position += from.number();
    take({ user, inboxSeq, conversationId, seq, kind: ENTRY_KINDS[head & ~SAME_CONVERSATION]!, position });
  }
}

function isDense(rows: readonly InboxRow[]): boolean {
  for (let i = 1; i < rows.length; i++) if (rows[i]!.inboxSeq !== rows[i - 1]!.inboxSeq + 1) return false;
  return true;
}

/** Sorted by inboxSeq, of repeats the one with the highest position. */
function inOrder(rows: readonly InboxRow[]): InboxRow[] {
  const newest = new Map<number, InboxRow>();
  for (const row of rows) {
    const other = newest.get(row.inboxSeq);
    if (other === undefined || other.position <= row.position) newest.set(row.inboxSeq, row);
  }
  return [...newest.values()].sort((a, b) => a.inboxSeq - b.inboxSeq);
}
