// Connecting, staying connected, and what each end of a connection means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientLimits } from '../../../services/client/client-options.ts';
import { assertTransition, clientTransitions } from '../../../services/client/client-state.ts';
import { ReconnectSchedule } from '../../../services/client/reconnect-schedule.ts';
import { FakeRuntime, settle } from './fake-runtime.ts';
import { DIRECT, entry, Scene } from './scripted-server.ts';

test('a client goes through its states in order', async () => {
  const scene = new Scene();
  await scene.live();
  scene.client.close();
  assert.deepEqual(scene.seen.states, ['connecting', 'authenticating', 'syncing', 'live', 'closed']);
  assert.equal(scene.runtime.timersPending, 0);
});

test('a step that is not in the table throws', () => {
  assert.throws(() => assertTransition('closed', 'connecting'), /from closed to connecting/);
  assert.throws(() => assertTransition('live', 'syncing'));
  for (const [from, to] of Object.entries(clientTransitions)) {
    assert.equal(to.includes('closed'), from !== 'closed', `${from} can be closed`);
  }
});

test('every connection asks for a token of its own', async () => {
  const scene = new Scene();
  const first = await scene.live();
  assert.equal(first.all('hello')[0]?.token, 'token 1');
  first.close(1006);
  const second = await scene.reconnected();
  assert.equal(second.all('hello')[0]?.token, 'token 2');
});

test('a connection that breaks is made again from where the cursor stands', async () => {
  const scene = new Scene();
  const first = await scene.live();
  first.push(entry(1));
  first.close(1006);
  assert.equal(scene.client.state, 'waiting');
  const second = await scene.reconnected();
  assert.deepEqual(second.all('hello')[0]?.cursor, { epoch: 1, inboxSeq: 1 });
  second.welcome(2);
  second.page([entry(2)]);
  assert.deepEqual(scene.seen.entries, [1, 2]);
});

for (const code of [1000, 1006, 1011, 4000, 4012, 4030, 4032, 4499, 5000]) {
  test(`close code ${code} means reconnect`, async () => {
    const scene = new Scene();
    (await scene.live()).close(code);
    assert.equal(scene.client.state, 'waiting');
    await scene.reconnected();
    assert.deepEqual(scene.seen.errors, []);
  });
}

for (const [code, name] of [
  [4500, 'bad_frame'],
  [4511, 'unauthenticated'],
  [4513, 'session_replaced'],
  [4999, 'connection_refused'],
] as const) {
  test(`close code ${code} means the end, told as ${name}`, async () => {
    const scene = new Scene();
    (await scene.live()).close(code, 'why');
    assert.equal(scene.client.state, 'closed');
    assert.deepEqual(scene.seen.errors, [{ code: name, message: 'why', closeCode: code }]);
    await scene.runtime.pass(60_000);
    assert.equal(scene.sockets.length, 1);
  });
}

test('a hello that is refused for good ends the client before the server closes', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  const { id } = socket.next('hello');
  socket.say({ id, type: 'error', code: 'unauthenticated', message: 'no', retry: false });
  assert.equal(scene.client.state, 'closed');
  assert.equal(scene.seen.errors[0]?.code, 'unauthenticated');
});

test('a hello that is refused for now is tried again', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  socket.say({ id: socket.next('hello').id, type: 'error', code: 'store_unavailable', message: '', retry: true });
  assert.equal(scene.client.state, 'waiting');
  await scene.reconnected();
});

test('pauses between attempts grow to 4 s in the first minute of an outage and to 20 s then, with full jitter', async () => {
  const scene = new Scene();
  await scene.opened();
  const pauses: number[] = [];
  for (let i = 0; i < 36; i++) {
    scene.runtime.chance = i === 2 ? 0 : 0.5;
    scene.socket.close(1006);
    const since = scene.runtime.monotonic();
    const count = scene.sockets.length;
    while (scene.sockets.length === count) await scene.runtime.pass(1);
    pauses.push(scene.runtime.monotonic() - since);
  }
  assert.deepEqual(pauses.slice(0, 7), [125, 250, 1, 1_000, 2_000, 2_000, 2_000]);
  // Those that begin within 60 s: 3,376 ms until here, then 29 of 2 s.
  assert.deepEqual(pauses.slice(32), [2_000, 2_000, 10_000, 10_000]);
});

