// What the checker finds is called by its right name: a small log that is in order, and one thing wrong with it at a time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeInboxRecord, encodeMessagesRecord, encodeTimelineEvent } from '../../../services/events/codec.ts';
import { directConversationId } from '../../../services/events/ids.ts';
import { positionOf } from '../../../services/events/position.ts';
import type { MessageSent } from '../../../services/events/timeline-events.ts';
import type { TopicName } from '../../../services/events/topics.ts';
import type { EventBody } from '../../../services/protocol/frames.ts';
import { checkClients, type ObservedDevice, type Seen } from '../../simulation/checker/check-clients.ts';
import { commandKey, ReplayedLog } from '../../simulation/checker/replayed-log.ts';
import { VIOLATION_KINDS, type ViolationCounts, Violations } from '../../simulation/checker/violations.ts';

const TIME = 1_700_000_000_000;
const LAYOUT = { generation: 1, partitions: { messages: 1, timeline: 1, inbox: 1 } };
const CONVERSATION = directConversationId('ada', 'bea');
const TEXTS = ['one', 'two', 'three'];

/** UUIDv7 of TIME. */
const idOf = (index: number) => `018bcfe5-6800-7000-8000-00000000000${index}`;

const EVENTS = TEXTS.map((text, index): MessageSent => {
  const numbers = { seq: index + 1, ordinal: index + 1, time: TIME + index, position: positionOf(1, index) };
  const content = { contentType: 'text/plain', keyId: null, payload: Buffer.from(text) };
  return {
    type: 'MessageSent',
    conversationId: CONVERSATION,
    sender: 'ada',
    commandId: idOf(index),
    ...numbers,
    ...content,
  };
});

/** What the topics hold, and what everybody was told and shown. */
function makeWorld() {
  const origin = { node: 'edge', incarnation: 'one', session: 1, request: 1 };
  const messages = EVENTS.map(({ conversationId, sender, commandId, contentType, keyId, payload }) =>
    encodeMessagesRecord({
      type: 'SendMessage',
      conversationId,
      sender,
      commandId,
      origin,
      contentType,
      keyId,
      payload,
    }),
  );
  const timeline = EVENTS.map((event) => encodeTimelineEvent(event));
  const inbox = EVENTS.map((event, index) => inboxRecordOf(event, timeline[index]!));
  const entries = EVENTS.map((event, index) => ({ user: 'bea', inboxSeq: index + 1, event: bodyOf(event) }));
  const sent = EVENTS.map(({ seq }, order) => ({
    ...{ device: 'ada-phone', user: 'ada', conversationId: CONVERSATION, payload: TEXTS[order]!, order },
    ...{ progress: 'sequenced', seq: seq as number | null, code: null },
  }));
  const run = EVENTS.map((_, index) => ({ inboxSeq: index + 1 }));
  return {
    topics: { messages, timeline, inbox } as Record<TopicName, Buffer[]>,
    entries,
    accepted: new Set(EVENTS.map(({ commandId }) => commandKey('ada', commandId))),
    outcomes: EVENTS.map(({ commandId, seq }) => ({ user: 'ada', commandId, outcome: { result: 'sequenced', seq } })),
    ada: { user: 'ada', name: 'ada-phone', sent, runs: [[...run]] },
    bea: { user: 'bea', name: 'bea-phone', sent: [], runs: [[...run]] },
  };
}

function inboxRecordOf(event: MessageSent, encoded: Uint8Array, recipients = ['ada', 'bea']): Buffer {
  const { conversationId, seq, time, position } = event;
  const source = { sourcePartition: 0, sourcePosition: position };
  const lists = { recipients, joined: [], left: [] };
  return encodeInboxRecord({
    type: 'InboxEntries',
    kind: 'MessageSent',
    ...{ ...source, conversationId, seq, time, ...lists, event: encoded },
  });
}

function bodyOf({
  conversationId,
  seq,
  ordinal,
  sender,
  commandId,
  time,
  contentType,
  payload,
}: MessageSent): EventBody {
  const text = Buffer.from(payload).toString();
  const numbers = { conversationId, seq, ordinal, sender, clientMessageId: commandId, time };
  return { kind: 'message', ...numbers, contentType, payload: text } as EventBody;
}

function check(change: (world: ReturnType<typeof makeWorld>) => void): ViolationCounts {
  const made = makeWorld();
  change(made);
  const violations = new Violations();
  const partitions = (topic: TopicName) => [
    {
      number: 0,
      records: made.topics[topic].map((value, offset) => ({ offset, appendTime: TIME + offset, key: '', value })),
    },
  ];
  const replayed = new ReplayedLog({ layout: LAYOUT, partitions }, violations);
  const seen = {
    entries: new Map(made.entries.map((entry, index) => [String(index), entry])),
    history: new Map(),
    outcomes: made.outcomes,
    accepted: made.accepted,
  } as unknown as Seen;
  checkClients([made.ada, made.bea] as ObservedDevice[], seen, replayed, violations);
  return violations.counts;
}

