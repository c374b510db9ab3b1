import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InboxCanary } from '../../../services/events/inbox-records.ts';
import { answerCanaries } from '../../../services/inbox/answer-canaries.ts';
import { silentLogger } from '../../../services/kernel/logger.ts';
import type { DeliveryRecord } from '../../../services/ports/delivery/delivery-stream.ts';
import { addressKey, type NodeAddress } from '../../../services/ports/sessions/session-registry.ts';

function canary(canaryId: string, node: string, incarnation: string, sourcePartition: number): InboxCanary {
  const origin = { node, incarnation, session: 0, request: 0 };
  return { type: 'InboxCanary', sourcePartition, sourcePosition: 1, canaryId, origin };
}

class Recorder {
  readonly did: string[] = [];
  storeFails = false;
  readonly store = {
    writeCanary: async (partition: number, canaryId: string) => {
      if (this.storeFails) throw new Error('the store is away');
      this.did.push(`row ${partition} ${canaryId}`);
    },
  };
  readonly delivery = {
    publish: async (address: NodeAddress, records: readonly DeliveryRecord[]) => {
      const answers = records.map((record) => {
        assert.equal(record.type, 'canary');
        return record.type === 'canary' ? `${record.sourcePartition}→${record.inboxPartition}` : '';
      });
      this.did.push(`to ${addressKey(address)}: ${answers.join(' ')}`);
      return 'handed_over' as const;
    },
  };

  answer(canaries: readonly InboxCanary[]): Promise<void> {
    const { store, delivery } = this;
    return answerCanaries({ store, delivery, logger: silentLogger }, 7, canaries);
  }
}

test('canaries that were read together share one row, and one publication for each run of a process', async () => {
  const recorder = new Recorder();
  const canaries = [
    canary('one', 'edge-1', 'a', 3),
    canary('two', 'api-1', 'b', 4),
    canary('one', 'edge-1', 'a', 5),
    canary('old', 'edge-1', 'before', 3),
  ];
  await recorder.answer(canaries);
  assert.deepEqual(recorder.did, ['row 7 old', 'to edge-1/a: 3→7 5→7', 'to api-1/b: 4→7', 'to edge-1/before: 3→7']);
});

test('without a row nobody gets an answer', async () => {
  const recorder = new Recorder();
  recorder.storeFails = true;
  await recorder.answer([canary('one', 'edge-1', 'a', 3)]);
  assert.deepEqual(recorder.did, []);
});
