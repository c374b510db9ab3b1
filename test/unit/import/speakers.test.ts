import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FanlogClient } from '../../../services/client/index.ts';
import { ImportFailed } from '../../../services/commands/import/bad-input.ts';
import { DeliveryWatch } from '../../../services/commands/import/delivery-watch.ts';
import type { FrontDoor } from '../../../services/commands/import/front-door.ts';
import { Speakers } from '../../../services/commands/import/speakers.ts';
import type { Cursor } from '../../../services/protocol/frames.ts';
import { ManualRuntime, settle } from '../kernel/manual-runtime.ts';

/** A client that queues, and is told by the test what came of it. */
class FakeClient {
  readonly listeners: Record<string, ((value: unknown) => void)[]> = {};
  outbox: { stage: string; clientMessageId: string }[] = [];
  cursor: Cursor | null = { epoch: 1, inboxSeq: 7 };
  closed = false;
  on(event: string, listener: (value: unknown) => void) {
    this.listeners[event] = [...(this.listeners[event] ?? []), listener];
  }
  tell(event: string, value: unknown) {
    for (const listener of this.listeners[event] ?? []) listener(value);
  }
  start() {}
  close() {
    this.closed = true;
  }
  send() {
    this.outbox.push({ stage: 'queued', clientMessageId: 'id' });
    return this.outbox.at(-1);
  }
  progress(stage: string) {
    const message = this.outbox[0]!;
    message.stage = stage;
    this.tell('send', { message, progress: stage });
    if (stage !== 'accepted') this.outbox.shift();
  }
}

function setUp(clients_max: number) {
  const runtime = new ManualRuntime();
  const made: { user: string; cursor: Cursor | undefined; client: FakeClient }[] = [];
  const failures: ImportFailed[] = [];
  const clientOf = (user: string, _device: string, { cursor }: { cursor?: Cursor } = {}) => {
    const client = new FakeClient();
    made.push({ user, cursor, client });
    return client as unknown as FanlogClient;
  };
  const door = { runtime, clientOf } as unknown as FrontDoor;
  const watch = new DeliveryWatch(runtime);
  const speakers = new Speakers({ door, device: 'd', clients_max, watch, onFailed: (error) => failures.push(error) });
  return {
    runtime,
    made,
    failures,
    speakers,
    watch,
    say: (user: string) => speakers.say(user, 'g:1', 'hi', 'text/plain'),
  };
}

test('a line counts as said when the log has it, or when it is decided without our hearing of that', async () => {
  for (const stage of ['accepted', 'sequenced', 'rejected']) {
    const { made, say, runtime } = setUp(1);
    let said = false;
    const message = say('ann').then((result) => {
      said = true;
      return result;
    });
    await settle();
    assert.equal(said, false);
    made[0]!.client.progress(stage);
    assert.equal((await message).stage, stage);
    assert.equal(runtime.timers, 0);
  }
});

test('everybody keeps one client, and the one silent for longest goes when there are too many', async () => {
  const { made, say } = setUp(2);
  const speak = async (user: string) => {
    const said = say(user);
    made.findLast((one) => one.user === user && !one.client.closed)!.client.progress('sequenced');
    await said;
  };
  for (const user of ['ann', 'bob', 'ann', 'cy']) await speak(user);
  assert.deepEqual(
    made.map(({ user, client }) => [user, client.closed]),
    [
      ['ann', false],
      ['bob', true],
      ['cy', false],
    ],
  );
  await speak('bob');
  assert.deepEqual(made.at(-1)!.cursor, { epoch: 1, inboxSeq: 7 }, 'it goes on where it was');
});

test('a client with something undecided is not closed', async () => {
  const { made, say } = setUp(1);
  const first = say('ann');
  made[0]!.client.progress('accepted');
  await first;
  void say('bob');
  assert.equal(made[0]!.client.closed, false);
});

test('a client that is turned away fails the import, and so does silence', async () => {
  const { made, say, failures, runtime } = setUp(1);
  const said = say('ann');
  made[0]!.client.tell('error', { code: 'unauthenticated', message: 'no' });
  assert.match(failures[0]!.message, /ann was cut off \(unauthenticated\): no/);
  const silence = assert.rejects(said, ImportFailed);
  await runtime.advance(120_000);
  await silence;
});

test("it tells when a sender's own copy came, what was refused, and how long a connection was away", async () => {
  const { made, say, runtime, watch } = setUp(1);
  watch.begin();
  void say('ann');
  const { client } = made[0]!;
  await runtime.advance(100);
  client.tell('entry', { event: { sender: 'bob', clientMessageId: 'id' } });
  assert.ok(!watch.isOver(runtime.monotonic()));
  client.tell('entry', { event: { sender: 'ann', clientMessageId: 'id' } });
  assert.ok(watch.isOver(runtime.monotonic()));
  client.progress('sequenced');
  void say('ann');
  client.progress('rejected');
  client.tell('state', { state: 'waiting', previous: 'live' });
  assert.ok(!watch.isOver(runtime.monotonic()));
  client.tell('state', { state: 'connecting', previous: 'waiting' });
  await runtime.advance(50);
  client.tell('state', { state: 'live', previous: 'syncing' });
  assert.deepEqual(watch.noticed(), {
    delivery_s_max: 0.1,
    reconnected: 1,
    reconnect_attempts_max: 1,
    reconnect_s_max: 0.05,
  });
});
