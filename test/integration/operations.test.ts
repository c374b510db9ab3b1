// The operations port of a whole embedded server, after real traffic; and canaries, of which nobody but it ever hears.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createNodeClient, type FanlogClient } from '../../services/client/node.ts';
import { decodeTimelineEvent } from '../../services/events/codec.ts';
import { METRICS } from '../../services/kernel/metrics.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import type { EmbeddedServer } from '../../services/profiles/embedded.ts';
import { startInFolder } from './start-in-folder.ts';

const MESSAGES = 40;

/** Samples by their name and labels, as they stand in the text. */
async function scrape(server: EmbeddedServer): Promise<Map<string, number>> {
  const response = await fetch(`${server.operationsUrl}/metrics`);
  assert.equal(response.status, 200);
  const samples = new Map<string, number>();
  const typed = new Map<string, string>();
  for (const line of (await response.text()).trimEnd().split('\n')) {
    if (line.startsWith('# HELP ')) continue;
    const type = /^# TYPE ([a-z_0-9]+) (counter|gauge|histogram|summary)$/.exec(line);
    if (type !== null) {
      assert.ok(!typed.has(type[1]!), `${type[1]} comes twice`);
      typed.set(type[1]!, type[2]!);
      continue;
    }
    const sample = /^([a-z_0-9]+)(\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})? (-?[0-9.e+-]+)$/.exec(line);
    assert.ok(sample !== null, `no sample of the text format: ${line}`);
    const [, name = '', labels = '', value] = sample;
    assert.ok(typed.has(name) || typed.has(name.replace(/_(bucket|sum|count)$/, '')), `${name} has no type`);
    assert.ok(!samples.has(name + labels), `${line} comes twice`);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('it did not come true');
}

