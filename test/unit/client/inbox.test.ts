// The cursor: every entry once and in order, whatever is lost, repeated or early.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entry, Scene } from './scripted-server.ts';

test('a client pulls to the head before it is live', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  socket.welcome(3);
  assert.equal(scene.client.state, 'syncing');
  socket.page([entry(1), entry(2)], 'more');
  assert.equal(scene.client.state, 'syncing');
  const second = socket.page([entry(3)], 'end');
  assert.deepEqual(second.cursor, { epoch: 1, inboxSeq: 2 });
  assert.equal(scene.client.state, 'live');
  assert.deepEqual(scene.seen.entries, [1, 2, 3]);
  assert.deepEqual(scene.client.cursor, { epoch: 1, inboxSeq: 3 });
});

test('a pull is made after every hello, even when the head says nothing is missing', async () => {
  const scene = new Scene({ cursor: { epoch: 1, inboxSeq: 3 } });
  const socket = await scene.opened();
  assert.deepEqual(socket.all('hello')[0]?.cursor, { epoch: 1, inboxSeq: 3 });
  socket.welcome(3);
  assert.deepEqual(socket.page([entry(4)]).cursor, { epoch: 1, inboxSeq: 3 });
  assert.deepEqual(scene.seen.entries, [4]);
});

test('a push that is next is applied', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.push(entry(1));
  socket.push(entry(2));
  assert.deepEqual(scene.seen.entries, [1, 2]);
  assert.equal(socket.unread, 0);
});

test('a push at or below the cursor is ignored', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  for (const inboxSeq of [1, 2, 2, 1]) socket.push(entry(inboxSeq));
  assert.deepEqual(scene.seen.entries, [1, 2]);
});

test('a push above the next one is not applied but pulled', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.push(entry(1));
  socket.push(entry(3));
  assert.deepEqual(scene.seen.entries, [1]);
  assert.deepEqual(socket.page([entry(2), entry(3)]).cursor, { epoch: 1, inboxSeq: 1 });
  assert.deepEqual(scene.seen.entries, [1, 2, 3]);
  assert.equal(scene.client.state, 'live');
});

test('pushes during a pull are applied when they are next, and the page does not repeat them', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  socket.welcome(1);
  socket.push(entry(1));
  socket.page([entry(1), entry(2)]);
  assert.deepEqual(scene.seen.entries, [1, 2]);
});

test('a pull whose end is below what a push spoke of is made again after a pause', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.push(entry(3));
  socket.push(entry(4));
  socket.page([entry(1), entry(2)]);
  assert.equal(socket.unread, 0, 'not at once');
  await scene.runtime.pass(1_000);
  socket.page([entry(3), entry(4)]);
  await scene.runtime.pass(5_000);
  assert.deepEqual(scene.seen.entries, [1, 2, 3, 4]);
  assert.equal(socket.unread, 0, 'and only once');
});

test('behind means pull, and behind during a pull means pull again', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.say({ type: 'behind' });
  socket.say({ type: 'behind' });
  socket.page([entry(1)]);
  socket.page([entry(2)]);
  assert.equal(socket.unread, 0);
  assert.deepEqual(scene.seen.entries, [1, 2]);
});

test('a page that says wait is asked for again, with growing pauses', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.say({ type: 'behind' });
  const askedAt: number[] = [];
  for (let i = 0; i < 4; i++) {
    socket.page([], 'wait');
    while (socket.unread === 0) await scene.runtime.pass(10);
    askedAt.push(scene.runtime.monotonic());
  }
  const pauses = askedAt.map((at, i) => at - (askedAt[i - 1] ?? 0));
  assert.deepEqual(pauses, [50, 100, 200, 400]);
});

test('a page with a hole is applied up to the hole and asked for again', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.say({ type: 'behind' });
  socket.page([entry(1), entry(3)]);
  assert.deepEqual(scene.seen.entries, [1]);
  await scene.runtime.pass(1_000);
  assert.deepEqual(socket.page([entry(2), entry(3)]).cursor, { epoch: 1, inboxSeq: 1 });
  assert.deepEqual(scene.seen.entries, [1, 2, 3]);
});

test('a pull that is refused is made again after a pause', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.say({ type: 'behind' });
  socket.say({ id: socket.next('sync').id, type: 'error', code: 'store_unavailable', message: '', retry: true });
  assert.equal(socket.unread, 0);
  await scene.runtime.pass(1_000);
  socket.page([entry(1)]);
  assert.deepEqual(scene.seen.entries, [1]);
});

test('another epoch at hello drops the cursor: reset, then every entry again from 1', async () => {
  const scene = new Scene({ cursor: { epoch: 1, inboxSeq: 7 } });
  const socket = await scene.opened();
  socket.welcome(2, 2);
  assert.deepEqual(scene.seen.resets, [2]);
  assert.deepEqual(socket.page([entry(1), entry(2)], 'end', 2).cursor, { epoch: 2, inboxSeq: 0 });
  assert.deepEqual(scene.seen.entries, [1, 2]);
  assert.deepEqual(scene.client.cursor, { epoch: 2, inboxSeq: 2 });
});

test('epoch_changed in the middle of a session does the same', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.push(entry(1));
  socket.say({ type: 'behind' });
  const { id } = socket.next('sync');
  socket.say({ id, type: 'error', code: 'epoch_changed', message: '', retry: false, epoch: 2 });
  socket.page([entry(1)], 'end', 2);
  assert.deepEqual(scene.seen.resets, [2]);
  assert.deepEqual(scene.seen.entries, [1, 1]);
});

test('a first connection is no reset', async () => {
  const scene = new Scene();
  await scene.live();
  assert.deepEqual(scene.seen.resets, []);
});

test('a heartbeat that knows of more than the cursor means pull', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  await scene.runtime.pass(25_000);
  const { id } = socket.next('heartbeat');
  socket.say({ id, type: 'heartbeat', serverTime: 0, head: 1 });
  socket.page([entry(1)]);
  assert.deepEqual(scene.seen.entries, [1]);
});

test('the cursor stands at the entry while its listeners run', async () => {
  const scene = new Scene();
  const cursors: unknown[] = [];
  scene.client.on('entry', () => cursors.push(scene.client.cursor?.inboxSeq));
  const socket = await scene.live();
  socket.say({ type: 'behind' });
  socket.page([entry(1), entry(2)]);
  assert.deepEqual(cursors, [1, 2]);
});

test('a listener that closes the client hears of no further entry', async () => {
  const scene = new Scene();
  scene.client.on('entry', () => scene.client.close());
  const socket = await scene.live();
  socket.say({ type: 'behind' });
  socket.page([entry(1), entry(2)], 'more');
  assert.deepEqual(scene.seen.entries, [1]);
  assert.equal(socket.unread, 0);
});

test('a long catch-up keeps to the frames per second of the server', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  socket.welcome(1_000, 1, { frames_per_second: 10 });
  let pages = 0;
  for (let ms = 0; ms < 2_000; ms += 10) {
    while (socket.unread > 0) {
      pages++;
      socket.page([entry(pages)], 'more');
    }
    await scene.runtime.pass(10);
  }
  assert.ok(pages >= 25 && pages <= 28, `${pages} pages in 2 s`); // 10 at once, less hello, and 9 a second
});
