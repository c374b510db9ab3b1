// Rebuilding from a log in memory into real embedded tables: what it comes to, and that a crash anywhere changes nothing.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import type { EventLog } from '../../../services/ports/log/event-log.ts';
import type { GenerationRow, StateStore } from '../../../services/ports/store/state-store.ts';
import { type CompareOptions, compareTables } from '../../../services/replay/compare/compare-tables.ts';
import { Differences } from '../../../services/replay/compare/differences.ts';
import { DecidedOffsets } from '../../../services/replay/decided-offsets.ts';
import { Rebuild } from '../../../services/replay/rebuild.ts';
import { RebuildRecord } from '../../../services/replay/rebuild-record.ts';
import { decodeRebuildState, type ReplaySource } from '../../../services/replay/rebuild-state.ts';
import { StoreWithRows } from '../reading/store-with-rows.ts';
import { PARTITIONS, randomOf, type SmallLog, smallLog } from './small-log.ts';

const generation: GenerationRow = { generation: 1, partitions: PARTITIONS, epoch: 7, tables: 0 };
const watcher = { begin: () => {}, advanced: () => {}, note: () => {} };
const opened: StoreWithRows[] = [];
const records: RebuildRecord[] = [];
let runs = 0;
after(async () => {
  for (const record of records) record.close();
  await Promise.all(opened.map((rows) => rows.close()));
});

function newStore(): StateStore {
  const rows = new StoreWithRows();
  opened.push(rows);
  return rows.store;
}

function optionsOf(log: SmallLog, store: StateStore, base: StateStore, from: ReplaySource, flush_interval_ms?: number) {
  const signal = new AbortController().signal;
  const live = { loadCheckpoint: async () => ({ offset: Number.MAX_SAFE_INTEGER, sources: {}, foldVersion: 1 }) };
  const record = new RebuildRecord(base, systemRuntime, `run ${runs++}`, signal);
  records.push(record);
  return {
    ...{ from, log: log as unknown as EventLog, store, live, base, record, generation, only: null, watcher, signal },
    ...{ rowsPerSecond: Number.POSITIVE_INFINITY, runtime: systemRuntime },
    ...(flush_interval_ms === undefined ? {} : { flush_interval_ms, chunk_records: 9 }),
  };
}

async function rebuilt(log: SmallLog, from: ReplaySource) {
  const store = newStore();
  const rebuild = await Rebuild.begin(optionsOf(log, store, newStore(), from), 1, null);
  await rebuild.pass();
  await rebuild.writeCheckpoints();
  return { store, rebuild };
}

async function compare(live: StateStore, other: { store: StateStore; rebuild: Rebuild }, from: ReplaySource) {
  const options: CompareOptions = {
    ...{ live, rebuilt: other.store, from, generation, next: other.rebuild.next, only: null },
    ...{ differences: new Differences(), runtime: systemRuntime, signal: new AbortController().signal },
    onCompared: () => {},
  };
  return { ...(await compareTables(options)), differences: options.differences };
}

test('from `messages` come the same timelines and members as from `inbox`, and the same entries', async () => {
  const log = smallLog(1, 600);
  const live = await rebuilt(log, 'inbox');
  const other = await rebuilt(log, 'messages');
  const { users, conversations, differences } = await compare(live.store, other, 'messages');
  assert.deepEqual(differences.sentences, []);
  assert.ok(conversations.equal >= 8, 'groups and pairs');
  assert.equal(users.equal + users.reordered, 6);
  assert.ok(users.reordered > 0, 'partitions took turns, and times did not');
});

