import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { decodeTimelineEvent } from '../../../services/events/codec.ts';
import { type HistoryRange, readHistory } from '../../../services/reading/index.ts';
import { added, created, DIRECT, GROUP, left, message, messages, removed, StoreWithRows } from './store-with-rows.ts';

let rows: StoreWithRows;
beforeEach(() => {
  rows = new StoreWithRows();
});
afterEach(() => rows.close());

async function read(reader: string, range: Partial<HistoryRange>, conversationId = GROUP) {
  const page = await readHistory(rows.store, conversationId, reader, { limit: 100, ...range });
  if ('code' in page) return page.code;
  return { seqs: page.events.map((event) => decodeTimelineEvent(event).seq), status: page.status };
}

describe('the history of a group', () => {
  test('is read upwards and downwards, page by page', async () => {
    await rows.timeline([created('alice', 'bob'), ...messages(2, 7)]);
    await rows.state(7, { alice: 1, bob: 1 });
    assert.deepEqual(await read('bob', { after: 0, limit: 3 }), { seqs: [1, 2, 3], status: 'more' });
    assert.deepEqual(await read('bob', { after: 4, limit: 3 }), { seqs: [5, 6, 7], status: 'end' });
    assert.deepEqual(await read('bob', { after: 7 }), { seqs: [], status: 'end' });
    assert.deepEqual(await read('bob', { before: 6, limit: 3 }), { seqs: [5, 4, 3], status: 'more' });
    assert.deepEqual(await read('bob', { before: 4, limit: 3 }), { seqs: [3, 2, 1], status: 'end' });
    assert.deepEqual(await read('bob', { before: 1 }), { seqs: [], status: 'end' });
    assert.deepEqual(await read('bob', { limit: 2 }), { seqs: [7, 6], status: 'more' });
  });

  test('begins for a member where they joined', async () => {
    await rows.timeline([created('alice'), message(2), added(3, 'bob'), message(4)]);
    await rows.state(4, { alice: 1, bob: 3 });
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [3, 4], status: 'end' });
    assert.deepEqual(await read('bob', { before: 99 }), { seqs: [4, 3], status: 'end' });
  });

  test('ends for someone removed with their removal, and stays readable up to it', async () => {
    await rows.timeline([created('alice', 'bob'), message(2), removed(3, 'bob'), ...messages(4, 6)]);
    await rows.past('bob', 1, 3);
    await rows.state(6, { alice: 1 });
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [1, 2, 3], status: 'end' });
    assert.deepEqual(await read('bob', { before: 99, limit: 2 }), { seqs: [3, 2], status: 'more' });
  });

  test('has a gap for someone who was away, and the pages go over it', async () => {
    await rows.timeline([
      created('alice', 'bob'),
      message(2),
      left(3, 'bob'),
      ...messages(4, 5),
      added(6, 'bob'),
      message(7),
    ]);
    await rows.past('bob', 1, 3);
    await rows.state(7, { alice: 1, bob: 6 });
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [1, 2, 3, 6, 7], status: 'end' });
    assert.deepEqual(await read('bob', { after: 0, limit: 3 }), { seqs: [1, 2, 3], status: 'more' });
    assert.deepEqual(await read('bob', { after: 3, limit: 1 }), { seqs: [6], status: 'more' });
    assert.deepEqual(await read('bob', { before: 99 }), { seqs: [7, 6, 3, 2, 1], status: 'end' });
    assert.deepEqual(await read('bob', { before: 99, limit: 2 }), { seqs: [7, 6], status: 'more' });
  });

  test('is refused to who was never a member, and to anyone when there is no such group', async () => {
    assert.equal(await read('bob', { after: 0 }), 'conversation_not_found');
    await rows.timeline([created('alice')]);
    await rows.state(1, { alice: 1 });
    assert.equal(await read('bob', { after: 0 }), 'not_a_member');
  });
});

describe('rows above the state', () => {
  test('are served to a member', async () => {
    await rows.timeline([created('alice', 'bob'), ...messages(2, 600)]);
    await rows.state(2, { alice: 1, bob: 1 });
    assert.deepEqual(await read('bob', { before: undefined, limit: 2 }), { seqs: [600, 599], status: 'more' });
  });

  test('that make the reader a member do so', async () => {
    await rows.timeline([created('alice'), message(2), added(3, 'bob'), message(4)]);
    await rows.state(1, { alice: 1 });
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [3, 4], status: 'end' });
  });

  test('of a group without any state yet are enough to read it', async () => {
    await rows.timeline([created('alice', 'bob'), message(2)]);
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [1, 2], status: 'end' });
    assert.equal(await read('mallory', { after: 0 }), 'not_a_member');
  });

  test('that remove the reader end what they see: nothing after a removal leaks', async () => {
    await rows.timeline([created('alice', 'bob'), message(2), removed(3, 'bob'), ...messages(4, 5)]);
    await rows.state(2, { alice: 1, bob: 1 });
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [1, 2, 3], status: 'end' });
    assert.deepEqual(await read('bob', { before: 6 }), { seqs: [3, 2, 1], status: 'end' });
    // The interval is written with the row of the removal, before the state: the member row is the stale one.
    await rows.past('bob', 1, 3);
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [1, 2, 3], status: 'end' });
  });

  test('that remove the reader and add them again show both stays', async () => {
    await rows.timeline([created('alice', 'bob'), removed(2, 'bob'), message(3), added(4, 'bob'), message(5)]);
    await rows.past('bob', 1, 2);
    await rows.state(1, { alice: 1, bob: 1 });
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [1, 2, 4, 5], status: 'end' });
  });

  test('that the state has by now are applied a second time without effect', async () => {
    await rows.timeline([
      created('alice'),
      added(2, 'bob'),
      left(3, 'bob'),
      added(4, 'bob'),
      left(5, 'bob'),
      message(6),
    ]);
    await rows.past('bob', 2, 3);
    await rows.past('bob', 4, 5);
    await rows.state(1, { alice: 1 });
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [2, 3, 4, 5], status: 'end' });
  });
});

