// Sends: each once, in order, however often the connection or the server fails in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendRefused } from '../../../services/client/index.ts';
import { isCommandId, timeOfCommandId } from '../../../services/events/ids.ts';
import { FakeRuntime } from './fake-runtime.ts';
import { DIRECT, ownCopy, Scene, type ScriptedSocket, SERVER_TIME } from './scripted-server.ts';

const payloadsOf = (socket: ScriptedSocket) => socket.all('send').map(({ payload }) => payload);
const numbersOf = (socket: ScriptedSocket) => socket.all('send').map(({ number }) => number);

test('a send is queued, accepted and sequenced, and done says so', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  const message = scene.client.send(DIRECT, 'a', 'text/plain');
  const request = socket.next('send');
  assert.equal(request.number, 1);
  assert.equal(request.contentType, 'text/plain');
  assert.equal(request.clientMessageId, message.clientMessageId);
  socket.accept(request);
  assert.equal(scene.client.outbox.length, 1);
  socket.sequence(request, 7);
  assert.equal(scene.client.outbox.length, 0);
  assert.deepEqual(scene.seen.sends, ['a queued', 'a accepted', 'a sequenced']);
  assert.deepEqual(await message.done, { result: 'sequenced', seq: 7, time: SERVER_TIME });
});

test('the own copy in the inbox sequences a send as well as its outcome does, and only once', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  const request = socket.next('send');
  socket.push(ownCopy(1, request));
  socket.sequence(request, 1);
  socket.accept(request);
  assert.deepEqual(scene.seen.sends, ['a queued', 'a sequenced']);
});

test('another user who uses the same id sequences nothing', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  const copy = ownCopy(1, socket.next('send'));
  socket.push({ ...copy, event: { ...copy.event, sender: 'bob' } });
  assert.equal(scene.client.outbox.length, 1);
});

test('an outcome may come before accepted', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  scene.client.send(DIRECT, 'b');
  const [a, b] = [socket.next('send'), socket.next('send')];
  socket.sequence(a, 1);
  socket.accept(a, b);
  assert.deepEqual(scene.seen.sends, ['a queued', 'b queued', 'a sequenced', 'b accepted']);
});

test('an id is a UUIDv7 from the time of the server, whatever the own clock says', async () => {
  for (const wallClock_ms of [0, 4_000_000_000_000]) {
    const scene = new Scene({}, new FakeRuntime(wallClock_ms));
    const socket = await scene.live();
    await scene.runtime.pass(1_500);
    scene.client.send(DIRECT, 'a');
    const { clientMessageId } = socket.next('send');
    assert.ok(isCommandId(clientMessageId));
    assert.equal(timeOfCommandId(clientMessageId), SERVER_TIME + 1_500);
  }
});

test('what is sent before the first hello gets its id at its first attempt', async () => {
  const scene = new Scene();
  const message = scene.client.send(DIRECT, 'a');
  assert.equal(message.clientMessageId, null);
  await scene.runtime.pass(3_600_000);
  const socket = await scene.live();
  assert.equal(timeOfCommandId(message.clientMessageId!), SERVER_TIME);
  assert.equal(socket.next('send').clientMessageId, message.clientMessageId);
});

test('sends are numbered from 1 on every connection, in the order of sending', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  for (const text of ['a', 'b', 'c']) scene.client.send(DIRECT, text);
  assert.deepEqual(payloadsOf(socket), ['a', 'b', 'c']);
  assert.deepEqual(numbersOf(socket), [1, 2, 3]);
});

test('no more sends are on the wire than the window', async () => {
  const scene = new Scene({ limits: { window: 2 } });
  const socket = await scene.live();
  for (const text of ['a', 'b', 'c']) scene.client.send(DIRECT, text);
  assert.deepEqual(payloadsOf(socket), ['a', 'b']);
  socket.accept(socket.next('send'));
  assert.deepEqual(payloadsOf(socket), ['a', 'b', 'c']);
});

test('sends keep to the frames per second of the server', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  socket.welcome(0, 1, { frames_per_second: 10 });
  socket.page([]);
  for (let i = 0; i < 50; i++) scene.client.send(DIRECT, String(i));
  assert.equal(socket.all('send').length, 8); // 10 less hello and sync
  await scene.runtime.pass(1_000);
  assert.equal(socket.all('send').length, 16); // and 9 a second, rounded up to milliseconds
  await scene.runtime.pass(10_000);
  assert.deepEqual(
    payloadsOf(socket),
    Array.from({ length: 50 }, (_, i) => String(i)),
  );
});

