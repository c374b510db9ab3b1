// What every DeliveryStream promises.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeliveryReader, DeliveryRecord, DeliveryStream } from '../../services/ports/delivery/delivery-stream.ts';
import type { NodeAddress } from '../../services/ports/sessions/session-registry.ts';
import { type Factory, type Subject, TEST_LIMITS, UNUSUAL_IDS, until, withSubject } from './subject.ts';

export interface DeliverySubject extends Subject<DeliveryStream> {
  /** Records that, published by calls that follow each other at once, are more than a stream holds. */
  readonly overflow_records: number;
}

const EDGE_1: NodeAddress = { node: 'edge-1', incarnation: 'aaaa' };
const EDGE_2: NodeAddress = { node: 'edge-2', incarnation: 'bbbb' };

function canary(number: number): DeliveryRecord {
  return { type: 'canary', canaryId: String(number), sourcePartition: 1, inboxPartition: 2 };
}

/** An open stream and what came out of it: numbers of canaries, other records, and 'gap'. */
class Received {
  readonly all: (number | DeliveryRecord | 'gap')[] = [];
  reader!: DeliveryReader;

  static async open(subject: DeliverySubject, address: NodeAddress): Promise<Received> {
    const received = new Received();
    received.reader = await subject.drive(
      subject.port.open(
        address,
        (records) => {
          for (const record of records) received.all.push(record.type === 'canary' ? Number(record.canaryId) : record);
        },
        () => received.all.push('gap'),
      ),
    );
    return received;
  }
}

const OVERFLOW_ATTEMPTS = 5;
const numbersTo = (last: number) => Array.from({ length: last + 1 }, (_, i) => i);