test('the first minute of an outage begins when a connection that lasted ends, and lowers no cap that is lower', async () => {
  const runtime = new FakeRuntime();
  const schedule = new ReconnectSchedule(runtime, clientLimits);
  const tight = { ...clientLimits, reconnect: { base_ms: 100, cap_ms: 3_000 } };
  const eager = new ReconnectSchedule(runtime, tight);
  for (let i = 0; i < 10; i++) schedule.pauseAfter_ms(1006, 0);
  await runtime.pass(60_000);
  assert.equal(schedule.pauseAfter_ms(1006, 0), 10_000);
  assert.equal(schedule.pauseAfter_ms(1006, 5_000), 125);
  for (let i = 0; i < 10; i++) eager.pauseAfter_ms(1006, 0);
  await runtime.pass(59_999);
  for (let i = 0; i < 10; i++) schedule.pauseAfter_ms(1006, 0);
  assert.equal(schedule.pauseAfter_ms(1006, 0), 2_000);
  assert.equal(eager.pauseAfter_ms(1006, 0), 1_500);
});

test('after a connection that lasted the pause is short again', async () => {
  const scene = new Scene();
  await scene.opened();
  for (let i = 0; i < 5; i++) {
    scene.socket.close(1006);
    await scene.reconnected();
  }
  scene.socket.welcome();
  scene.socket.page([]);
  await scene.runtime.pass(6_000);
  scene.socket.close(1006);
  const count = scene.sockets.length;
  await scene.runtime.pass(130);
  assert.equal(scene.sockets.length, count + 1);
});

test('a client that waits says why and for how long', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  const told: unknown[] = [];
  scene.client.on('state', ({ reason, retryIn_ms }) => told.push([reason, retryIn_ms]));
  socket.close(1006, 'gone');
  assert.deepEqual(told, [['1006 gone', 125]]);
});

test('an edge that drains is left quickly, but not by all at once', async () => {
  const scene = new Scene();
  (await scene.live()).close(4030, 'draining');
  await scene.runtime.pass(490);
  assert.equal(scene.sockets.length, 1);
  await scene.runtime.pass(20);
  assert.equal(scene.sockets.length, 2);
});

test('after too_many_frames the client waits more than a second', async () => {
  const scene = new Scene();
  (await scene.live()).close(4020);
  await scene.runtime.pass(1_000);
  assert.equal(scene.sockets.length, 1);
  await scene.runtime.pass(300);
  assert.equal(scene.sockets.length, 2);
});

test('every edge is tried before one is tried again, and the list is asked for anew', async () => {
  let asked = 0;
  const edges = () => {
    asked++;
    return Promise.resolve(['ws://a', 'ws://b', 'ws://c']);
  };
  const scene = new Scene({ edges });
  await scene.opened();
  for (let i = 0; i < 5; i++) {
    scene.socket.close(1006);
    await scene.reconnected();
  }
  const urls = scene.sockets.map(({ url }) => url);
  assert.deepEqual(urls.slice(0, 3).sort(), ['ws://a', 'ws://b', 'ws://c']);
  assert.deepEqual(urls.slice(3).sort(), ['ws://a', 'ws://b', 'ws://c']);
  assert.equal(asked, 2);
});