test('after a retryable refusal everything from that number on goes out again, with the same ids', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  for (const text of ['a', 'b', 'c']) scene.client.send(DIRECT, text);
  const [a, b, c] = [socket.next('send'), socket.next('send'), socket.next('send')];
  socket.accept(a);
  socket.refuse(b, 'log_unavailable');
  socket.refuse(c, 'out_of_turn', 2);
  assert.equal(socket.unread, 0, 'after a pause');
  await scene.runtime.pass(1_000);
  const again = [socket.next('send'), socket.next('send')];
  assert.deepEqual(
    again.map(({ number }) => number),
    [2, 3],
  );
  assert.deepEqual(
    again.map(({ payload }) => payload),
    ['b', 'c'],
  );
  assert.deepEqual(
    again.map(({ clientMessageId }) => clientMessageId),
    [b.clientMessageId, c.clientMessageId],
  );
  socket.accept(...again);
  scene.client.send(DIRECT, 'd');
  assert.equal(socket.next('send').number, 4);
});

test('out_of_turn goes back to the expected number at once', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  for (const text of ['a', 'b', 'c']) scene.client.send(DIRECT, text);
  const [a, , c] = [socket.next('send'), socket.next('send'), socket.next('send')];
  socket.accept(a);
  socket.refuse(c, 'out_of_turn', 2);
  assert.deepEqual(numbersOf(socket), [1, 2, 3, 2, 3]);
  assert.deepEqual(payloadsOf(socket), ['a', 'b', 'c', 'b', 'c']);
});

test('while the log is unavailable the pauses grow, and nothing overtakes', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  const pauses: number[] = [];
  for (let i = 0; i < 4; i++) {
    socket.refuse(socket.next('send'), 'overloaded');
    if (i === 0) scene.client.send(DIRECT, 'b');
    else socket.refuse(socket.next('send'), 'out_of_turn', 1);
    assert.equal(socket.unread, 0);
    const since = scene.runtime.monotonic();
    while (socket.unread === 0) await scene.runtime.pass(10);
    pauses.push(scene.runtime.monotonic() - since);
    assert.deepEqual(payloadsOf(socket).slice(-2), ['a', 'b']);
    assert.deepEqual(numbersOf(socket).slice(-2), [1, 2]);
  }
  assert.deepEqual(pauses, [100, 200, 400, 800]);
});

test('a number that the edge cannot expect drops the connection', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  socket.refuse(socket.next('send'), 'out_of_turn', 9);
  assert.equal(socket.closedByClient, true);
  assert.equal(scene.client.outbox.length, 1);
});

test('a final refusal uses the number up and rejects the send', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  const message = scene.client.send(DIRECT, 'a');
  scene.client.send(DIRECT, 'b');
  const { id } = socket.next('send');
  socket.say({ id, type: 'error', code: 'payload_too_large', message: 'long', retry: false });
  assert.deepEqual(await message.done, { result: 'rejected', code: 'payload_too_large', message: 'long' });
  assert.deepEqual(numbersOf(socket), [1, 2]);
  scene.client.send(DIRECT, 'c');
  assert.deepEqual(numbersOf(socket), [1, 2, 3]);
});

test('an outcome that rejects takes the send out of the outbox, with the code', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  const message = scene.client.send(DIRECT, 'a');
  const { conversationId, clientMessageId } = socket.next('send');
  socket.say({
    type: 'outcome',
    conversationId,
    clientMessageId,
    result: 'rejected',
    code: 'not_a_member',
    message: 'm',
  });
  assert.deepEqual(await message.done, { result: 'rejected', code: 'not_a_member', message: 'm' });
  assert.equal(scene.client.outbox.length, 0);
});

test('on reconnect the client pulls to the head first, drops what came back and resends the rest in order', async () => {
  const scene = new Scene();
  const first = await scene.live();
  for (const text of ['a', 'b', 'c', 'd']) scene.client.send(DIRECT, text);
  const [a, b, c] = [first.next('send'), first.next('send'), first.next('send'), first.next('send')];
  first.accept(a, b);
  first.close(1006);
  const second = await scene.reconnected();
  second.welcome(1);
  assert.deepEqual(payloadsOf(second), [], 'not before the pull is over');
  second.page([ownCopy(1, b)], 'more');
  assert.deepEqual(payloadsOf(second), []);
  second.page([], 'end');
  assert.deepEqual(payloadsOf(second), ['a', 'c', 'd']);
  assert.deepEqual(numbersOf(second), [1, 2, 3]);
  const ids = second.all('send').map(({ clientMessageId }) => clientMessageId);
  assert.deepEqual(ids.slice(0, 2), [a.clientMessageId, c.clientMessageId]);
});