describe('a server that has delivered messages', () => {
  let server: EmbeddedServer;
  let remove: () => Promise<void>;
  let bob: FanlogClient;
  /** What bob's client was given. */
  const entries: unknown[] = [];
  const pushed: string[] = [];
  before(async () => {
    ({ server, remove } = await startInFolder());
    await server.whenReady();
    const clientOf = (user: string) =>
      createNodeClient({
        edges: async () => [server.edgeUrl],
        token: async () => (await server.tokens.issue(user)).token,
        device: 'test',
      });
    const alice = clientOf('alice');
    bob = clientOf('bob');
    bob.on('entry', ({ event }) => {
      entries.push(event);
      pushed.push(event.kind === 'message' ? event.payload : event.kind);
    });
    await Promise.all([alice.start(), bob.start()]);
    for (let i = 0; i < MESSAGES; i++) {
      const sent = alice.send('d:5:alice3:bob', `message ${i}`);
      const outcome = await sent.done;
      assert.equal(outcome.result, 'sequenced', JSON.stringify(outcome));
    }
    await until(() => entries.length === MESSAGES);
    alice.close();
    await until(() => server.metrics.get('edge_sessions') === 1);
  });
  after(async () => {
    bob.close();
    await remove();
  });

  test('shows what was accepted, sequenced, delivered, and the sockets that are open', async () => {
    const samples = await scrape(server);
    assert.equal(samples.get('fanlog_accepted_total'), MESSAGES);
    assert.equal(samples.get('fanlog_fanout_sequenced_total'), MESSAGES);
    assert.equal(samples.get('fanlog_inbox_rows_total'), 2 * MESSAGES);
    // To bob, and to alice as her own copies.
    assert.equal(samples.get('fanlog_edge_delivered_total'), 2 * MESSAGES);
    assert.equal(samples.get('fanlog_edge_sessions'), 1);
    assert.equal(samples.get('fanlog_parked_total'), 0);
    for (const { name } of Object.values(METRICS)) assert.ok(samples.has(name), name);
  });

  test('shows how long each stage took, of real messages only', async () => {
    const samples = await scrape(server);
    const counts = { append: MESSAGES, fanout: MESSAGES, inbox_rows: 2 * MESSAGES, inbox_hints: 2 * MESSAGES };
    for (const [stage, count] of Object.entries({ ...counts, socket: 2 * MESSAGES })) {
      const name = 'fanlog_stage_latency_seconds';
      const observed = samples.get(`${name}_count{stage="${stage}"}`)!;
      // One record for both recipients, if they share a partition of inbox.
      const least = stage.startsWith('inbox') ? MESSAGES : count;
      assert.ok(observed >= least && observed <= count, `${stage}: ${observed}`);
      assert.equal(samples.get(`${name}_bucket{stage="${stage}",le="+Inf"}`), observed);
      assert.ok(samples.get(`${name}_sum{stage="${stage}"}`)! >= 0);
    }
  });

  test('shows each partition of fanout and inbox, caught up, and when a canary last came through it', async () => {
    let samples = await scrape(server);
    // A canary may be under way at one look.
    await until(async () => {
      samples = await scrape(server);
      return [...samples].every(([name, value]) => !name.startsWith('fanlog_lag_records') || value === 0);
    });
    for (const [role, topic] of [
      ['fanout', 'messages'],
      ['inbox', 'inbox'],
    ]) {
      assert.equal(samples.get(`fanlog_owned_partitions{role="${role}"}`), 4);
      assert.ok(samples.get(`fanlog_lag_age_seconds{role="${role}"}`)! < 1);
      for (let partition = 0; partition < 4; partition++) {
        const labels = `{role="${role}",topic="${topic}",partition="${partition}"}`;
        assert.equal(samples.get(`fanlog_lag_seconds${labels}`), 0);
        assert.ok(samples.get(`fanlog_canary_age_seconds${labels}`)! < 30);
      }
    }
    for (const role of ['api', 'edge']) assert.ok(samples.get(`fanlog_canary_age_seconds{role="${role}"}`)! < 30);
    assert.equal(samples.get('fanlog_process_info{roles="all"}'), 1);
    assert.ok(samples.get('process_resident_memory_bytes')! > 1e6);
  });

  test('is live and ready in every role', async () => {
    assert.equal((await fetch(`${server.operationsUrl}/livez`)).status, 200);
    const ready = await fetch(`${server.operationsUrl}/readyz`);
    assert.equal(ready.status, 200);
    const well = { ready: true };
    const roles = { api: well, edge: well, fanout: well, inbox: well };
    assert.deepEqual(await ready.json(), { status: 'ready', roles });
  });

  test('does not show its metrics on the public port', async () => {
    assert.equal((await fetch(`${server.apiUrl}/metrics`)).status, 404);
  });

  test('has let canaries out of which no user and no reader of timeline ever hears', async () => {
    const layout = server.log.layout.partitions;
    const ends = async (topic: 'messages' | 'timeline' | 'inbox') => {
      let sum = 0;
      for (let partition = 0; partition < layout[topic]; partition++)
        sum += await server.log.endOffset(topic, partition);
      return sum;
    };
    // At least one round of api and edge each, besides the messages.
    assert.ok((await ends('messages')) >= MESSAGES + 8);
    assert.ok((await ends('inbox')) >= MESSAGES + 32);

    // The topic that analysts read
    assert.equal(await ends('timeline'), MESSAGES);
    for (let partition = 0; partition < layout.timeline; partition++)
      for (const { value } of await server.log.readFrom('timeline', partition, 0, 1_000))
        assert.equal(decodeTimelineEvent(value).type, 'MessageSent');

    // What was pushed or pulled
    assert.deepEqual(
      pushed,
      Array.from({ length: MESSAGES }, (_, i) => `message ${i}`),
    );
    assert.doesNotMatch(JSON.stringify(entries), /canary/i);

    // What can be read over HTTP, and the rows behind it
    const authorization = `Bearer ${(await server.tokens.issue('bob')).token}`;
    const get = async (path: string) => (await fetch(server.apiUrl + path, { headers: { authorization } })).json();
    const conversations = (await get('/v1/conversations')) as { data: { conversations: { conversationId: string }[] } };
    assert.deepEqual(
      conversations.data.conversations.map(({ conversationId }) => conversationId),
      ['d:5:alice3:bob'],
    );
    const events = (await get('/v1/conversations/d%3A5%3Aalice3%3Abob/events?limit=100')) as {
      data: { events: object[] };
    };
    assert.equal(events.data.events.length, MESSAGES);
    assert.doesNotMatch(JSON.stringify([conversations, events]), /canary/i);
    assert.equal((await server.store.readInbox('bob', 1, 1_000)).length, MESSAGES);
    const [head] = await server.store.loadHeads(['bob']);
    assert.ok(head === null || head!.head <= MESSAGES);
  });
});

describe('the operations port of a server', () => {
  test('is red while nothing is delivered, though the process lives and appends are confirmed', async () => {
    const { server, remove } = await startInFolder({}, { processors: false });
    try {
      await until(() => server.metrics.get('append_failed') === 0);
      await new Promise((resolve) => systemRuntime.setTimer(1_500, () => resolve(null)));
      assert.equal((await fetch(`${server.operationsUrl}/livez`)).status, 200);
      const response = await fetch(`${server.operationsUrl}/readyz`);
      assert.equal(response.status, 503);
      const why = { ready: false, why: 'no canary came back yet' };
      assert.deepEqual(await response.json(), { status: 'not_ready', roles: { api: why, edge: why } });
      assert.equal((await fetch(`${server.apiUrl}/readyz`)).status, 503);
    } finally {
      await remove();
    }
  });

  test('is red while it drains, and still answers', async () => {
    const { server, remove } = await startInFolder();
    try {
      await server.whenReady();
      await server.drain();
      const response = await fetch(`${server.operationsUrl}/readyz`);
      assert.equal(response.status, 503);
      assert.equal(((await response.json()) as { status: string }).status, 'draining');
      assert.equal((await fetch(`${server.operationsUrl}/livez`)).status, 200);
      assert.equal((await fetch(`${server.operationsUrl}/metrics`)).status, 200);
    } finally {
      await remove();
    }
    await assert.rejects(fetch(`${server.operationsUrl}/livez`));
  });
});
