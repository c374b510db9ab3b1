// What a crash leaves: every message that send returned for, and a cursor that is not behind what was shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientStorage, memoryStorage, type Saved, SendRefused } from '../../../services/client/index.ts';
import { localStorageOf } from '../../../services/client/local-storage.ts';
import { DIRECT, entry, ownCopy, Scene } from './scripted-server.ts';

// A crash is: the scene is left as it is, and another one starts from the storage.

test('a message that send returned for survives a crash, and is sent by the next start', async () => {
  const storage = memoryStorage();
  const before = new Scene({ storage });
  await before.client.start();
  before.client.send(DIRECT, 'a', 'text/x');
  const after = new Scene({ storage });
  const socket = await after.live();
  const { payload, contentType } = socket.next('send');
  assert.deepEqual([payload, contentType], ['a', 'text/x']);
});

test('an id is saved before the message goes out, so a crash never makes a second message of it', async () => {
  const storage = memoryStorage();
  const before = new Scene({ storage });
  await before.client.start();
  before.client.send(DIRECT, 'offline');
  const first = await before.live();
  before.client.send(DIRECT, 'online');
  const sent = first.all('send').map(({ clientMessageId }) => clientMessageId);
  assert.equal(sent.length, 2);
  const after = new Scene({ storage });
  const second = await after.live();
  assert.deepEqual(
    second.all('send').map(({ clientMessageId }) => clientMessageId),
    sent,
  );
});

test('what the storage does not take is neither queued nor sent', async () => {
  const storage = memoryStorage();
  const scene = new Scene({
    storage: {
      load: storage.load,
      save: () => {
        throw new Error('quota');
      },
    },
  });
  const socket = await scene.live();
  assert.throws(
    () => scene.client.send(DIRECT, 'a'),
    (error) => error instanceof SendRefused && error.code === 'storage_failed',
  );
  assert.equal(scene.client.outbox.length, 0);
  assert.deepEqual(socket.all('send'), []);
});

test('messages wait while their ids cannot be saved', async () => {
  const storage = memoryStorage();
  let isFull = false;
  const save = (saved: Saved) => {
    if (isFull) throw new Error('quota');
    storage.save(saved);
  };
  const scene = new Scene({ storage: { load: storage.load, save } });
  await scene.client.start();
  scene.client.send(DIRECT, 'a');
  isFull = true;
  const socket = await scene.live();
  assert.deepEqual(socket.all('send'), []);
  assert.ok(scene.seen.errors.every(({ code }) => code === 'storage_failed'));
  isFull = false;
  await scene.runtime.pass(10_000);
  assert.equal(socket.all('send').length, 1);
});

test('entries are not shown again after a restart', async () => {
  const storage = memoryStorage();
  const before = new Scene({ storage });
  const first = await before.live();
  first.push(entry(1));
  first.say({ type: 'behind' });
  first.page([entry(2), entry(3)]);
  const after = new Scene({ storage });
  const second = await after.opened();
  assert.deepEqual(second.all('hello')[0]?.cursor, { epoch: 1, inboxSeq: 3 });
});

test('the cursor of an application that keeps entries itself stands above the saved one', async () => {
  const storage = memoryStorage();
  const before = new Scene({ storage });
  (await before.live()).push(entry(1));
  const after = new Scene({ storage, cursor: { epoch: 1, inboxSeq: 0 } });
  const socket = await after.opened();
  assert.deepEqual(socket.all('hello')[0]?.cursor, { epoch: 1, inboxSeq: 0 });
});

test('a decided message is not sent again after a restart', async () => {
  const storage = memoryStorage();
  const before = new Scene({ storage });
  const first = await before.live();
  before.client.send(DIRECT, 'a');
  first.push(ownCopy(1, first.next('send')));
  assert.deepEqual(storage.saved?.outbox, []);
});

test('nothing is sent or overwritten before what was saved is loaded', async () => {
  const storage = memoryStorage();
  const scene = new Scene({ storage });
  assert.throws(
    () => scene.client.send(DIRECT, 'a'),
    (error) => error instanceof SendRefused && error.code === 'not_started',
  );
  assert.equal(storage.saved, null);
});

test('what another user of the device left is neither sent nor shown', async () => {
  const storage = memoryStorage();
  const before = new Scene({ storage });
  const first = await before.live();
  first.push(entry(1));
  before.client.send(DIRECT, 'of alice');
  const after = new Scene({ storage });
  const second = await after.opened();
  second.welcome(1, 1, { user: 'carol' });
  assert.deepEqual(after.seen.resets, [1]);
  assert.deepEqual(after.seen.sends, ['of alice rejected']);
  assert.deepEqual(second.page([entry(1)]).cursor, { epoch: 1, inboxSeq: 0 });
  assert.deepEqual(second.all('send'), []);
  assert.equal(storage.saved?.user, 'carol');
});

test('a storage that cannot be read ends the client, aloud', async () => {
  const storage: ClientStorage = { load: () => Promise.reject(new Error('broken')), save: () => {} };
  const scene = new Scene({ storage });
  await scene.client.start();
  assert.equal(scene.client.state, 'closed');
  assert.equal(scene.seen.errors[0]?.code, 'storage_failed');
});

test('localStorage keeps devices apart and treats what it cannot read as nothing', async () => {
  const items = new Map<string, string>();
  const local = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
  const saved: Saved = { version: 1, user: 'alice', cursor: null, outbox: [] };
  localStorageOf('tab 1', local).save(saved);
  assert.deepEqual(await localStorageOf('tab 1', local).load(), saved);
  assert.equal(await localStorageOf('tab 2', local).load(), null);
  for (const key of items.keys()) items.set(key, '{"version":');
  assert.equal(await localStorageOf('tab 1', local).load(), null);
});