for (const from of ['inbox', 'messages'] as const)
  test(`a crash at any write, and going on, comes to the rows of a run without one (${from})`, async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const log = smallLog(seed, 150);
      const whole = await rebuilt(log, from);
      const store = newStore();
      const base = newStore();
      const random = randomOf(seed);
      let crashes = 0;
      for (let attempt = 0; ; attempt++) {
        const failing = attempt < 8 ? dyingAfter(Math.floor(random() * 12), store, base) : { store, base };
        const options = optionsOf(log, failing.store, failing.base, from, 0);
        try {
          const kept = decodeRebuildState(await base.loadRebuild());
          const rebuild = await Rebuild.begin(options, 1, kept);
          await rebuild.pass();
          await rebuild.writeCheckpoints();
          const { users, conversations, differences } = await compare(whole.store, { store, rebuild }, 'inbox');
          assert.deepEqual(differences.sentences, [], `seed ${seed}`);
          assert.equal(users.equal, 6);
          assert.equal(conversations.different + conversations.behind + conversations.moving, 0);
          break;
        } catch (error) {
          if (!(error instanceof Crash)) throw error;
          crashes++;
        }
      }
      assert.ok(crashes > 0, 'without a crash this shows nothing');
    }
  });

test('what is missing, changed or invented in live tables is told in words', async () => {
  const log = smallLog(3, 400);
  const live = await rebuilt(log, 'inbox');
  const other = await rebuilt(log, 'inbox');
  const above = 3 * 2 ** 40; // a write that nothing undoes
  const [first] = await live.store.readInbox('bea', 4, 1);
  await live.store.writeInbox([{ ...first!, seq: 999, position: above }], []);
  const [memberships] = await live.store.readMemberships('cal');
  await live.store.writeInbox([], [{ ...memberships!, joinedSeq: 77, leftSeq: 78, position: above }]);
  const group = `g:${'1'.repeat(32)}`;
  const row = (await live.store.loadConversation(group))!;
  const { members, ...statics } = row;
  await live.store.flushConversations([
    { row: { ...statics, title: 'X' }, members: new Map([[members[0]!.user, { ...members[0]!, role: 'admin' }]]) },
  ]);
  const stranger = {
    user: 'zoe',
    inboxSeq: 1,
    conversationId: group,
    seq: 1,
    kind: 'MessageSent',
    position: 5,
  } as const;
  await live.store.writeInbox([stranger], []);
  await live.store.writeHeads([{ user: 'zoe', head: 1, headAsOf: 5, minimumSeq: 1 }]);
  await live.store.durable();
  const { users, differences } = await compare(live.store, other, 'inbox');
  const told = differences.sentences.join('\n');
  assert.match(told, /inbox of bea: entry 4 is g:\S+\/999 \w+ in the live tables, \S+\/\d+ \w+ by the log/);
  assert.match(told, /conversation g:1+: title is X in the live tables, T by the log/);
  assert.match(told, /conversation g:1+: ada is admin since 1 in the live tables, owner since 1 by the log/);
  assert.match(told, /inbox of zoe: it is in the live tables, and the log gives it no entry/);
  assert.ok(users.different >= 1);
});

test('live tables that are not as far as the log are behind, not different', async () => {
  const log = smallLog(4, 300);
  const part = await rebuilt(cut(log, 0.5), 'inbox');
  const whole = await rebuilt(log, 'inbox');
  const { users, conversations, differences } = await compare(part.store, whole, 'inbox');
  assert.deepEqual(differences.sentences, []);
  assert.ok(users.behind > 0);
  assert.equal(users.different, 0);
  assert.ok(conversations.behind > 0);
});

test('a topic that was trimmed is refused, with advice', async () => {
  const log = { ...smallLog(5, 50), startOffset: async (topic: string) => (topic === 'inbox' ? 3 : 0) };
  await assert.rejects(rebuilt(log, 'inbox'), /inbox\/0 begins at record 3.*Rebuild with --from messages/);
  await rebuilt(log, 'messages');
});

