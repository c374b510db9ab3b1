// A listener may close the client, whatever it hears. Nothing throws, nothing goes on, nothing is left running.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryStorage, type Saved } from '../../../services/client/index.ts';
import { DIRECT, entry, Scene } from './scripted-server.ts';

function assertEnded(scene: Scene): void {
  assert.equal(scene.client.state, 'closed');
  assert.equal(scene.seen.states.filter((state) => state === 'closed').length, 1);
  assert.equal(scene.seen.states.at(-1), 'closed');
  assert.equal(scene.runtime.timersPending, 0);
}

test('closed by `reset`: another epoch in the welcome', async () => {
  const scene = new Scene({ cursor: { epoch: 1, inboxSeq: 5 } });
  scene.client.on('reset', () => scene.client.close());
  const socket = await scene.opened();
  socket.welcome(9, 2);
  assertEnded(scene);
  assert.deepEqual(socket.all('sync'), []);
});

test('closed by `reset`: another epoch in a page', async () => {
  const scene = new Scene();
  scene.client.on('reset', () => scene.client.close());
  const socket = await scene.opened();
  socket.welcome(9, 1);
  socket.page([], 'end', 2);
  assertEnded(scene);
});

test('closed by `reset`: another epoch in a refusal', async () => {
  const scene = new Scene();
  scene.client.on('reset', () => scene.client.close());
  const socket = await scene.opened();
  socket.welcome(9, 1);
  const { id } = socket.next('sync');
  socket.say({ id, type: 'error', code: 'epoch_changed', message: '', retry: true, epoch: 2 });
  assertEnded(scene);
});

const leftByBob: Saved = {
  version: 1,
  user: 'bob',
  cursor: { epoch: 1, inboxSeq: 3 },
  outbox: ['a', 'b'].map((payload) => ({ conversationId: DIRECT, payload, clientMessageId: null })),
};

for (const event of ['send', 'reset'] as const) {
  test(`closed by \`${event}\` when the device is another user's: nothing of the other one is left`, async () => {
    const storage = memoryStorage(leftByBob);
    const scene = new Scene({ storage });
    scene.client.on(event, () => scene.client.close());
    (await scene.opened()).welcome(9, 1);
    assertEnded(scene);
    assert.deepEqual(storage.saved, { version: 1, user: 'alice', cursor: null, outbox: [] });
    assert.deepEqual(scene.seen.sends, ['a rejected', 'b rejected']);
    assert.deepEqual(scene.seen.resets, [1]);
  });
}

function failingStorage() {
  const storage = { isFull: false, load: () => Promise.resolve(null), save };
  function save(): void {
    if (storage.isFull) throw new Error('quota');
  }
  return storage;
}

test('closed by `error`: the storage fails when the connection ends', async () => {
  const storage = failingStorage();
  const scene = new Scene({ storage });
  scene.client.on('error', () => scene.client.close());
  const socket = await scene.opened();
  // Ends within a step, with something to be saved.
  scene.client.on('state', ({ state }) => {
    if (state !== 'syncing') return;
    storage.isFull = true;
    socket.close(1006);
  });
  socket.welcome();
  assertEnded(scene);
  await scene.runtime.pass(60_000);
  assert.equal(scene.sockets.length, 1);
});

test('closed by `error`: the storage fails when the client is closed', async () => {
  const storage = failingStorage();
  const scene = new Scene({ storage });
  const socket = await scene.live();
  let ended = 0;
  scene.client.on('error', () => scene.client.close());
  scene.client.on('entry', () => {
    storage.isFull = true;
    assert.doesNotThrow(() => scene.client.close());
    ended++;
  });
  socket.push(entry(1));
  assert.equal(ended, 1);
  assertEnded(scene);
});
