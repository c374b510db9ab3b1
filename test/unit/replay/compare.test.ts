// Verdicts on small inboxes and conversations, written by hand: what the log never gave is told wherever it stands.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import type { GenerationRow, InboxRow, StateStore } from '../../../services/ports/store/state-store.ts';
import { compareTables } from '../../../services/replay/compare/compare-tables.ts';
import { Differences } from '../../../services/replay/compare/differences.ts';
import type { ReplaySource } from '../../../services/replay/rebuild-state.ts';
import { created, GROUP, messages, removed, StoreWithRows } from '../reading/store-with-rows.ts';

const partitions = { messages: 1, timeline: 1, inbox: 1 };
const generation: GenerationRow = { generation: 1, partitions, epoch: 7, tables: 0 };
const NEXT = 10;
/** Positions are below the cut, as they are in the rows of `StoreWithRows`, or above it. */
const BELOW = 8;
const ABOVE = 2 ** 40 + NEXT;
const UNKNOWN = `g:${'9'.repeat(32)}`;

const opened: StoreWithRows[] = [];
after(() => Promise.all(opened.map((rows) => rows.close())));

/** A group of five events, as both sets have it. */
async function newSet(): Promise<StoreWithRows> {
  const set = new StoreWithRows();
  opened.push(set);
  await set.timeline([created('alice', 'bob', 'cal'), ...messages(2, 4), removed(5, 'cal')]);
  await set.past('cal', 1, 5);
  await set.state(5, { alice: 1, bob: 1 });
  await set.store.saveCheckpoint('messages', 0, { offset: NEXT, sources: {}, foldVersion: 1 });
  await set.store.saveCheckpoint('inbox', 0, { offset: NEXT, sources: {}, foldVersion: 1 });
  return set;
}

type Entry = Pick<InboxRow, 'inboxSeq' | 'seq'> & Partial<InboxRow>;

/** `seqs`: of the group, in the order of the inbox. */
function entriesOf(...seqs: number[]): Entry[] {
  return seqs.map((seq, i) => ({ inboxSeq: i + 1, seq }));
}

async function write(store: StateStore, user: string, entries: readonly Entry[], head: number): Promise<void> {
  const rows = entries.map((entry): InboxRow => {
    return { user, conversationId: GROUP, kind: 'MessageSent', position: BELOW, ...entry };
  });
  await store.writeInbox(rows, []);
  if (head > 0) await store.writeHeads([{ user, head, headAsOf: BELOW, minimumSeq: 1 }]);
}

async function writeUnknown(store: StateStore, asOf: number): Promise<void> {
  const statics = { conversationId: UNKNOWN, kind: 'group', seq: 1, ordinal: 1, time: 1, asOf } as const;
  await store.flushConversations([{ row: { ...statics, title: 'U', memberLimit: 9 }, members: new Map() }]);
}

/** Both sets with an inbox of bob, compared. */
async function compared(
  rebuilt: readonly Entry[],
  live: readonly Entry[],
  options: { from?: ReplaySource; liveHead?: number; andLive?: (store: StateStore) => Promise<void> } = {},
  onSleep: (live: StateStore) => void = () => {},
) {
  const [ours, theirs] = [await newSet(), await newSet()];
  await write(ours.store, 'bob', rebuilt, rebuilt.length);
  await write(theirs.store, 'bob', live, options.liveHead ?? live.length);
  await options.andLive?.(theirs.store);
  let clock = 0;
  const setTimer = (delay_ms: number, callback: () => void) => {
    clock += delay_ms;
    onSleep(theirs.store);
    return systemRuntime.setTimer(0, callback);
  };
  const differences = new Differences();
  const tables = await compareTables({
    ...{ live: theirs.store, rebuilt: ours.store, from: options.from ?? 'messages', generation, only: null },
    ...{ next: { messages: [NEXT], inbox: [NEXT] }, differences, signal: new AbortController().signal },
    runtime: { ...systemRuntime, monotonic: () => clock, setTimer },
    onCompared: () => {},
  });
  return { ...tables, sentences: differences.sentences };
}

test('the same entries in another order are reordered, and that is no difference', async () => {
  const { users, sentences } = await compared(entriesOf(1, 2, 3), entriesOf(1, 3, 2));
  assert.deepEqual([users.reordered, sentences], [1, []]);
});

test('an entry that the rebuilt inbox has twice is a difference, not another order', async () => {
  const { users, sentences } = await compared(entriesOf(1, 1, 2), entriesOf(1, 2));
  assert.deepEqual([users.reordered, users.different], [0, 1]);
  assert.match(sentences.join(), /1 MessageSent is entry 1 of the rebuilt tables, and entry 2 again/);
});

test('an entry that the live inbox has twice is a difference, also one that is newer than the cut', async () => {
  for (const live of [entriesOf(2, 1, 1), entriesOf(2, 1, 6, 6)]) {
    const { users, sentences } = await compared(entriesOf(1, 2), live);
    assert.deepEqual([users.reordered, users.different], [0, 1]);
    assert.match(sentences.join(), /is entry \d of the live tables, and entry \d again/);
  }
});