test('it goes no further than the live fanout has decided, and tells the live stages where to go on', async () => {
  const log = smallLog(6, 300);
  const ends = log.records.messages.map((records) => records.length);
  const live = { loadCheckpoint: async () => ({ offset: 20, sources: {}, foldVersion: 1 }) };
  for (const from of ['inbox', 'messages'] as const) {
    const store = newStore();
    const options = { ...optionsOf(log, store, newStore(), from), live, decided_ms_max: 0 };
    const rebuild = await Rebuild.begin(options, 1, null);
    await rebuild.pass();
    await rebuild.writeCheckpoints();
    for (const [partition, end] of ends.entries()) {
      assert.ok(end > 20, 'or there is nothing to be late with');
      assert.equal((await store.loadCheckpoint('messages', partition))!.offset, 20);
    }
    for await (const ids of store.scanConversations())
      for (const id of ids) assert.ok((await store.loadConversation(id))!.asOf < 2 ** 40 + 20);
    for (const [partition, records] of log.records.inbox.entries()) {
      const { offset, sources } = (await store.loadCheckpoint('inbox', partition))!;
      // From `messages`: records of commands that are not in the set stand somewhere before the end.
      assert.equal(offset, from === 'inbox' ? records.length : 0);
      if (from === 'messages') assert.deepEqual(sources, { 0: 2 ** 40 + 19, 1: 2 ** 40 + 19, 2: 2 ** 40 + 19 });
    }
  }
});

test('when the live checkpoints are gone, the topics tell what is decided, but for the last slice', async () => {
  const log = smallLog(7, 5_000);
  const gone = { loadCheckpoint: async () => null };
  const decided = await new DecidedOffsets({ log, live: gone }).read();
  for (const [partition, records] of log.records.messages.entries()) {
    const end = records.length;
    assert.ok(
      decided[partition]! <= end - 900 && decided[partition]! >= Math.max(0, end - 1_100),
      `${decided} of ${end}`,
    );
  }
  assert.deepEqual(await new DecidedOffsets({ log: smallLog(8, 0), live: gone }).read(), [0, 0, 0]);
});

/** The first part of every partition. */
function cut(log: SmallLog, share: number): SmallLog {
  const endOffset: SmallLog['endOffset'] = async (topic, partition) =>
    Math.floor((await log.endOffset(topic, partition)) * (topic === 'inbox' ? share * share : share));
  return { ...log, endOffset };
}

class Crash extends Error {}

const WRITES = ['writeTimeline', 'writeInbox', 'writeHeads', 'flushConversations', 'saveCheckpoint', 'saveRebuild'];

/** Both stores die after so many writes: the last one may or may not have happened, no other does. */
function dyingAfter(writes: number, store: StateStore, base: StateStore): { store: StateStore; base: StateStore } {
  let left = writes;
  const dying = (target: StateStore) =>
    new Proxy(target, {
      get(_, name: string) {
        const member = target[name as keyof StateStore] as (...args: unknown[]) => Promise<unknown>;
        if (!WRITES.includes(name)) return member.bind(target);
        return async (...args: unknown[]) => {
          if (left < 0) throw new Crash();
          left--;
          if (left >= 0) return member.apply(target, args);
          if (writes % 2 === 0) await member.apply(target, args);
          throw new Crash();
        };
      },
    });
  return { store: dying(store), base: dying(base) };
}

test('a fanout that decides everything a second time does not hold the set back: the topics tell as well', async () => {
  const log = smallLog(8, 5_000);
  const live = { loadCheckpoint: async () => ({ offset: 20, sources: {}, foldVersion: 1 }) };
  const decided = new DecidedOffsets({ log, live });
  assert.deepEqual([...new Set(await decided.read())], [20]);
  for (const offset of await decided.readTopicsToo()) assert.ok(offset > 20);
});

test('when commands are not decided that a trimmed inbox has entries of, the set is not put in force', async () => {
  const log = { ...smallLog(9, 300), startOffset: async (topic: string) => (topic === 'inbox' ? 3 : 0) };
  const live = { loadCheckpoint: async () => ({ offset: 20, sources: {}, foldVersion: 1 }) };
  const options = { ...optionsOf(log, newStore(), newStore(), 'messages'), live, decided_ms_max: 0 };
  const rebuild = await Rebuild.begin(options, 1, null);
  await rebuild.pass();
  await assert.rejects(rebuild.writeCheckpoints(), /Start fanout, wait until it has caught up/);
});