test("an edge's death costs its clients one reconnect elsewhere, however often they were connected before", async () => {
  for (const edges of [['ws://a', 'ws://b'], () => Promise.resolve(['ws://a', 'ws://b', 'ws://c'])]) {
    const scene = new Scene({ edges });
    let socket = await scene.live();
    for (let death = 0; death < 20; death++) {
      scene.runtime.chance = (death * 7 + 3) / 143; // 0 to 1, in whatever order the edges are shuffled by it
      await scene.runtime.pass(6_000);
      const dead = socket.url;
      socket.close(1006);
      await scene.runtime.pass(clientLimits.reconnect.base_ms);
      assert.equal(scene.sockets.length, death + 2, 'one attempt, after the shortest pause');
      socket = scene.socket;
      assert.notEqual(socket.url, dead, `death ${death}`);
      socket.open();
      socket.welcome();
      socket.page([]);
      assert.equal(scene.client.state, 'live');
    }
    scene.client.close();
  }
});

test('an edge that was not tried for want of a token is still the next one', async () => {
  let isAway = false;
  const token = () => (isAway ? Promise.reject(new Error('no api')) : Promise.resolve('token'));
  const scene = new Scene({ edges: ['ws://a', 'ws://b'], token });
  const dead = await scene.live();
  isAway = true;
  dead.close(1006);
  await scene.runtime.pass(3_000);
  assert.equal(scene.sockets.length, 1);
  isAway = false;
  assert.notEqual((await scene.reconnected()).url, dead.url);
});

test('no edges, no token or a socket that cannot be made are failed attempts, not failures', async () => {
  let attempts = 0;
  const fails = () => {
    attempts++;
    return Promise.reject(new Error('offline'));
  };
  const throws = () => {
    attempts++;
    throw new Error('offline');
  };
  for (const options of [{ edges: fails }, { edges: [] }, { token: fails }, { token: throws }, { connect: throws }]) {
    const scene = new Scene(options);
    await scene.client.start();
    await settle();
    assert.equal(scene.client.state, 'waiting');
    await scene.runtime.pass(1_000);
    assert.deepEqual(scene.seen.errors, []);
    scene.client.close();
  }
  assert.ok(attempts >= 6);
});

test('a socket that does not open within 10 s is given up', async () => {
  const scene = new Scene();
  await scene.client.start();
  await scene.runtime.pass(10_000);
  assert.equal(scene.sockets[0]?.closedByClient, true);
  await scene.reconnected();
});

test('a hello that is not answered within 10 s is given up', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  await scene.runtime.pass(10_000);
  assert.equal(socket.closedByClient, true);
  await scene.reconnected();
});

test('a heartbeat goes out every interval, the first one early by chance', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  const beats: number[] = [];
  for (let ms = 0; ms < 80_000; ms += 50) {
    await scene.runtime.pass(50);
    if (socket.unread === 0) continue;
    beats.push(scene.runtime.monotonic());
    socket.say({ id: socket.next('heartbeat').id, type: 'heartbeat', serverTime: 0, head: 0 });
  }
  assert.deepEqual(beats, [18_750, 43_750, 68_750]);
});

test('a heartbeat that is not answered within 10 s drops the connection', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  await scene.runtime.pass(18_750 + 9_000);
  assert.equal(scene.client.state, 'live');
  await scene.runtime.pass(2_000);
  assert.equal(socket.closedByClient, true);
  assert.notEqual(scene.client.state, 'live');
  socket.push(entry(1));
  assert.deepEqual(scene.seen.entries, [], 'what a dropped connection still says is not heard');
});

test('a pull that is not answered within 10 s drops the connection', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  socket.welcome(1);
  await scene.runtime.pass(11_000);
  assert.equal(socket.closedByClient, true);
});

test('a frame that is not JSON drops the connection', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.sayText('{');
  assert.equal(socket.closedByClient, true);
  assert.equal(scene.client.state, 'waiting');
});

test('a push of a type that is not known is ignored', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  socket.sayText('{"type":"typing","user":"bob"}');
  assert.equal(scene.client.state, 'live');
});

test('an idle client has one timer', async () => {
  const scene = new Scene();
  await scene.live();
  await scene.runtime.pass(2_000);
  assert.equal(scene.runtime.timersPending, 1);
});

