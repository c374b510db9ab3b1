// What every EventLog promises. Runs on each adapter; see subject.ts for how adapters are driven.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type EventLog,
  type LogRecord,
  type NewRecord,
  OffsetOutOfRangeError,
  type PartitionAssignment,
  PartitionRevokedError,
  type Subscription,
} from '../../services/ports/log/event-log.ts';
import { type Factory, rejectionOf, type Subject, TEST_LIMITS, UNUSUAL_IDS, until, withSubject } from './subject.ts';

type LogSubject = Subject<EventLog>;

function records(from: number, count: number): NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({ key: `key-${from + i}`, value: bytes(`value-${from + i}`) }));
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(record: LogRecord): string {
  return new TextDecoder().decode(record.value);
}

function append(subject: LogSubject, partition: number, ...added: NewRecord[]): Promise<void> {
  return subject.drive(subject.port.append('messages', [{ partition, records: added }]));
}

async function readAll(subject: LogSubject, partition: number, from = 0, records_max = 100): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for (;;) {
    const next = await subject.drive(subject.port.readFrom('messages', partition, from + all.length, records_max));
    if (next.length === 0) return all;
    all.push(...next);
  }
}

function assertContiguous(read: readonly LogRecord[], from = 0): void {
  read.forEach((record, i) => {
    assert.equal(record.offset, from + i);
  });
}

/** A member that reads all it is given from offset 0 and writes down what happens. */
class Reader {
  readonly read = new Map<number, LogRecord[]>();
  readonly holds = new Set<number>();
  readonly revoked: number[] = [];
  readonly overlaps: number[] = [];
  subscription!: Subscription;
  readonly #subject: LogSubject;

  constructor(subject: LogSubject) {
    this.#subject = subject;
  }