const stray = { inboxSeq: 3, seq: 1, conversationId: UNKNOWN, position: ABOVE };

for (const [where, live] of [
  ['at the end', [...entriesOf(1, 2), stray]],
  ['among others', [...entriesOf(2, 1), stray]],
] as const)
  test(`an entry of a conversation that the log never made is told (${where})`, async () => {
    const { users, sentences } = await compared(entriesOf(1, 2), live);
    assert.equal(users.different, 1);
    assert.match(sentences.join(), /inbox of bob: entry 3 .*g:9+\/1 MessageSent/);
    const below = await compared(entriesOf(1, 2), live, { andLive: (store) => writeUnknown(store, BELOW) });
    assert.equal(below.users.different, 1, 'its live row is from below the cut');
  });

test('an entry of a conversation that was made after the cut is newer, also before its row is flushed', async () => {
  const live = [...entriesOf(1, 2), stray];
  const flushed = await compared(entriesOf(1, 2), live, { andLive: (store) => writeUnknown(store, ABOVE) });
  assert.deepEqual([flushed.users.equal, flushed.sentences], [1, []]);
  const late = await compared(entriesOf(1, 2), live, {}, (store) => void writeUnknown(store, ABOVE));
  assert.deepEqual([late.users.equal, late.sentences], [1, []]);
});

test('an inbox, or a membership, with a conversation that the log never made is told', async () => {
  const inbox = (store: StateStore) => write(store, 'zoe', [{ ...stray, inboxSeq: 1 }], 1);
  const { strangers, sentences } = await compared([], [], { andLive: inbox });
  assert.deepEqual([strangers, sentences.length], [1, 1]);
  const late = await compared([], [], { andLive: inbox }, (store) => void writeUnknown(store, ABOVE));
  assert.deepEqual([late.strangers, late.sentences], [0, []]);
  const row = { user: 'bob', conversationId: UNKNOWN, joinedSeq: 1, leftSeq: null, position: ABOVE };
  const membership = (store: StateStore) => store.writeInbox([], [row]);
  const member = await compared(entriesOf(1), entriesOf(1), { andLive: membership });
  assert.match(member.sentences.join(), /the membership in g:9+ \(from 1 on\) is in the live tables, and none/);
});

test('a past membership that reaches beyond the rebuilt timeline is told unless it is newer', async () => {
  const left = { conversationId: GROUP, user: 'cal', joinedSeq: 6, leftSeq: 1_000 };
  const past = (position: number) => (store: StateStore) => store.writeTimeline([], [{ ...left, position }]);
  const invented = await compared([], [], { andLive: past(BELOW) });
  assert.equal(invented.conversations.different, 1);
  assert.match(invented.sentences.join(), /cal was a member from 1 to 5, 6 to 1000 in the live tables, 1 to 5 by/);
  const newer = await compared([], [], { andLive: past(ABOVE) });
  assert.deepEqual(newer.sentences, []);
});

test('a past membership of someone who never left by the log is told unless it is newer', async () => {
  const past = (user: string, leftSeq: number, position: number) => (store: StateStore) =>
    store.writeTimeline([], [{ conversationId: GROUP, user, joinedSeq: 1, leftSeq, position }]);
  for (const user of ['bob', 'zoe']) {
    const { conversations, sentences } = await compared([], [], { andLive: past(user, 3, BELOW) });
    assert.equal(conversations.different, 1);
    assert.match(sentences.join(), new RegExp(`${user} was a member from 1 to 3 in the live tables, never by the log`));
  }
  const newer = await compared([], [], { andLive: past('bob', 6, ABOVE) });
  assert.deepEqual([newer.conversations.different, newer.sentences], [0, []]);
});

for (const from of ['inbox', 'messages'] as const)
  test(`a hole below the live head is told, and so is what stands behind something newer (${from})`, async () => {
    const newer = { inboxSeq: 3, seq: 6, position: ABOVE };
    const behindHole = [...entriesOf(1, 2), { ...newer, inboxSeq: 4 }];
    const hole = await compared(entriesOf(1, 2), behindHole, { from, liveHead: 4 });
    assert.match(hole.sentences.join(), /inbox of bob: entry 3 is missing in the live tables, below their head at 4/);
    const old = [...entriesOf(1, 2), newer, { inboxSeq: 4, seq: 2 }];
    const behindNewer = await compared(entriesOf(1, 2), old, { from });
    assert.match(behindNewer.sentences.join(), /entry 4 \S+\/2 MessageSent\) is in the live tables, and the log/);
    const alone = await compared([], [], { from, andLive: (store) => write(store, 'zoe', [newer], 3) });
    assert.deepEqual([alone.strangers, alone.sentences.length], [1, 1]);
  });

test('a hole below the live head is told of an inbox in another order too', async () => {
  const live = [...entriesOf(2, 1), { inboxSeq: 4, seq: 6, position: ABOVE }];
  const { users, sentences } = await compared(entriesOf(1, 2), live, { liveHead: 4 });
  assert.deepEqual([users.reordered, users.different], [0, 1]);
  assert.match(sentences.join(), /entry 3 is missing in the live tables, below their head at 4/);
});