export function deliveryStreamContract(name: string, factory: Factory<DeliverySubject>): void {
  const test = (title: string, body: (subject: DeliverySubject) => Promise<void>) =>
    it(title, TEST_LIMITS, withSubject(factory, body));

  describe(`${name} as a DeliveryStream`, () => {
    test('records arrive in the order in which they were published', async (subject) => {
      const received = await Received.open(subject, EDGE_1);
      const numbers = Array.from({ length: 200 }, (_, i) => i);
      for (let i = 0; i < 200; i += 4) {
        const records = numbers.slice(i, i + 4).map(canary);
        assert.equal(await subject.drive(subject.port.publish(EDGE_1, records)), 'handed_over');
      }
      await until(subject, () => received.all.length >= 200);
      assert.deepEqual(received.all, numbers);
    });

    test('nothing is handed to the reader inside the call that publishes', async (subject) => {
      const received = await Received.open(subject, EDGE_1);
      const published = subject.port.publish(EDGE_1, [canary(1)]);
      assert.deepEqual(received.all, []);
      await subject.drive(published);
      await until(subject, () => received.all.length === 1);
    });

    test('every kind of record arrives as it was', async (subject) => {
      const received = await Received.open(subject, EDGE_1);
      const recipients = UNUSUAL_IDS.map((user, i) => ({ user, inboxSeq: i + 1 }));
      const event = Uint8Array.from({ length: 1_000 }, (_, i) => i & 0xff);
      const common = { type: 'outcome', session: 3, request: 4, conversationId: 'g:x', commandId: 'id' } as const;
      const records: DeliveryRecord[] = [
        { type: 'entry', epoch: null, conversationId: 'd:1:a1:b', seq: 7, kind: 'MessageSent', event, recipients },
        { type: 'entry', epoch: 4_000, conversationId: 'g:x', seq: 8, kind: 'MessageSent', event, recipients },
        { ...common, outcome: { result: 'sequenced', seq: 9, time: 1_700_000_000_000, repeat: true } },
        { ...common, outcome: { result: 'unchanged' } },
        { ...common, outcome: { result: 'rejected', code: 'not_a_member' } },
        { type: 'behind', users: UNUSUAL_IDS },
      ];
      await subject.drive(subject.port.publish(EDGE_1, records));
      await until(subject, () => received.all.length === records.length);
      for (const [i, record] of records.entries()) {
        const came = received.all[i] as DeliveryRecord;
        if (came.type !== 'entry' || record.type !== 'entry') assert.deepEqual({ ...came }, record);
        else assert.deepEqual({ ...came, event: [...came.event] }, { ...record, event: [...record.event] });
      }
    });

    test('a stream gets only what was published to its own address', async (subject) => {
      const one = await Received.open(subject, EDGE_1);
      const two = await Received.open(subject, EDGE_2);
      await subject.drive(subject.port.publish(EDGE_1, [canary(1)]));
      await subject.drive(subject.port.publish(EDGE_2, [canary(2)]));
      await until(subject, () => one.all.length + two.all.length === 2);
      assert.deepEqual([one.all, two.all], [[1], [2]]);
    });

    test('publishing nothing hands nothing over', async (subject) => {
      const received = await Received.open(subject, EDGE_1);
      assert.equal(await subject.drive(subject.port.publish(EDGE_1, [])), 'handed_over');
      await subject.drive(subject.port.publish(EDGE_1, [canary(1)]));
      await until(subject, () => received.all.length === 1);
    });

    test('a stream that nobody opened is gone, and so is another incarnation’s', async (subject) => {
      assert.equal(await subject.drive(subject.port.publish(EDGE_1, [canary(1)])), 'gone');
      await Received.open(subject, EDGE_1);
      const other = { node: EDGE_1.node, incarnation: 'later' };
      assert.equal(await subject.drive(subject.port.publish(other, [canary(1)])), 'gone');
    });

    test('a closed stream is gone and its reader hears nothing more', async (subject) => {
      const received = await Received.open(subject, EDGE_1);
      await subject.drive(subject.port.publish(EDGE_1, [canary(1)]));
      await until(subject, () => received.all.length === 1);
      await subject.drive(received.reader.close());
      assert.equal(await subject.drive(subject.port.publish(EDGE_1, [canary(2)])), 'gone');
      await subject.settle();
      assert.deepEqual(received.all, [1]);
    });

    test('a stream that was closed can be opened again', async (subject) => {
      const before = await Received.open(subject, EDGE_1);
      await subject.drive(before.reader.close());
      const after = await Received.open(subject, EDGE_1);
      await subject.drive(subject.port.publish(EDGE_1, [canary(3)]));
      await until(subject, () => after.all.includes(3));
      assert.deepEqual([before.all, after.all.filter((item) => item !== 'gap')], [[], [3]]);
    });

    test('an overflow is told as a gap before the records behind it, which are the newest', async (subject) => {
      const received = await Received.open(subject, EDGE_1);
      let last = -1;
      // A reader that keeps up with a slow publisher misses nothing: then once more.
      for (let attempt = 1; attempt <= OVERFLOW_ATTEMPTS && !received.all.includes('gap'); attempt++) {
        assert.deepEqual(received.all, numbersTo(last));
        const first = last + 1;
        last += subject.overflow_records;
        const published: Promise<unknown>[] = [];
        for (let i = first; i <= last; i += 100) {
          const numbers = Array.from({ length: Math.min(100, last + 1 - i) }, (_, k) => i + k);
          published.push(subject.port.publish(EDGE_1, numbers.map(canary)));
        }
        await subject.drive(Promise.all(published));
        await until(subject, () => received.all.at(-1) === last);
      }
      assert.ok(received.all.includes('gap'));
      const behind = received.all.slice(received.all.lastIndexOf('gap') + 1) as number[];
      for (const [i, number] of behind.entries()) assert.equal(number, last - behind.length + 1 + i);
      await subject.drive(subject.port.publish(EDGE_1, [canary(-1)]));
      await until(subject, () => received.all.at(-1) === -1);
      assert.equal(received.all.at(-2), last);
    });
  });
}