describe('many rows above the state', () => {
  const ROWS = 10_000;
  let looked_at: number;

  beforeEach(async () => {
    await rows.timeline([created('alice', 'bob'), ...messages(2, ROWS)]);
    await rows.state(1, { alice: 1, bob: 1 });
    looked_at = 0;
    const { store } = rows;
    const readTimeline = store.readTimeline.bind(store);
    store.readTimeline = async (...range) => {
      const found = await readTimeline(...range);
      looked_at += found.length;
      return found;
    };
  });

  test('cost a stranger’s request little', async () => {
    assert.equal(await read('mallory', {}), 'not_a_member');
    assert.ok(looked_at <= 256, `${looked_at} rows`);
  });

  test('are looked at as far as the page goes', async () => {
    assert.deepEqual(await read('bob', { after: 0, limit: 2 }), { seqs: [1, 2], status: 'more' });
    assert.deepEqual(await read('bob', { after: 300, limit: 2 }), { seqs: [301, 302], status: 'more' });
    assert.deepEqual(await read('bob', { before: 3, limit: 2 }), { seqs: [2, 1], status: 'end' });
    assert.ok(looked_at <= 1_500, `${looked_at} rows`);
  });

  test('are served up to a bound, and above it once the state has moved on', async () => {
    const newest = await read('bob', { limit: 2 });
    assert.ok(looked_at <= 5_000, `${looked_at} rows`);
    assert.deepEqual(newest, { seqs: [4_097, 4_096], status: 'more' });
    assert.deepEqual(await read('bob', { after: 4_095, limit: 9 }), { seqs: [4_096, 4_097], status: 'wait' });
    assert.deepEqual(await read('bob', { after: 9_000, limit: 9 }), { seqs: [], status: 'wait' });
    assert.deepEqual(await read('bob', { before: 9_000, limit: 9 }), { seqs: [], status: 'wait' });
    await rows.state(9_000, { alice: 1, bob: 1 });
    assert.deepEqual(await read('bob', { limit: 2 }), { seqs: [ROWS, ROWS - 1], status: 'more' });
    assert.deepEqual(await read('bob', { after: ROWS - 1 }), { seqs: [ROWS], status: 'end' });
    assert.deepEqual(await read('bob', { before: 9_000, limit: 2 }), { seqs: [8_999, 8_998], status: 'more' });
  });

  test('do not hide a removal within the page', async () => {
    await rows.timeline([removed(2, 'bob'), added(400, 'bob'), removed(4_000, 'bob')]);
    assert.deepEqual(await read('bob', { after: 0, limit: 3 }), { seqs: [1, 2, 400], status: 'more' });
    assert.deepEqual(await read('bob', { limit: 2 }), { seqs: [4_000, 3_999], status: 'more' });
  });
});

describe('a hole in the timeline', () => {
  test('ends the page, and what stands above it waits: the hole may be a removal', async () => {
    await rows.timeline([created('alice', 'bob'), ...messages(2, 3), message(5)]);
    await rows.state(2, { alice: 1, bob: 1 });
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [1, 2, 3], status: 'wait' });
    assert.deepEqual(await read('bob', { after: 3 }), { seqs: [], status: 'wait' });
    assert.deepEqual(await read('bob', { before: 6 }), { seqs: [], status: 'wait' });
    assert.deepEqual(await read('bob', { before: 4 }), { seqs: [3, 2, 1], status: 'end' });
  });

  test('below the state, of a store that lags, is not stepped over either', async () => {
    await rows.timeline([created('alice', 'bob'), message(2), message(4)]);
    await rows.state(4, { alice: 1, bob: 1 });
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [1, 2], status: 'wait' });
    assert.deepEqual(await read('bob', { before: 5 }), { seqs: [4], status: 'wait' });
  });

  test('where the reader’s own join is still missing is waited for, not refused', async () => {
    await rows.timeline([created('alice'), message(2)]);
    await rows.state(2, { alice: 1 });
    await rows.membership('bob', 3, null); // pushed already
    assert.deepEqual(await read('bob', { after: 0 }), { seqs: [], status: 'wait' });
  });
});

describe('the history of a direct conversation', () => {
  test('is open to its two users, also before there is any', async () => {
    assert.deepEqual(await read('alice', { after: 0 }, DIRECT), { seqs: [], status: 'end' });
    assert.deepEqual(await read('bob', {}, DIRECT), { seqs: [], status: 'end' });
    await rows.timeline(messages(1, 3, DIRECT));
    assert.deepEqual(await read('bob', { after: 0 }, DIRECT), { seqs: [1, 2, 3], status: 'end' });
    await rows.state(2, { alice: 1, bob: 1 }, DIRECT);
    assert.deepEqual(await read('alice', { limit: 2 }, DIRECT), { seqs: [3, 2], status: 'more' });
  });

  test('is closed to everyone else', async () => {
    assert.equal(await read('mallory', { after: 0 }, DIRECT), 'not_a_member');
    await rows.membership('mallory', 1, null, DIRECT);
    assert.equal(await read('mallory', { after: 0 }, DIRECT), 'not_a_member');
  });
});
