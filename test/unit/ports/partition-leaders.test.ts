import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterMetadata } from '../../../services/ports/log/kafka/kafkajs-internals.ts';
import { PartitionLeaders } from '../../../services/ports/log/kafka/partition-leaders.ts';

/** One partition's leader and term. */
function told(leader: number, leaderEpoch: number): ClusterMetadata {
  const partitionMetadata = [{ partitionErrorCode: 0, partitionId: 3, leader, leaderEpoch }];
  return {
    brokers: [],
    clusterId: null,
    controllerId: 1,
    topicMetadata: [{ topicErrorCode: 0, topic: 'messages', partitionMetadata }],
  };
}

test('a broker that knows only an earlier term changes nothing', () => {
  const leaders = new PartitionLeaders();
  leaders.learn(told(1, 4));
  leaders.learn(told(2, 5));
  leaders.learn(told(1, 4));
  assert.equal(leaders.leaderOf('messages', 3), '2');
});

test('a later term is believed, whoever leads in it: the same broker again, or nobody', () => {
  const leaders = new PartitionLeaders();
  leaders.learn(told(1, 4));
  leaders.learn(told(-1, 5));
  assert.equal(leaders.leaderOf('messages', 3), null);
  leaders.learn(told(1, 6));
  assert.equal(leaders.leaderOf('messages', 3), '1');
});

test('of a topic or partition that nobody told of, nobody leads', () => {
  const leaders = new PartitionLeaders();
  assert.equal(leaders.leaderOf('messages', 3), null);
  leaders.learn(told(1, 0));
  assert.equal(leaders.leaderOf('messages', 2), null);
  assert.equal(leaders.leaderOf('inbox', 3), null);
});