test('a send that is accepted but undecided for 5 s is pulled for, then sent again with all behind it', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  for (const text of ['a', 'b']) scene.client.send(DIRECT, text);
  const [a, b] = [socket.next('send'), socket.next('send')];
  socket.accept(a);
  await scene.runtime.pass(1_500);
  socket.accept(b);
  await scene.runtime.pass(4_600);
  assert.deepEqual(payloadsOf(socket), ['a', 'b'], 'the pull comes first');
  socket.page([]);
  assert.deepEqual(payloadsOf(socket), ['a', 'b', 'a', 'b']);
  assert.deepEqual(numbersOf(socket), [1, 2, 3, 4]);
  const ids = socket.all('send').map(({ clientMessageId }) => clientMessageId);
  assert.deepEqual(ids, [a.clientMessageId, b.clientMessageId, a.clientMessageId, b.clientMessageId]);
});

test('an undecided send that the pull brings is not sent again', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  const request = socket.next('send');
  socket.accept(request);
  await scene.runtime.pass(6_500);
  socket.page([ownCopy(1, request)]);
  assert.deepEqual(payloadsOf(socket), ['a']);
  assert.deepEqual(scene.seen.sends, ['a queued', 'a accepted', 'a sequenced']);
});

test('resends of the undecided come ever more rarely while nothing is decided', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  const sentAt: number[] = [];
  for (let ms = 0; ms < 60_000; ms += 100) {
    while (socket.unread > 0) {
      const request = socket.requests[socket.requests.length - socket.unread]!;
      if (request.type === 'sync') socket.page([]);
      else if (request.type === 'heartbeat') {
        socket.say({ id: socket.next('heartbeat').id, type: 'heartbeat', serverTime: SERVER_TIME, head: 0 });
      } else {
        sentAt.push(ms);
        socket.accept(socket.next('send'));
      }
    }
    await scene.runtime.pass(100);
  }
  assert.equal(sentAt.length, 4, String(sentAt)); // at 0, 5, 15 and 35 s or so
});

test('a refusal in the middle of a resend goes back to the first message affected', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  for (const text of ['a', 'b']) scene.client.send(DIRECT, text);
  socket.accept(socket.next('send'), socket.next('send'));
  await scene.runtime.pass(6_500);
  scene.client.send(DIRECT, 'c');
  const c = socket.next('sync') && socket.next('send');
  socket.say({ id: socket.all('sync').at(-1)!.id, type: 'entries', epoch: 1, entries: [], status: 'end' });
  assert.deepEqual(payloadsOf(socket), ['a', 'b', 'c', 'a', 'b', 'c']);
  socket.refuse(c, 'overloaded');
  await scene.runtime.pass(1_000);
  assert.deepEqual(payloadsOf(socket).slice(6), ['a', 'b', 'c']);
  assert.deepEqual(numbersOf(socket).slice(6), [3, 4, 5]);
});

test('a hole in the inbox holds sends back for 5 s, not for ever', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  scene.client.send(DIRECT, 'a');
  socket.welcome(1);
  for (let ms = 0; ms < 7_000; ms += 10) {
    if (scene.client.state === 'syncing' && socket.unread > 0) socket.page([], 'wait');
    if (ms < 4_500) assert.equal(scene.client.state, 'syncing');
    await scene.runtime.pass(10);
  }
  assert.equal(scene.client.state, 'live');
  assert.deepEqual(payloadsOf(socket), ['a']);
});

test('an edge that does not answer a send for 30 s is left', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  for (let i = 0; i < 32 && !socket.closedByClient; i++) {
    await scene.runtime.pass(1_000);
    const beat = socket.all('heartbeat').at(-1);
    if (beat !== undefined) socket.say({ id: beat.id, type: 'heartbeat', serverTime: SERVER_TIME, head: 0 });
  }
  assert.equal(socket.closedByClient, true);
});