  async join(group = 'group'): Promise<this> {
    const { port, drive } = this.#subject;
    this.subscription = await drive(port.subscribe('messages', group, (assignment) => this.#run(assignment)));
    return this;
  }

  get count(): number {
    let sum = 0;
    for (const read of this.read.values()) sum += read.length;
    return sum;
  }

  async #run(assignment: PartitionAssignment): Promise<void> {
    const { partition } = assignment;
    if (this.holds.has(partition)) this.overlaps.push(partition);
    this.holds.add(partition);
    const read: LogRecord[] = [];
    this.read.set(partition, read);
    assignment.seek(0);
    try {
      for (;;) read.push(...(await assignment.read(7)));
    } catch (error) {
      assert.ok(error instanceof PartitionRevokedError, String(error));
      assert.ok(assignment.signal.aborted);
      this.revoked.push(partition);
    } finally {
      this.holds.delete(partition);
    }
  }
}

export function eventLogContract(name: string, factory: Factory<LogSubject>): void {
  const test = (title: string, body: (subject: LogSubject) => Promise<void>) =>
    it(title, TEST_LIMITS, withSubject(factory, body));

  describe(`${name} as an EventLog`, () => {
    test('an empty partition starts and ends at offset 0', async (subject) => {
      assert.equal(await subject.drive(subject.port.startOffset('messages', 0)), 0);
      assert.equal(await subject.drive(subject.port.endOffset('messages', 0)), 0);
      assert.deepEqual(await subject.drive(subject.port.readFrom('messages', 0, 0, 10)), []);
    });

    test('records come out as they went in, in order, at contiguous offsets', async (subject) => {
      await append(subject, 1, ...records(0, 3));
      await append(subject, 1, ...records(3, 250));
      const read = await readAll(subject, 1);
      assertContiguous(read);
      assert.deepEqual(
        read.map((record) => [record.key, textOf(record)]),
        records(0, 253).map(({ key }, i) => [key, `value-${i}`]),
      );
      assert.equal(await subject.drive(subject.port.endOffset('messages', 1)), 253);
    });

    test('append times are whole milliseconds of the log’s clock', async (subject) => {
      await append(subject, 0, ...records(0, 2));
      for (const { appendTime } of await readAll(subject, 0))
        assert.ok(Number.isSafeInteger(appendTime) && appendTime >= 0);
    });

    test('what was acknowledged is visible at once', async (subject) => {
      for (let i = 0; i < 20; i++) {
        await append(subject, 0, ...records(i, 1));
        assert.equal(await subject.drive(subject.port.endOffset('messages', 0)), i + 1);
        const [record] = await subject.drive(subject.port.readFrom('messages', 0, i, 1));
        assert.equal(textOf(record!), `value-${i}`);
      }
    });

    test('one append to several partitions lands in each of them, and in no other topic', async (subject) => {
      const batches = [0, 1, 2].map((partition) => ({ partition, records: records(partition * 10, partition + 1) }));
      await subject.drive(subject.port.append('messages', batches));
      for (const partition of [0, 1, 2]) {
        const read = await readAll(subject, partition);
        assert.deepEqual(
          read.map(textOf),
          records(partition * 10, partition + 1).map((_, i) => `value-${partition * 10 + i}`),
        );
        assert.equal(await subject.drive(subject.port.endOffset('timeline', partition)), 0);
      }
    });

    test('an append of nothing does nothing', async (subject) => {
      await subject.drive(subject.port.append('messages', []));
      await subject.drive(subject.port.append('messages', [{ partition: 0, records: [] }]));
      assert.equal(await subject.drive(subject.port.endOffset('messages', 0)), 0);
    });

    test('many appends under way at once lose, repeat and tear apart nothing', async (subject) => {
      const pairs = Array.from({ length: 60 }, (_, i) => append(subject, i % 2, ...records(i * 2, 2)));
      await Promise.all(pairs);
      for (const partition of [0, 1]) {
        const read = await readAll(subject, partition);
        assertContiguous(read);
        const numbers = read.map((record) => Number(textOf(record).slice('value-'.length)));
        for (let i = 0; i < numbers.length; i += 2) assert.equal(numbers[i + 1], numbers[i]! + 1);
        assert.equal(new Set(numbers).size, 60);
      }
    });

    test('the bytes belong to the caller again once the append has settled', async (subject) => {
      const value = bytes('before');
      await append(subject, 0, { key: 'k', value });
      value.fill(0);
      assert.deepEqual((await readAll(subject, 0)).map(textOf), ['before']);
    });

    test('keys may hold any character, values any byte, and values may be empty or large', async (subject) => {
      const all = Uint8Array.from({ length: 256 }, (_, i) => i);
      const large = new Uint8Array(200_000).fill(0xa5);
      const values = [all, new Uint8Array(0), large];
      const wanted = UNUSUAL_IDS.map((key, i) => ({ key, value: values[i % 3]! }));
      await append(subject, 0, ...wanted);
      const read = await readAll(subject, 0);
      assert.deepEqual(
        read.map(({ key }) => key),
        wanted.map(({ key }) => key),
      );
      for (const [i, { value }] of read.entries()) assert.deepEqual(Buffer.from(value), Buffer.from(wanted[i]!.value));
    });

    test('a read begins anywhere and gives at most as many records as asked for', async (subject) => {
      await append(subject, 0, ...records(0, 40));
      for (const [from, count] of [
        [0, 1],
        [7, 5],
        [39, 10],
      ] as const) {
        const read = await subject.drive(subject.port.readFrom('messages', 0, from, count));
        assert.ok(read.length >= 1 && read.length <= count);
        assertContiguous(read, from);
      }
      assertContiguous(await readAll(subject, 0, 13, 4), 13);
    });

    test('a read beyond the end is out of range, at the end it is empty', async (subject) => {
      await append(subject, 0, ...records(0, 2));
      assert.deepEqual(await subject.drive(subject.port.readFrom('messages', 0, 2, 10)), []);
      const error = await rejectionOf(subject, subject.port.readFrom('messages', 0, 3, 10));
      assert.ok(error instanceof OffsetOutOfRangeError, String(error));
    });

    test('a trim drops what is below it and keeps the numbers', async (subject) => {
      for (let i = 0; i < 10; i++) await append(subject, 0, ...records(i * 10, 10));
      await subject.drive(subject.port.trim('messages', 0, 35));
      assert.equal(await subject.drive(subject.port.startOffset('messages', 0)), 35);
      assert.equal(await subject.drive(subject.port.endOffset('messages', 0)), 100);
      const error = await rejectionOf(subject, subject.port.readFrom('messages', 0, 34, 10));
      assert.ok(error instanceof OffsetOutOfRangeError, String(error));
      const read = await readAll(subject, 0, 35);
      assert.equal(read.length, 65);
      assertContiguous(read, 35);
      await subject.drive(subject.port.trim('messages', 0, 20));
      assert.equal(await subject.drive(subject.port.startOffset('messages', 0)), 35);
    });

    test('a partition trimmed to its end goes on where it was', async (subject) => {
      await append(subject, 0, ...records(0, 5));
      await subject.drive(subject.port.trim('messages', 0, 5));
      assert.equal(await subject.drive(subject.port.startOffset('messages', 0)), 5);
      assert.deepEqual(await subject.drive(subject.port.readFrom('messages', 0, 5, 10)), []);
      await append(subject, 0, ...records(5, 1));
      assert.deepEqual((await readAll(subject, 0, 5)).map(textOf), ['value-5']);
    });

    test('a single member is handed every partition and reads what stands there and what comes', async (subject) => {
      const count = subject.port.layout.partitions.messages;
      for (let partition = 0; partition < count; partition++) await append(subject, partition, ...records(0, 20));
      const reader = await new Reader(subject).join();
      await until(subject, () => reader.count === count * 20);
      for (let partition = 0; partition < count; partition++) await append(subject, partition, ...records(20, 3));
      await until(subject, () => reader.count === count * 23);
      for (const read of reader.read.values()) {
        assertContiguous(read);
        assert.deepEqual(
          read.map(textOf),
          records(0, 23).map((_, i) => `value-${i}`),
        );
      }
      await subject.drive(reader.subscription.close());
      assert.equal(reader.holds.size, 0);
    });

    test('a reader resumes wherever it seeks, and may seek again', async (subject) => {
      await append(subject, 0, ...records(0, 30));
      const seen: number[] = [];
      let done = false;
      const subscription = await subject.drive(
        subject.port.subscribe('messages', 'group', async (assignment) => {
          if (assignment.partition !== 0) return;
          assignment.seek(25);
          seen.push((await assignment.read(1))[0]!.offset, (await assignment.read(1))[0]!.offset);
          assignment.seek(3);
          seen.push((await assignment.read(1))[0]!.offset);
          assignment.commit(4);
          done = true;
        }),
      );
      await until(subject, () => done);
      assert.deepEqual(seen, [25, 26, 3]);
      await subject.drive(subscription.close());
    });

    test('a reader that seeks below the start is told that the record is gone', async (subject) => {
      await append(subject, 0, ...records(0, 10));
      await subject.drive(subject.port.trim('messages', 0, 5));
      let error: unknown = null;
      const subscription = await subject.drive(
        subject.port.subscribe('messages', 'group', async (assignment) => {
          if (assignment.partition !== 0) return;
          assignment.seek(4);
          await assignment.read(10).catch((reason) => {
            error = reason;
          });
        }),
      );
      await until(subject, () => error !== null);
      assert.ok((error as unknown) instanceof OffsetOutOfRangeError, String(error));
      await subject.drive(subscription.close());
    });

    test('closing a subscription ends a read that waits, and waits for the handler', async (subject) => {
      const reader = await new Reader(subject).join();
      const count = subject.port.layout.partitions.messages;
      await until(subject, () => reader.holds.size === count);
      await subject.drive(reader.subscription.close());
      assert.equal(reader.holds.size, 0);
      assert.equal(reader.revoked.length, count);
    });

    test('a read after the partition was taken away fails, even if records are there', async (subject) => {
      await append(subject, 0, ...records(0, 10));
      let assignment: PartitionAssignment | null = null;
      const subscription = await subject.drive(
        subject.port.subscribe('messages', 'group', async (given) => {
          if (given.partition !== 0) return;
          given.seek(0);
          await given.read(1);
          assignment = given;
        }),
      );
      await until(subject, () => assignment !== null);
      await subject.drive(subscription.close());
      assert.ok(assignment!.signal.aborted);
      const error = await rejectionOf(subject, assignment!.read(1));
      assert.ok(error instanceof PartitionRevokedError, String(error));
    });

    test('two members share the partitions, and one gets them all when the other leaves', async (subject) => {
      const count = subject.port.layout.partitions.messages;
      for (let partition = 0; partition < count; partition++) await append(subject, partition, ...records(0, 5));
      const first = await new Reader(subject).join();
      await until(subject, () => first.holds.size === count);
      const second = await new Reader(subject).join();
      await until(subject, () => second.holds.size === count / 2 && first.holds.size === count / 2);
      assert.deepEqual(
        [...first.holds, ...second.holds].sort(),
        Array.from({ length: count }, (_, i) => i),
      );
      await subject.drive(first.subscription.close());
      await until(subject, () => second.holds.size === count);
      for (let partition = 0; partition < count; partition++) await append(subject, partition, ...records(5, 1));
      await until(subject, () => second.count === count * 6);
      for (const read of second.read.values()) assertContiguous(read);
      assert.deepEqual([...first.overlaps, ...second.overlaps], []);
      await subject.drive(second.subscription.close());
    });

    test('groups do not share: each reads everything', async (subject) => {
      await append(subject, 0, ...records(0, 5));
      const one = await new Reader(subject).join('one');
      const two = await new Reader(subject).join('two');
      await until(subject, () => one.count === 5 && two.count === 5);
      await subject.drive(one.subscription.close());
      await subject.drive(two.subscription.close());
    });

    test('a partition whose handler returned stays stopped while the others go on', async (subject) => {
      let starts = 0;
      const seen: number[] = [];
      const subscription = await subject.drive(
        subject.port.subscribe('messages', 'group', async (assignment) => {
          if (assignment.partition === 0) {
            starts++;
            throw new Error('a handler that fails');
          }
          if (assignment.partition !== 1) return;
          assignment.seek(0);
          for (const record of await assignment.read(1)) seen.push(record.offset);
        }),
      );
      await append(subject, 0, ...records(0, 1));
      await append(subject, 1, ...records(0, 1));
      await until(subject, () => seen.length === 1 && starts === 1);
      await subject.drive(subscription.close());
      assert.equal(starts, 1);
    });
  });
}
