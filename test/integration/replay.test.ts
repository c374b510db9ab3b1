// Rebuilding the embedded profile's tables beside a server that runs, while people write; and after they were wiped.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dataOf, FanlogClient, HttpApi, memoryStorage } from '../../services/client/index.ts';
import { connectNode, systemRuntime } from '../../services/client/node.ts';
import { directConversationId } from '../../services/events/ids.ts';
import { partitionOf } from '../../services/events/partition.ts';
import { EMBEDDED_LAYOUT } from '../../services/events/topics.ts';
import type { LmdbStateStore } from '../../services/ports/store/embedded/lmdb-state-store.ts';
import type { InboxEntry } from '../../services/protocol/frames.ts';
import { Load, waitUntil } from '../cluster/ledger/index.ts';
import { resultOf, runReplay, startReplay } from './run-replay.ts';
import { startInFolder } from './start-in-folder.ts';

const APP_KEY = '7Qm1vXc0tq9eLr5Zk2uYp8Wd3Ns6Hb4J';
/** A write that no record of the log undoes. */
const ABOVE = 5 * 2 ** 40;
const SWITCH_MS_MAX = 15_000;

let running: Awaited<ReturnType<typeof startInFolder>>;
let load: Load;
let data: string;
let env: Record<string, string>;

before(async () => {
  running = await startInFolder({ FANLOG_APP_KEY: APP_KEY, FANLOG_DEMO: 'off' });
  data = join(running.folder, 'data');
  env = { FANLOG_DATA: data };
  const { server } = running;
  load = await Load.start({
    ...{ apiUrl: server.apiUrl, appKey: APP_KEY, edges: () => [server.edgeUrl], messagesPerSecond: 100 },
  });
  const mia = apiOf('mia');
  await mia.time();
  for (const other of ['ada', 'bea']) {
    const key = mia.clock.makeId();
    dataOf(await mia.createGroup(`with ${other}`, [other], key));
  }
  await waitUntil('some messages', () => load.sends > 200, 30_000);
});

after(async () => {
  await load?.stop();
  await running?.remove();
});

function apiOf(user: string): HttpApi {
  const baseUrl = running.server.apiUrl;
  const token = new HttpApi({ baseUrl, runtime: systemRuntime, appKey: APP_KEY }).createToken(user);
  return new HttpApi({ baseUrl, runtime: systemRuntime, token: async () => dataOf(await token).token });
}

async function replayed(args: readonly string[], code = 0) {
  const result = await runReplay([...args, '--json'], env);
  assert.equal(result.code, code, result.stderr + result.stdout);
  return JSON.parse(result.stdout);
}

async function untilSwitched(tables: number): Promise<void> {
  await waitUntil(`set ${tables} in force`, () => running.server.tables.current().number === tables, SWITCH_MS_MAX);
}

/** Everyone is live, and nothing that anyone was told is wrong. */
async function assertNobodyNoticed(): Promise<void> {
  load.pause();
  await load.settled();
  assert.deepEqual(load.violations.sentences, []);
  load.resume();
}

describe('while people write', () => {
  for (const from of ['inbox', 'messages'])
    test(`a rehearsal from ${from} finds every row equal, and leaves nothing behind`, async () => {
      const { compared, differences, rows, switched } = await replayed(['--from', from, '--dry-run']);
      assert.equal(differences, 0);
      assert.equal(compared.users.behind + compared.users.different, 0);
      assert.equal(compared.users.equal + compared.users.reordered, 13);
      assert.ok(rows.timeline > 200 && rows.inbox > 2 * rows.timeline);
      assert.equal(switched, null);
      assert.equal(running.server.tables.current().number, 0);
    });

  test('nobody notices the switch', async () => {
    const { server } = running;
    const epochBefore = server.tables.current().epoch;
    const { differences, switched, tables } = await replayed(['--from', 'inbox']);
    assert.equal(differences, 0);
    assert.deepEqual(switched, { epoch: epochBefore, epochBefore });
    await untilSwitched(tables);
    const sends = load.sends;
    await waitUntil('more messages', () => load.sends > sends + 100, 30_000);
    await assertNobodyNoticed();
  });

  test('killed in the middle, it goes on where it was, at the pace that was asked for', async () => {
    const slow = startReplay(['--from', 'messages', '--rows-per-second', '300'], env);
    const ended = resultOf(slow);
    await new Promise<void>((resolve) => slow.stderr!.on('data', (text) => String(text).includes('%') && resolve()));
    slow.kill('SIGKILL');
    await ended;
    const result = await runReplay(['--from', 'messages', '--json'], env);
    assert.equal(result.code, 0, result.stderr);
    assert.match(result.stderr, /waiting 12 s to see whether it still runs/);
    assert.match(result.stderr, /going on with set \d+, which an interrupted run began/);
    const { isResumed, differences, tables } = JSON.parse(result.stdout);
    assert.deepEqual([isResumed, differences], [true, 0]);
    await untilSwitched(tables);
  });
});

