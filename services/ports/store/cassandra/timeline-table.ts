// Timelines, in buckets of seq.
import type { TimelineRow } from '../state-store.ts';
import type { CassandraSession, Row } from './cassandra-session.ts';
import { forEachBounded } from './in-flight-gate.ts';
import { bucketOf, fromLong, toLong } from './numbers.ts';
import { statement } from './statement.ts';
import type { AddWrite } from './write-queue.ts';

const COLUMNS = 'seq, ordinal, sender, command_id, time, event';
const RANGE = 'conversation = ? AND bucket = ? AND seq >= ? AND seq <= ?';

const statements = {
  write: statement(
    `INSERT INTO timeline (conversation, bucket, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`,
  ),
  ascending: statement(`SELECT ${COLUMNS}, WRITETIME(event) AS position FROM timeline WHERE ${RANGE} LIMIT ?`),
  descending: statement(
    `SELECT ${COLUMNS}, WRITETIME(event) AS position FROM timeline WHERE ${RANGE} ORDER BY seq DESC LIMIT ?`,
  ),
  event: statement('SELECT event FROM timeline WHERE conversation = ? AND bucket = ? AND seq = ?'),
  events: statement('SELECT seq, event FROM timeline WHERE conversation = ? AND bucket = ? AND seq IN ?'),
};

/** 256 rows of 1 kB, or of 16 kB at worst. */
const PAGE_ROWS = 256;
/**
 * Behind this many seqs in a row without a row a timeline has ended. Rows are written by slices of 1,000 commands, each
 * acknowledged before the next, so a hole is at most that long. What asks for more than a page asks for "all there is".
 */
const HOLE_SEQS_MAX = 8_192;
/** Buckets read side by side once one was found empty. */
const BUCKETS_AT_ONCE_MAX = 32;
/** Of a mutation, besides conversation and event. */
const ROW_BYTES = 250;
/** Pointers of one pull: a page is 100. */
const POINTER_LANES = 64;

export class TimelineTable {
  readonly #session: CassandraSession;
  readonly #bucket_rows: number;

  constructor(session: CassandraSession, bucket_rows: number) {
    this.#session = session;
    this.#bucket_rows = bucket_rows;
  }

  add(add: AddWrite, row: TimelineRow): void {
    const { conversationId, seq, ordinal, sender, commandId, time, position, event } = row;
    const key = [conversationId, toLong(bucketOf(seq, this.#bucket_rows))];
    const cells = [toLong(ordinal), sender, commandId, toLong(time), bufferOf(event)];
    const parameters = [...key, toLong(seq), ...cells, toLong(position)];
    add(key, { statement: statements.write, parameters }, ROW_BYTES + conversationId.length + event.length);
  }

  async read(
    conversationId: string,
    fromSeq: number,
    toSeq: number,
    rows_max: number,
    order: 'ascending' | 'descending',
  ): Promise<TimelineRow[]> {
    const rows: TimelineRow[] = [];
    const step = order === 'ascending' ? 1 : -1;
    const [first, last] = [bucketOf(fromSeq, this.#bucket_rows), bucketOf(toSeq, this.#bucket_rows)];
    let next = step === 1 ? first : last;
    let left = toSeq < fromSeq ? 0 : last - first + 1;
    let atOnce = 1;
    let emptyBuckets = 0;
    while (left > 0 && rows.length < rows_max && emptyBuckets * this.#bucket_rows < HOLE_SEQS_MAX) {
      const count = Math.min(atOnce, left);
      const reads = Array.from({ length: count }, (_, i) =>
        this.#readBucket(conversationId, next + i * step, fromSeq, toSeq, rows_max - rows.length, order),
      );
      for (const bucket of await Promise.all(reads)) {
        emptyBuckets = bucket.length === 0 ? emptyBuckets + 1 : 0;
        for (const row of bucket) if (rows.length < rows_max) rows.push(row);
      }
      next += count * step;
      left -= count;
      atOnce = emptyBuckets === 0 ? 1 : Math.min(BUCKETS_AT_ONCE_MAX, atOnce * 2);
    }
    return rows;
  }

  /** Pointers into one bucket are one statement. */
  async readEvents(
    pointers: readonly { readonly conversationId: string; readonly seq: number }[],
  ): Promise<(Uint8Array | null)[]> {
    const events = new Array<Uint8Array | null>(pointers.length).fill(null);
    const groups = new Map<string, { conversationId: string; bucket: number; places: Map<number, number[]> }>();
    for (const [place, { conversationId, seq }] of pointers.entries()) {
      const bucket = bucketOf(seq, this.#bucket_rows);
      const name = `${bucket} ${conversationId}`;
      let group = groups.get(name);
      if (group === undefined) {
        group = { conversationId, bucket, places: new Map() };
        groups.set(name, group);
      }
      const places = group.places.get(seq);
      if (places === undefined) group.places.set(seq, [place]);
      else places.push(place);
    }
    await forEachBounded([...groups.values()], POINTER_LANES, async ({ conversationId, bucket, places }) => {
      for (const { seq, event } of await this.#readSeqs(conversationId, bucket, [...places.keys()]))
        for (const place of places.get(seq)!) events[place] = event;
    });
    return events;
  }

  async #readSeqs(conversationId: string, bucket: number, seqs: readonly number[]) {
    const [seq] = seqs;
    if (seqs.length === 1) {
      const { rows } = await this.#session.run(statements.event, [conversationId, toLong(bucket), toLong(seq!)]);
      return rows.map((row) => ({ seq: seq!, event: row.event as Uint8Array }));
    }
    const parameters = [conversationId, toLong(bucket), seqs.map(toLong)];
    const rows = await this.#session.readAll(statements.events, parameters, PAGE_ROWS);
    return rows.map((row) => ({ seq: fromLong(row.seq), event: row.event as Uint8Array }));
  }

  async #readBucket(
    conversationId: string,
    bucket: number,
    fromSeq: number,
    toSeq: number,
    rows_max: number,
    order: 'ascending' | 'descending',
  ): Promise<TimelineRow[]> {
    const limits = [toLong(bucket), toLong(fromSeq), toLong(toSeq), rows_max];
    const rows = await this.#session.readAll(statements[order], [conversationId, ...limits], PAGE_ROWS);
    return rows.map((row) => timelineRowOf(conversationId, row));
  }
}

function timelineRowOf(conversationId: string, row: Row): TimelineRow {
  return {
    conversationId,
    seq: fromLong(row.seq),
    ordinal: fromLong(row.ordinal),
    sender: row.sender as string,
    commandId: row.command_id as string,
    time: fromLong(row.time),
    position: fromLong(row.position),
    event: row.event as Uint8Array,
  };
}

/** The driver takes Buffers for blobs. No copy. */
function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
