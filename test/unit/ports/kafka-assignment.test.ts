import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KafkaAssignment } from '../../../services/ports/log/kafka/kafka-assignment.ts';

test('what a former leader and the new one both gave is read once', async () => {
  const owner = { commit: () => {}, wakeFetcher: () => {}, monotonic: () => 0 };
  const assignment = new KafkaAssignment(owner, 'messages', 0);
  assignment.seek(7);
  const asked = assignment.wanted!;
  const record = { offset: 7, appendTime: 1, key: 'k', value: Buffer.from('seven') };
  assignment.offer(asked, [record], 8, 10);
  assignment.offer(asked, [record], 8, 10);
  assert.deepEqual(await assignment.read(10), [record]);
  assert.equal(assignment.wanted?.offset, 8);
});
