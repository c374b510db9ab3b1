// Reads of timeline rows that are not on disk yet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StoreWithRows } from '../reading/store-with-rows.ts';

function rowsOf(conversationId: string, from: number, to: number) {
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const seq = from + i;
    const common = { conversationId, ordinal: seq, sender: 'alice', commandId: 'c', time: 1, position: seq };
    return { ...common, seq, event: Buffer.from('event') };
  });
}

test('pending rows with holes, and rows on disk, are one range', async () => {
  const rows = new StoreWithRows();
  const { store } = rows;
  await store.writeTimeline([...rowsOf('g:x', 1, 3), ...rowsOf('g:x', 900, 901)], []);
  await store.durable();
  await store.writeTimeline([...rowsOf('g:x', 5, 6), ...rowsOf('g:x', 500, 500)], []);
  const read = async (from: number, to: number, rows_max: number, order: 'ascending' | 'descending') => {
    return (await store.readTimeline('g:x', from, to, rows_max, order)).map(({ seq }) => seq);
  };
  const all = [1, 2, 3, 5, 6, 500, 900, 901];
  assert.deepEqual(await read(0, Number.POSITIVE_INFINITY, 99, 'ascending'), all);
  assert.deepEqual(await read(0, Number.MAX_SAFE_INTEGER, 99, 'descending'), [...all].reverse());
  assert.deepEqual(await read(4, 900, 3, 'ascending'), [5, 6, 500]);
  assert.deepEqual(await read(2, 899, 2, 'descending'), [500, 6]);
  assert.deepEqual(await read(7, 499, 9, 'ascending'), []);
  await rows.close();
});
