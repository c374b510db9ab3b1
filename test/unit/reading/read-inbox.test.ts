import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { StateStore } from '../../../services/ports/store/state-store.ts';
import { exactHead, pullInbox } from '../../../services/reading/index.ts';
import { GROUP, messages, StoreWithRows } from './store-with-rows.ts';

let rows: StoreWithRows;
beforeEach(() => {
  rows = new StoreWithRows();
});
afterEach(() => rows.close());

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function pull(after: number, limit: number, store: StateStore = rows.store) {
  const { entries, status } = await pullInbox(store, 'bob', after, limit);
  return { seqs: entries.map(({ inboxSeq }) => inboxSeq), status };
}

describe('the exact head', () => {
  test('of an empty inbox is 0', async () => {
    assert.equal(await exactHead(rows.store, 'bob'), 0);
  });

  test('is found by reading on from the head row, however far it lags', async () => {
    await rows.inbox('bob', range(1, 700), 5);
    assert.equal(await exactHead(rows.store, 'bob'), 700);
  });

  test('ends below a hole', async () => {
    await rows.inbox('bob', [1, 2, 3, 5, 6], 2);
    assert.equal(await exactHead(rows.store, 'bob'), 3);
  });

  test('begins at what is known already', async () => {
    await rows.inbox('bob', range(1, 9), 0);
    assert.equal(await exactHead(rows.store, 'bob', 7), 9);
  });

  test('crosses the border of two buckets', async () => {
    await rows.inbox('bob', range(4_090, 4_100), 4_094);
    assert.equal(await exactHead(rows.store, 'bob'), 4_100);
  });
});

describe('a pull', () => {
  test('gives what stands above the cursor, and says where it ends', async () => {
    await rows.timeline(messages(1, 5));
    await rows.inbox('bob', range(1, 5), 5);
    assert.deepEqual(await pull(0, 10), { seqs: [1, 2, 3, 4, 5], status: 'end' });
    assert.deepEqual(await pull(3, 10), { seqs: [4, 5], status: 'end' });
    assert.deepEqual(await pull(5, 10), { seqs: [], status: 'end' });
  });

  test('says that there is more only when there is', async () => {
    await rows.timeline(messages(1, 4));
    await rows.inbox('bob', range(1, 4), 4);
    assert.deepEqual(await pull(0, 3), { seqs: [1, 2, 3], status: 'more' });
    assert.deepEqual(await pull(0, 4), { seqs: [1, 2, 3, 4], status: 'end' });
  });

  test('reads beyond a head row that lags', async () => {
    await rows.timeline(messages(1, 4));
    await rows.inbox('bob', range(1, 4), 2);
    assert.deepEqual(await pull(0, 10), { seqs: [1, 2, 3, 4], status: 'end' });
  });

  test('from a cursor above the head row is nothing special', async () => {
    await rows.timeline(messages(1, 4));
    await rows.inbox('bob', range(1, 4), 1);
    assert.deepEqual(await pull(3, 10), { seqs: [4], status: 'end' });
    assert.deepEqual(await pull(4, 10), { seqs: [], status: 'end' });
  });

  test('stops at a hole and says to wait', async () => {
    await rows.timeline(messages(1, 6));
    await rows.inbox('bob', [1, 2, 3, 5, 6], 6);
    assert.deepEqual(await pull(0, 10), { seqs: [1, 2, 3], status: 'wait' });
    assert.deepEqual(await pull(3, 10), { seqs: [], status: 'wait' });
    assert.deepEqual(await pull(0, 2), { seqs: [1, 2], status: 'more' });
  });

  test('stops at an event that is not written yet and says to wait', async () => {
    await rows.timeline([...messages(1, 2), ...messages(4, 5)]);
    await rows.inbox('bob', range(1, 5), 5);
    assert.deepEqual(await pull(0, 10), { seqs: [1, 2], status: 'wait' });
    assert.deepEqual(await pull(2, 10), { seqs: [], status: 'wait' });
  });

  test('does not take rows that were written while it read for a hole', async () => {
    await rows.timeline(messages(1, 5));
    await rows.inbox('bob', [1, 2], 2);
    let reads = 0;
    const store = new Proxy(rows.store, {
      get(target, name) {
        if (name !== 'readInbox') return Reflect.get(target, name).bind(target);
        return async (...args: Parameters<StateStore['readInbox']>) => {
          const found = await target.readInbox(...args);
          if (reads++ === 0) await rows.inbox('bob', [3, 4, 5], 5);
          return found;
        };
      },
    });
    assert.deepEqual(await pull(0, 10, store), { seqs: [1, 2, 3, 4, 5], status: 'end' });
  });

  test('carries the events themselves, of whatever conversation', async () => {
    await rows.timeline(messages(1, 1));
    await rows.inbox('bob', [1], 1, GROUP);
    const { entries } = await pullInbox(rows.store, 'bob', 0, 10);
    assert.ok(Buffer.from(entries[0]!.event).includes('message 1'));
  });

  test('never gives more than a page', async () => {
    await rows.timeline(messages(1, 150));
    await rows.inbox('bob', range(1, 150), 150);
    const { seqs, status } = await pull(0, 1_000);
    assert.deepEqual([seqs.length, status], [100, 'more']);
  });
});
