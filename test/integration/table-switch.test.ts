// Another set of tables is put in force while the server runs and clients write: in the same epoch nobody notices, in
// another one every client begins anew by itself, and ends with what a fresh one pulls.
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createNodeClient, type FanlogClient } from '../../services/client/node.ts';
import { directConversationId } from '../../services/events/ids.ts';
import { type Configuration, loadConfiguration } from '../../services/kernel/configuration.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { Metrics } from '../../services/kernel/metrics.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { Closing } from '../../services/profiles/closing.ts';
import { type EmbeddedServer, startEmbedded } from '../../services/profiles/embedded.ts';
import { type OpenedTableSets, openTableSets } from '../../services/profiles/open-table-sets.ts';
import type { Cursor, InboxEntry } from '../../services/protocol/frames.ts';
import { byConversation, copyTables, type Renumber } from '../copy-tables.ts';
import { startInFolder } from './start-in-folder.ts';

const USERS = ['ann', 'bob', 'cid', 'dan'];
const WAIT_MS_MAX = 60_000;

async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + WAIT_MS_MAX;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`it did not come true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A client and what its listeners were given since the last reset. */
interface Watched {
  readonly client: FanlogClient;
  readonly user: string;
  entries: InboxEntry[];
  readonly resets: number[];
}

describe('a server whose tables are replaced', () => {
  let server: EmbeddedServer;
  let folder = '';
  let opened: OpenedTableSets;
  const closing = new Closing();
  const watched: Watched[] = [];
  /** Payloads that were sequenced, by conversation, in the order they were sent. */
  const sent = new Map<string, string[]>();
  let group = '';
  let stopSending: () => Promise<void> = async () => {};

  function configuration(): Configuration {
    const loaded = loadConfiguration({ PORT: '0', FANLOG_DATA: join(folder, 'data'), FANLOG_DEMO: 'off' });
    if ('errors' in loaded) throw new Error(loaded.errors.join('\n'));
    return loaded.configuration;
  }

  const watch = (user: string, device: string, cursor: Cursor | null = null): Watched => {
    const client = createNodeClient({
      edges: async () => [server.edgeUrl],
      token: async () => (await server.tokens.issue(user)).token,
      device,
      ...(cursor === null ? {} : { cursor }),
    });
    const one: Watched = { client, user, entries: [], resets: [] };
    client.on('entry', ({ inboxSeq, event }) => one.entries.push({ inboxSeq, event }));
    client.on('reset', ({ epoch }) => {
      one.resets.push(epoch);
      one.entries = [];
    });
    return one;
  };

  before(async () => {
    const started = await startInFolder({ FANLOG_DEMO: 'off' });
    ({ server, folder } = started);
    await server.whenReady();
    opened = await openTableSets(
      configuration(),
      { runtime: systemRuntime, logger: silentLogger, metrics: new Metrics() },
      closing,
    );
    for (const user of USERS) watched.push(watch(user, 'one'));
    watched.push(watch('ann', 'two'));
    for (const { client } of watched) await client.start();
    const response = await fetch(`${server.apiUrl}/v1/conversations`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${(await server.tokens.issue('ann')).token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ kind: 'group', title: 'all', members: USERS.slice(1) }),
    });
    group = ((await response.json()) as { data: { conversationId: string } }).data.conversationId;
  });

  after(async () => {
    await stopSending();
    for (const { client } of watched) client.close();
    await closing.closeAll();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Everyone writes all the time, to the group and to the others, each message when the one before it is decided. */
  function send(): void {
    let stopped = false;
    const writers = watched.slice(0, USERS.length).map(async ({ client, user }) => {
      const others = USERS.filter((other) => other !== user);
      for (let i = 0; !stopped; i++) {
        const to = i % 2 === 0 ? group : directConversationId(user, others[i % others.length]!);
        const payload = `${user} ${sent.get(to)?.length ?? 0} ${performance.now()}`;
        const outcome = await client.send(to, payload).done;
        assert.equal(outcome.result, 'sequenced', JSON.stringify(outcome));
        sent.set(to, [...(sent.get(to) ?? []), payload]);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    stopSending = async () => {
      stopped = true;
      await Promise.all(writers);
    };
  }

  const sentCount = () => [...sent.values()].reduce((sum, { length }) => sum + length, 0);

  /** Pushes to sockets since the call. */
  function pushesFrom(): () => number {
    const from = server.metrics.get('edge_delivered');
    return () => server.metrics.get('edge_delivered') - from;
  }

  async function more(messages: number): Promise<void> {
    const from = sentCount();
    await until(`${messages} more messages`, () => sentCount() >= from + messages);
  }

  /** Fills the next set, puts it in force while all write, and waits until the server is on it. */
  async function replaceTables(epoch: number, renumber?: Renumber): Promise<void> {
    const number = server.tables.current().number + 1;
    const set = await opened.sets.make(number);
    await copyTables(server.store, set, server.log.layout, renumber);
    await set.close();
    assert.equal(await opened.base.switchTables({ tables: number, epoch }), true);
    await until('the server is on the new set', () => server.tables.current().number === number);
    assert.equal(server.tables.current().epoch, epoch);
  }

  /** When nobody writes any more: what every client was given is what a fresh one pulls, and nothing is missing. */
  async function assertEqualToFreshPulls(): Promise<void> {
    const fresh = USERS.map((user) => watch(user, 'fresh'));
    for (const { client } of fresh) await client.start();
    const everything = new Map(USERS.map((user) => [user, wantedOf(user)]));
    for (const one of [...watched, ...fresh])
      await until(`${one.user} has everything`, () => one.entries.length === everything.get(one.user)!.length + 1);
    for (const { client } of fresh) client.close();
    for (const { user, entries } of fresh) {
      assert.deepEqual(
        entries.map(({ inboxSeq }) => inboxSeq),
        entries.map((_, index) => index + 1),
      );
      const payloads = entries.flatMap(({ event }) => (event.kind === 'message' ? [event.payload] : []));
      assert.deepEqual([...payloads].sort(), everything.get(user)!.sort());
    }
    for (const { user, entries, client } of watched) {
      const pulled = fresh.find((other) => other.user === user)!;
      assert.deepEqual(entries, pulled.entries, user);
      assert.deepEqual(client.cursor, { epoch: server.tables.current().epoch, inboxSeq: entries.length });
    }
    assert.equal(server.metrics.get('fanout_aborts') + server.metrics.get('inbox_aborts'), 0);
  }

  function wantedOf(user: string): string[] {
    return [...sent].flatMap(([to, payloads]) =>
      to === group || USERS.some((other) => other !== user && to === directConversationId(user, other)) ? payloads : [],
    );
  }

  test('in the same epoch everyone goes on, and what is written stands in the new set', async () => {
    const { epoch } = server.tables.current();
    send();
    await more(200);
    const before = server.store;
    await until('a head is written', async () => (await before.loadHeads(['ann']))[0] !== null);
    await replaceTables(epoch);
    const [replaced] = await before.loadHeads(['ann']);
    const pushes = pushesFrom();
    await more(200);
    await stopSending();
    await assertEqualToFreshPulls();
    assert.ok(pushes() > 200, 'pushes go on, of the numbers of the new set');
    assert.deepEqual(
      watched.flatMap(({ resets }) => resets),
      [],
    );
    // Heads are written at checkpoints, so the rows of the last second have none yet.
    await until('a head of the new set is written', async () => {
      const [head] = await server.store.loadHeads(['ann']);
      return head!.head >= replaced!.head + 100;
    });
    assert.deepEqual(await before.loadHeads(['ann']), [replaced], 'the old set is written no more');
  });

  test('in another epoch, with other numbers, every client begins anew by itself', async () => {
    const { epoch } = server.tables.current();
    const away = watch('dan', 'away');
    await away.client.start();
    await until('dan is in sync', () => away.entries.length === watched[3]!.entries.length);
    const { cursor } = away.client;
    away.client.close();
    const numbersBefore = new Map(watched[0]!.entries.map(({ inboxSeq, event }) => [inboxSeq, event]));
    send();
    await more(200);
    await replaceTables(epoch + 1, byConversation);
    await more(200);
    await stopSending();
    // As an application that stored its cursor comes back.
    const back = watch('dan', 'away', cursor);
    watched.push(back);
    await back.client.start();
    await assertEqualToFreshPulls();
    for (const { user, resets } of watched) assert.deepEqual(resets, [epoch + 1], user);
    const moved = watched[0]!.entries.filter(({ inboxSeq, event }) => {
      const was = numbersBefore.get(inboxSeq);
      return was !== undefined && (was.conversationId !== event.conversationId || was.seq !== event.seq);
    });
    assert.ok(moved.length > 50, `only ${moved.length} entries have other numbers than before`);
    assert.ok(server.metrics.get('edge_behind') > 0);
  });

  test('a server that starts begins on the set in force', async () => {
    const { number, epoch } = server.tables.current();
    await server.stop();
    server = await startEmbedded(configuration(), { logger: silentLogger });
    const now = server.tables.current();
    assert.deepEqual([now.number, now.epoch], [number, epoch]);
    for (const { client } of watched) client.retryNow();
    await until('everyone is back', () => watched.every(({ client }) => client.state === 'live'));
    const pushes = pushesFrom();
    send();
    await more(50);
    await stopSending();
    await assertEqualToFreshPulls();
    assert.ok(pushes() > 50, 'nobody has to pull');
    assert.deepEqual(await opened.sets.list(), [0, 1, 2]);
  });
});
