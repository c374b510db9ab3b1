import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BrokerChoice } from '../../../services/ports/log/kafka/broker-choice.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

const ALL = ['1', '2', '3'];

test('each is asked in turn', () => {
  const choice = new BrokerChoice(new ManualRuntime());
  const asked = Array.from({ length: 6 }, () => choice.next(ALL));
  assert.deepEqual(asked, ['1', '2', '3', '1', '2', '3']);
});

test('one that did not answer is left out for a while', async () => {
  const runtime = new ManualRuntime();
  const choice = new BrokerChoice(runtime);
  choice.suspect('2');
  const asked = Array.from({ length: 3 }, () => choice.next(ALL));
  assert.deepEqual(asked, ['1', '3', '1']);
  await runtime.advance(10_000);
  assert.equal(choice.next(ALL), '2');
});

test('when all are under suspicion, or none is known, none is chosen', () => {
  const choice = new BrokerChoice(new ManualRuntime());
  assert.equal(choice.next([]), null);
  for (const nodeId of ALL) choice.suspect(nodeId);
  assert.equal(choice.next(ALL), null);
});