describe('when nobody but one writes', () => {
  before(() => load.stop());

  test('a row that is not what the log says is told, and is right after the rebuild: in a new epoch', async () => {
    const { server } = running;
    const [entry] = await server.store.readInbox('mia', 2, 1);
    await server.store.writeInbox([{ ...entry!, seq: 99, position: ABOVE }], []);
    await server.store.durable();
    const rehearsal = await runReplay(['--from', 'inbox', '--dry-run'], env);
    assert.equal(rehearsal.code, 1, rehearsal.stderr);
    assert.match(rehearsal.stdout, /1 differences:\n {2}inbox of mia: /);
    const epochBefore = server.tables.current().epoch;
    const { differences, switched, tables } = await replayed(['--from', 'inbox']);
    assert.equal(differences, 1);
    // Somebody may have seen it: whoever did starts over.
    assert.deepEqual(switched, { epoch: epochBefore + 1, epochBefore });
    await untilSwitched(tables);
    const again = await server.store.readInbox('mia', 1, 3);
    assert.deepEqual(new Set(again.map(({ seq }) => seq)), new Set([1]));
    assert.equal((await replayed(['--from', 'inbox', '--dry-run'])).differences, 0);
  });

  test('another order of an inbox raises the epoch, and a connected client starts over by itself', async () => {
    const { server } = running;
    const { entries, resets, client } = await clientOf('mia');
    const [first, second] = await server.store.readInbox('mia', 1, 2);
    assert.notEqual(first!.conversationId, second!.conversationId);
    const swapped = [
      { ...first!, inboxSeq: 2, position: ABOVE },
      { ...second!, inboxSeq: 1, position: ABOVE },
    ];
    await server.store.writeInbox(swapped, []);
    await server.store.durable();
    const before = server.tables.current().epoch;
    const { compared, differences, switched, tables } = await replayed(['--from', 'messages']);
    assert.equal(differences, 0);
    assert.ok(compared.users.reordered >= 1);
    assert.deepEqual(switched, { epoch: before + 1, epochBefore: before });
    await untilSwitched(tables);
    await waitUntil('the client starts over', () => resets.length === 1 && client.state === 'live', SWITCH_MS_MAX);
    assert.deepEqual(client.cursor, { epoch: before + 1, inboxSeq: entries.length });
    const fresh = await clientOf('mia');
    assert.deepEqual(entries, fresh.entries);
    client.send(first!.conversationId, 'after the switch');
    await waitUntil(
      'the message',
      () => fresh.entries.length === entries.length && entries.length === 3,
      SWITCH_MS_MAX,
    );
    client.close();
    fresh.client.close();
  });

  test('with every table gone, a replay gives back a working system', async () => {
    const before = await clientOf('ada');
    before.client.close();
    await running.server.stop();
    const { number } = running.server.tables.current();
    rmSync(join(data, `tables-${number}`), { recursive: true });
    const { compared, switched, tables } = await replayed(['--from', 'messages']);
    assert.equal(compared.users.equal + compared.users.different, 0, 'nothing was there to be equal');
    // The topics tell what is decided but for the last slice: whoever has entries of that only comes later.
    assert.ok(compared.users.behind > 0);
    assert.equal(switched.epoch, switched.epochBefore + 1);
    const { folder, remove } = running;
    const again = await startInFolder({ FANLOG_APP_KEY: APP_KEY, FANLOG_DEMO: 'off', FANLOG_DATA: data });
    running = {
      ...{ ...again, folder },
      remove: async () => {
        await again.remove();
        await remove();
      },
    };
    assert.equal(running.server.tables.current().number, tables);
    const { entries, client } = await clientOf('ada');
    await waitUntil('all of it', () => entries.length === before.entries.length, SWITCH_MS_MAX);
    const known = (all: readonly InboxEntry[]) => all.map(({ event }) => JSON.stringify(event)).sort();
    assert.deepEqual(known(entries), known(before.entries));
    const conversationId = entries.findLast(({ event }) => event.kind === 'message')!.event.conversationId;
    client.send(conversationId, 'still here');
    await waitUntil('the message', () => entries.length === before.entries.length + 1, SWITCH_MS_MAX);
    client.close();
    await waitUntil(
      'rows on disk',
      async () => (await runReplay(['--from', 'inbox', '--dry-run'], env)).code === 0,
      60_000,
    );
  });

  test('what it cannot begin with is one line and exit code 2', async () => {
    const nowhere = await runReplay(['--from', 'inbox'], { FANLOG_DATA: join(running.folder, 'nowhere') });
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.stderr, /^fanlog replay: There is no fanlog in the data folder .*FANLOG_DATA\)\.\n$/);
    const wrong = await runReplay(['--from', 'timeline'], env);
    assert.deepEqual([wrong.code, wrong.stdout], [2, '']);
    const many = await runReplay(['--from', 'inbox', '--dry-run', '--partition', '4'], env);
    assert.match(many.stderr, /--partition 4: inbox has partitions 0 to 3/);
  });
});