test('the expiry of the token is told', async () => {
  const scene = new Scene();
  const told: number[] = [];
  scene.client.on('expiring', ({ expiresAt }) => told.push(expiresAt));
  (await scene.live()).say({ type: 'expiring', expiresAt: 5 });
  assert.deepEqual(told, [5]);
});

test('a page of history is asked for and answered in the order asked', async () => {
  const scene = new Scene();
  const socket = await scene.live();
  const asked = scene.client.history(DIRECT, { before: 10, limit: 2 });
  const { id, conversationId, before, limit } = socket.next('history');
  assert.deepEqual({ conversationId, before, limit }, { conversationId: DIRECT, before: 10, limit: 2 });
  socket.say({ id, type: 'events', events: [entry(9).event, entry(8).event], status: 'more' });
  const page = await asked;
  assert.ok(page.result === 'events');
  assert.deepEqual([page.status, ...page.events.map(({ seq }) => seq)], ['more', 9, 8]);
});

test('history says why it has nothing, and never rejects', async () => {
  const scene = new Scene();
  assert.equal((await scene.client.history(DIRECT, { after: 0 })).result, 'refused');
  const socket = await scene.live();
  const refused = scene.client.history(DIRECT, { after: 0 });
  const { id } = socket.next('history');
  socket.say({ id, type: 'error', code: 'not_a_member', message: '', retry: false });
  assert.deepEqual(await refused, { result: 'refused', code: 'not_a_member', message: '', retry: false });
  const cutOff = scene.client.history(DIRECT, { after: 0 });
  socket.close(1006);
  const result = await cutOff;
  assert.ok(result.result === 'refused' && result.code === 'not_connected' && result.retry);
});

test('pages of history wait for the rate of frames that the server allows', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  socket.welcome(0, 1, { frames_per_second: 10 });
  socket.page([]);
  let answered = 0;
  const read = async () => {
    for (let i = 0; i < 30; i++) if ((await scene.client.history(DIRECT, { after: i })).result === 'events') answered++;
  };
  const done = read();
  let seen = 0;
  const counts: number[] = [];
  for (let second = 0; second < 3; second++) {
    for (let step = 0; step < 1_000; step++) {
      for (; seen < socket.all('history').length; seen++) {
        const { id } = socket.all('history')[seen]!;
        socket.say({ id, type: 'events', events: [], status: 'more' });
        await settle();
      }
      await scene.runtime.pass(1);
    }
    counts.push(seen);
  }
  await done;
  assert.equal(answered, 30);
  // Ten at once less hello and pull, then nine a second.
  assert.deepEqual(counts, [16, 25, 30]);
});

test('pages of history hold up neither sends nor each other for long, and end with the connection', async () => {
  const scene = new Scene();
  const socket = await scene.opened();
  socket.welcome(0, 1, { frames_per_second: 10 });
  socket.page([]);
  const pages = Array.from({ length: 100 }, (_, after) => scene.client.history(DIRECT, { after }));
  scene.client.send(DIRECT, 'a');
  await scene.runtime.pass(1_000);
  assert.equal(socket.all('send').length, 1);
  for (let i = 0; i < 20; i++) scene.client.send(DIRECT, String(i));
  const before = socket.all('history').length;
  await scene.runtime.pass(2_000);
  const [pagesAsked, sent] = [socket.all('history').length - before, socket.all('send').length - 1];
  assert.ok(Math.abs(pagesAsked - sent) <= 1 && pagesAsked + sent >= 17, `${pagesAsked} pages, ${sent} sends`);
  assert.deepEqual(
    socket.all('history').map(({ after }) => after),
    socket.all('history').map((_, index) => index),
  );
  scene.client.close();
  for (const page of await Promise.all(pages)) assert.equal(page.result, 'refused');
  assert.equal(scene.runtime.timersPending, 0);
});