const tooOld = (
  socket: ScriptedSocket,
  { conversationId, clientMessageId }: { conversationId: string; clientMessageId: string },
) => socket.say({ type: 'outcome', conversationId, clientMessageId, result: 'rejected', code: 'too_old' });

test('too_old after accepted is told as perhaps not sent', async () => {
  const scene = new Scene();
  const first = await scene.live();
  const message = scene.client.send(DIRECT, 'a');
  first.accept(first.next('send'));
  first.close(1006);
  const second = await scene.reconnected();
  second.welcome();
  second.page([]);
  tooOld(second, second.next('send'));
  assert.deepEqual(await message.done, { result: 'perhaps_not_sent' });
  assert.equal(scene.client.outbox.length, 0);
});

test('too_old is the same for a send whose connection broke before its reply', async () => {
  const scene = new Scene();
  const first = await scene.live();
  const message = scene.client.send(DIRECT, 'a');
  first.close(1006);
  const second = await scene.reconnected();
  second.welcome();
  second.page([]);
  tooOld(second, second.next('send'));
  assert.deepEqual(await message.done, { result: 'perhaps_not_sent' });
});

test('too_old without any earlier attempt is a plain rejection', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  const message = scene.client.send(DIRECT, 'a');
  tooOld(socket, socket.next('send'));
  assert.equal((await message.done).result, 'rejected');
});

test('an own copy that arrives after perhaps not sent wins', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  const request = socket.next('send');
  socket.accept(request);
  tooOld(socket, request);
  socket.push(ownCopy(1, request));
  assert.deepEqual(scene.seen.sends, ['a queued', 'a accepted', 'a perhaps_not_sent', 'a sequenced']);
});

test('a full outbox refuses, and takes again once one is decided', async () => {
  const scene = new Scene({ limits: { outbox_messages_max: 2 } });
  const socket = await scene.live();
  scene.client.send(DIRECT, 'a');
  scene.client.send(DIRECT, 'b');
  assert.throws(
    () => scene.client.send(DIRECT, 'c'),
    (error) => error instanceof SendRefused && error.code === 'outbox_full',
  );
  socket.sequence(socket.next('send'), 1);
  scene.client.send(DIRECT, 'd');
  assert.deepEqual(payloadsOf(socket), ['a', 'b', 'd']);
});

test('what no server would take is refused at once', async () => {
  const scene = new Scene();
  const refused = (code: string) => (error: unknown) => error instanceof SendRefused && error.code === code;
  assert.throws(() => scene.client.send('nowhere', 'a'), refused('invalid_field'));
  assert.throws(() => scene.client.send(DIRECT, 'a', 'x'.repeat(129)), refused('invalid_field'));
  assert.throws(() => scene.client.send(DIRECT, '\ud800'), refused('invalid_field'));
  assert.throws(() => scene.client.send(DIRECT, 'é'.repeat(8_193)), refused('payload_too_large'));
  assert.throws(() => scene.client.send(DIRECT, '\u0001'.repeat(16_000)), refused('payload_too_large'));
  scene.client.send(DIRECT, 'x'.repeat(16_384));
  scene.client.close();
  assert.throws(() => scene.client.send(DIRECT, 'a'), refused('closed'));
});

test('a message that does not fit into the frames of this server is rejected, not sent', async () => {
  const scene = new Scene();
  const message = scene.client.send(DIRECT, 'x'.repeat(2_000));
  const socket = await scene.opened();
  socket.welcome(0, 1, { frame_bytes_max: 1_024 });
  socket.page([]);
  assert.equal((await message.done).result, 'rejected');
  assert.deepEqual(payloadsOf(socket), []);
});

test('closing ends what is not decided', async () => {
  const scene = new Scene();
  await scene.live();
  const message = scene.client.send(DIRECT, 'a');
  scene.client.close();
  assert.deepEqual(await message.done, { result: 'closed' });
});

test('a listener may send from within any event', async () => {
  const scene = new Scene();
  scene.client.on('send', ({ message, progress }) => {
    if (progress === 'sequenced' && message.payload.length < 3) scene.client.send(DIRECT, `${message.payload}x`);
  });
  const socket = await scene.live();
  scene.client.send(DIRECT, 'x');
  for (let seq = 1; seq <= 3; seq++) {
    const request = socket.next('send');
    socket.accept(request);
    socket.push(ownCopy(seq, request));
  }
  assert.deepEqual(payloadsOf(socket), ['x', 'xx', 'xxx']);
});