test('tables that are emptied under a server: it stops rather than begin at 1 again, and a replay brings it back', async (t) => {
  await running.remove();
  running = await startInFolder({ FANLOG_APP_KEY: APP_KEY, FANLOG_DEMO: 'off' });
  const { server, folder } = running;
  const [ada, bea] = [await clientOf('ada'), await clientOf('bea')];
  t.after(() => {
    ada.client.close();
    bea.client.close();
  });
  const { messages, inbox } = EMBEDDED_LAYOUT.partitions;
  const conversationId = directConversationId('ada', 'bea');
  const store = server.base as LmdbStateStore;
  ada.client.send(conversationId, 'one');
  await waitUntil('the first message', () => bea.entries.length === 1, SWITCH_MS_MAX);
  const partition = partitionOf(conversationId, messages);
  // Behind them nothing is left to be written: a head without rows would be another damage.
  const isFlushed = async () => {
    const inboxes = ['ada', 'bea'].map((user) => store.loadCheckpoint('inbox', partitionOf(user, inbox)));
    const rows = [store.loadConversation(conversationId), store.loadCheckpoint('messages', partition), ...inboxes];
    const heads = await store.loadHeads(['ada', 'bea']);
    return [...heads, ...(await Promise.all(rows))].every((row) => row !== null);
  };
  await waitUntil('the rows', isFlushed, SWITCH_MS_MAX);
  await store.durable();
  await store.clearDerived();
  // What is in memory is numbered rightly, but nothing may stand in the tables that speaks of rows that are gone.
  ada.client.send(conversationId, 'again');
  const ofBoth = new Set(['ada', 'bea'].map((user) => partitionOf(user, inbox))).size;
  const stopped = (stage: 'fanout' | 'inbox') => server.metrics.get(`${stage}_stopped`);
  await waitUntil('the partitions to stop', () => stopped('fanout') + stopped('inbox') === 1 + ofBoth, SWITCH_MS_MAX);
  assert.deepEqual(await store.loadHeads(['ada', 'bea']), [null, null]);
  assert.equal(await store.loadConversation(conversationId), null);
  // Another conversation of the same partition, which nobody has in memory.
  const others = Array.from({ length: 100 }, (_, i) => directConversationId('ada', `user${i}`));
  const other = others.find((id) => partitionOf(id, messages) === partition)!;
  ada.client.send(other, 'two');
  const readiness = async () => (await fetch(`${server.apiUrl}/readyz`)).status;
  await waitUntil('not to be ready', async () => (await readiness()) === 503, SWITCH_MS_MAX);
  assert.equal(ada.entries.length, 2, 'nothing was numbered in empty tables');
  const { code, stderr } = await runReplay(['--from', 'inbox'], { FANLOG_DATA: join(folder, 'data') });
  assert.equal(code, 0, stderr);
  await waitUntil('the last message', () => ada.entries.length === 3, SWITCH_MS_MAX);
  const texts = ada.entries.map(({ event }) => (event.kind === 'message' ? event.payload : event.kind));
  assert.deepEqual(texts, ['one', 'again', 'two']);
  assert.deepEqual([ada.resets, bea.resets], [[], []]);
  await waitUntil('all to be well', async () => (await readiness()) === 200, SWITCH_MS_MAX);
});

/** At the end of the inbox. */
async function clientOf(user: string) {
  const entries: InboxEntry[] = [];
  const resets: number[] = [];
  const token = dataOf(
    await new HttpApi({ baseUrl: running.server.apiUrl, runtime: systemRuntime, appKey: APP_KEY }).createToken(user),
  ).token;
  const client = new FanlogClient({
    edges: async () => [running.server.edgeUrl],
    token: async () => token,
    device: `${user}-${systemRuntime.random()}`,
    storage: memoryStorage(),
    runtime: systemRuntime,
    connect: connectNode,
  });
  client.on('entry', (entry) => entries.push(entry));
  client.on('reset', ({ epoch }) => {
    resets.push(epoch);
    entries.length = 0;
  });
  await client.start();
  await waitUntil(`${user} is live`, () => client.state === 'live', SWITCH_MS_MAX);
  return { client, entries, resets };
}