const NONE: ViolationCounts = { lost: 0, repeated: 0, out_of_order: 0, renumbered: 0, other: 0 };
const kindsOf = (counts: ViolationCounts) => VIOLATION_KINDS.filter((kind) => counts[kind] > 0);

test('a log in order has nothing wrong with it', () => {
  assert.deepEqual(
    check(() => {}),
    NONE,
  );
});

const WRONG: readonly [string, string, (world: ReturnType<typeof makeWorld>) => void][] = [
  ['a receipt of what the log does not have', 'lost', ({ accepted }) => accepted.add(commandKey('ada', idOf(7)))],
  ['an inbox that ends too early', 'lost', ({ bea }) => bea.runs[0]!.pop()],
  ['a hole in what an application got', 'lost', ({ bea }) => bea.runs[0]!.splice(1, 1)],
  [
    'a send that never ended',
    'lost',
    ({ ada }) => {
      ada.sent.push({ ...ada.sent[0]!, payload: 'four', order: 3, progress: 'accepted', seq: null });
    },
  ],
  [
    'an event that the topic inbox gives to nobody',
    'lost',
    ({ topics, ada, bea }) => {
      topics.inbox.pop();
      for (const { runs } of [ada, bea]) runs[0]!.pop();
    },
  ],
  ['an entry that an application got twice', 'repeated', ({ bea }) => bea.runs[0]!.push({ inboxSeq: 3 })],
  ['an application that went back', 'out_of_order', ({ bea }) => bea.runs[0]!.push({ inboxSeq: 2 })],
  ['sends that stand in another order than they were made', 'out_of_order', ({ ada }) => ada.sent.reverse()],
  [
    'an outcome with another number',
    'renumbered',
    ({ outcomes }) => {
      outcomes[0] = { ...outcomes[0]!, outcome: { result: 'sequenced', seq: 2 } };
    },
  ],
  [
    'a number that was told to a sender, and is another',
    'renumbered',
    ({ ada }) => {
      ada.sent[0] = { ...ada.sent[0]!, seq: 2 };
    },
  ],
  [
    'an entry that is another at its number',
    'renumbered',
    ({ entries }) => {
      entries[0] = { ...entries[0]!, event: bodyOf(EVENTS[1]!) };
    },
  ],
];

for (const [what, kind, change] of WRONG) {
  test(`${what} is ${kind.replaceAll('_', ' ')}`, () => {
    const kinds: readonly string[] = kindsOf(check(change));
    assert.ok(kinds.includes(kind), `found ${kinds.join() || 'nothing'}`);
  });
}

test('an entry whose content is wrong is of no kind that has a name', () => {
  const changed = { ...EVENTS[0]!, payload: Buffer.from('ONE') };
  assert.deepEqual(
    check(({ entries }) => {
      entries[0] = { ...entries[0]!, event: bodyOf(changed) };
    }),
    { ...NONE, other: 1 },
  );
});

test('a message that stands in the log under two ids is repeated', () => {
  const again: MessageSent = {
    ...EVENTS[0]!,
    commandId: idOf(9),
    seq: 4,
    ordinal: 4,
    time: TIME + 3,
    position: positionOf(1, 3),
  };
  const counts = check(({ topics, ada, bea }) => {
    const { conversationId, sender, commandId, contentType, keyId, payload } = again;
    const origin = { node: 'edge', incarnation: 'one', session: 1, request: 2 };
    const command = { conversationId, sender, commandId, origin, contentType, keyId, payload };
    topics.messages.push(encodeMessagesRecord({ type: 'SendMessage', ...command }));
    topics.timeline.push(encodeTimelineEvent(again));
    topics.inbox.push(inboxRecordOf(again, encodeTimelineEvent(again)));
    for (const { runs } of [ada, bea]) runs[0]!.push({ inboxSeq: 4 });
  });
  assert.equal(kindsOf(counts)[0], 'repeated');
});

test('violations of two books are added, their sentences once', () => {
  const [one, other] = [new Violations(), new Violations()];
  one.add('a', 'lost');
  other.add('a', 'lost');
  other.add('b');
  one.addAll(other);
  assert.deepEqual(one.sentences, ['a', 'b']);
  assert.deepEqual(one.counts, { ...NONE, lost: 2, other: 1 });
  assert.equal(one.count, 3);
});
