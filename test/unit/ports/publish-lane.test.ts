import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeliveryRecord } from '../../../services/ports/delivery/delivery-stream.ts';
import { PublishLane, type PublishOutcome, weightOf } from '../../../services/ports/delivery/redis/publish-lane.ts';

interface Sent {
  readonly users: readonly string[];
  readonly resolve: (outcome: PublishOutcome) => void;
  readonly reject: (error: Error) => void;
}

function laneByHand() {
  const sent: Sent[] = [];
  const results: string[] = [];
  let idle = 0;
  const lane = new PublishLane(
    4_000,
    (records) =>
      new Promise((resolve, reject) => {
        sent.push({
          users: records.flatMap((record) => (record.type === 'behind' ? record.users : [])),
          resolve,
          reject,
        });
      }),
    () => idle++,
  );
  const publish = (...users: string[]) => {
    const records: DeliveryRecord[] = [{ type: 'behind', users }];
    lane.publish(records, weightOf(records)).then(
      (outcome) => results.push(`${users[0]} ${outcome}`),
      (error: Error) => results.push(`${users[0]} ${error.message}`),
    );
  };
  return { sent, results, publish, idles: () => idle };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test('one entry is in flight; what comes meanwhile goes together in the next, in order', async () => {
  const { sent, results, publish, idles } = laneByHand();
  publish('a');
  await settle();
  publish('b');
  publish('c');
  assert.deepEqual(
    sent.map(({ users }) => users),
    [['a']],
  );
  sent[0]!.resolve('handed_over');
  await settle();
  assert.deepEqual(sent[1]!.users, ['b', 'c']);
  sent[1]!.resolve('gone');
  await settle();
  assert.deepEqual(results, ['a handed_over', 'b gone', 'c gone']);
  assert.equal(idles(), 1);
});

test('a failure is told to those whose records were in the entry, and the next goes on', async () => {
  const { sent, results, publish } = laneByHand();
  publish('a');
  await settle();
  publish('b');
  sent[0]!.reject(new Error('away'));
  await settle();
  assert.deepEqual(results, ['a away']);
  sent[1]!.resolve('handed_over');
  await settle();
  assert.deepEqual(results, ['a away', 'b handed_over']);
});

test('an entry is bounded, and a single call is never torn apart', async () => {
  const { sent, publish } = laneByHand();
  const many = (name: string, count: number) => publish(...Array.from({ length: count }, (_, i) => `${name}${i}`));
  publish('first');
  await settle();
  many('a', 3_000);
  many('b', 3_000);
  many('c', 9_000);
  for (let i = 0; i < 4; i++) {
    sent[i]!.resolve('handed_over');
    await settle();
  }
  assert.deepEqual(
    sent.map(({ users }) => users.length),
    [1, 3_000, 3_000, 9_000],
  );
});
