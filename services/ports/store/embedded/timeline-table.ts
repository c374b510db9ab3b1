// Timeline rows. Pending ones are kept as the bytes they will have: the caller may use its buffers again.
import type { TimelineRow } from '../state-store.ts';
import { key, LAST, stableKey, TABLES } from './keys.ts';
import { PendingRows } from './pending-rows.ts';
import type { RowTable } from './row-table.ts';
import { decodeTimeline, encodeTimeline } from './rows.ts';

const SEQ_BYTES = 7;

interface PendingRow {
  readonly position: number;
  readonly bytes: Uint8Array;
}

export class TimelineTable {
  readonly #table: RowTable;
  readonly #pending = new PendingRows<number, PendingRow>();

  constructor(table: RowTable) {
    this.#table = table;
  }

  write(row: TimelineRow): void {
    const { conversationId, seq, position } = row;
    const stored = this.#bytes(conversationId, seq);
    if (stored !== undefined && decodeTimeline(conversationId, seq, stored).position > position) return;
    this.#pending.set(conversationId, seq, { position, bytes: encodeTimeline(row) });
  }

  event(conversationId: string, seq: number): Uint8Array | null {
    const bytes = this.#bytes(conversationId, seq);
    return bytes === undefined ? null : decodeTimeline(conversationId, seq, bytes).event;
  }

  read(
    conversationId: string,
    fromSeq: number,
    toSeq: number,
    rows_max: number,
    order: 'ascending' | 'descending',
  ): TimelineRow[] {
    const last = Math.min(toSeq, LAST);
    if (fromSeq > last || rows_max <= 0) return [];
    const low = stableKey(TABLES.timeline, conversationId, Math.max(0, fromSeq));
    const high = stableKey(TABLES.timeline, conversationId, last);
    const down = order === 'descending';
    const found = new Map<number, Uint8Array>();
    const stored = down ? this.#table.rangeDown(high, low, rows_max) : this.#table.range(low, high, rows_max);
    for (const { key: bytes, value } of stored) found.set(seqOf(bytes), value);
    this.#takePending(conversationId, fromSeq, last, rows_max, down, (seq, bytes) => found.set(seq, bytes));
    const seqs = [...found.keys()].sort((a, b) => (down ? b - a : a - b)).slice(0, rows_max);
    return seqs.map((seq) => decodeTimeline(conversationId, seq, found.get(seq)!));
  }

  leave(): void {
    this.#pending.leave();
  }

  arrived(): void {
    this.#pending.arrived();
  }

  *steps(): Generator<number> {
    for (const [conversationId, rows] of this.#pending.leaving) {
      for (const [seq, { bytes }] of rows) {
        this.#table.put(key(TABLES.timeline, conversationId, seq), bytes);
        yield 1;
      }
    }
  }

  /**
   * Calls `take` for at least the first `rows_max` pending rows of the range. Probes seq by seq from the end that is
   * wanted first: a busy conversation has ten thousand pending rows, of which a page wants a hundred.
   */
  #takePending(
    conversationId: string,
    fromSeq: number,
    toSeq: number,
    rows_max: number,
    down: boolean,
    take: (seq: number, bytes: Uint8Array) => void,
  ): void {
    const count = this.#pending.countOf(conversationId);
    if (count === 0) return;
    const span = Math.min(toSeq - fromSeq + 1, count);
    const step = down ? -1 : 1;
    let seq = down ? toSeq : fromSeq;
    let wanted = rows_max;
    for (let probes = 0; probes < span && wanted > 0; probes++, seq += step) {
      const row = this.#pending.get(conversationId, seq);
      if (row === undefined) continue;
      take(seq, row.bytes);
      wanted--;
    }
    if (wanted === 0 || seq < fromSeq || seq > toSeq) return;
    // The range is wider than all that is pending, and mostly empty.
    this.#pending.forEachOf(conversationId, ({ bytes }, pending) => {
      if (pending >= fromSeq && pending <= toSeq) take(pending, bytes);
    });
  }

  #bytes(conversationId: string, seq: number): Uint8Array | undefined {
    const pending = this.#pending.get(conversationId, seq);
    return pending !== undefined ? pending.bytes : this.#table.get(key(TABLES.timeline, conversationId, seq));
  }
}

function seqOf(bytes: Uint8Array): number {
  const at = bytes.length - SEQ_BYTES;
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.readUIntBE(at, 3) * 0x100000000 + view.readUInt32BE(at + 3);
}
