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
    for (const [seq, { bytes }] of this.#pending.rowsOf(conversationId)) {
      if (seq >= fromSeq && seq <= last) found.set(seq, bytes);
    }
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
