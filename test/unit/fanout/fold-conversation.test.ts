import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { foldConstants } from '../../../services/events/fold-constants.ts';
import { compareIds } from '../../../services/events/ids.ts';
import type { TimelineEvent } from '../../../services/events/timeline-events.ts';
import {
  type ConversationState,
  stateFromRows,
  staticRowOf,
  unbornConversation,
} from '../../../services/fanout/conversation-state.ts';
import { type Decision, step } from '../../../services/fanout/fold-conversation.ts';
import type { TimelineRow } from '../../../services/ports/store/state-store.ts';
import { commandId, history, type Taken } from './random-commands.ts';

/** The state as bytes: two states that decide alike for ever are equal here, and the other way round. */
function bytesOf(state: ConversationState): string {
  const members = [...state.members.values()].sort((a, b) => compareIds(a.user, b.user));
  const { audience: _, ...rest } = state;
  return JSON.stringify({ ...rest, members, remembered: [...state.remembered] });
}

function fold(state: ConversationState, taken: readonly Taken[]): Decision[] {
  return taken.map(({ command, ...at }) => step(state, command, at));
}

/** What the store holds: every event's row, and the state's rows. */
function reload(state: ConversationState, events: readonly TimelineEvent[]): ConversationState {
  if (state.kind === null) return unbornConversation(state.conversationId);
  const members = [...state.members.values()].sort((a, b) => compareIds(a.user, b.user));
  const tail: TimelineRow[] = events
    .filter(({ seq, time }) => seq <= state.seq && time >= state.time - foldConstants.id_remembered_ms)
    .map((event) => ({ ...event, event: new Uint8Array() }));
  return stateFromRows({ ...staticRowOf(state), members }, tail);
}

function eventsOf(decisions: readonly Decision[]): TimelineEvent[] {
  return decisions.flatMap(({ event }) => (event === null ? [] : [event]));
}

const conversationOf = (taken: readonly Taken[]) => unbornConversation(taken[0]?.command.conversationId ?? 'g:');

describe('the fold of a conversation, for any history', () => {
  test('decides the same again, byte for byte', () => {
    fc.assert(
      fc.property(history, (taken) => {
        const [a, b] = [conversationOf(taken), conversationOf(taken)];
        assert.deepEqual(fold(a, taken), fold(b, taken));
        assert.equal(bytesOf(a), bytesOf(b));
      }),
    );
  });

  test('reloaded from its rows after any prefix, goes on as if it had never been away', () => {
    fc.assert(
      fc.property(history, fc.nat(60), (taken, cut) => {
        const whole = conversationOf(taken);
        const decisions = fold(whole, taken);
        const before = conversationOf(taken);
        const prefix = fold(before, taken.slice(0, cut));
        const loaded = reload(before, eventsOf(decisions));
        assert.equal(bytesOf(loaded), bytesOf(before));
        const suffix = fold(loaded, taken.slice(cut));
        assert.deepEqual([...prefix, ...suffix], decisions);
        assert.equal(bytesOf(loaded), bytesOf(whole));
      }),
      { numRuns: 300 },
    );
  });

  test('numbers densely, never lets time fall, and decides each id at most once', () => {
    fc.assert(
      fc.property(history, (taken) => {
        const events = eventsOf(fold(conversationOf(taken), taken));
        let ordinal = 0;
        let time = 0;
        const seen = new Set<string>();
        for (const [i, event] of events.entries()) {
          assert.equal(event.seq, i + 1);
          if (event.type === 'MessageSent') ordinal++;
          assert.equal(event.ordinal, ordinal);
          assert.ok(event.time >= time);
          time = event.time;
          const id = `${event.sender} ${event.commandId}`;
          assert.ok(!seen.has(id), id);
          seen.add(id);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('takes a command again with the first result, as long as the id is remembered', () => {
    fc.assert(
      fc.property(history, (taken) => {
        const state = conversationOf(taken);
        fold(state, taken);
        for (const { command } of taken) {
          const first = state.remembered.find(command.sender, command.commandId);
          if (first === undefined) continue;
          const { outcome, event } = step(state, command, { position: state.asOf + 1, appendTime: state.time });
          assert.equal(event, null);
          assert.deepEqual(outcome, { result: 'sequenced', seq: first.seq, time: first.time, repeat: true });
        }
      }),
    );
  });

  test('lets only members write, and gives each event to the members after it and to whom it ended', () => {
    fc.assert(
      fc.property(history, (taken) => {
        const state = conversationOf(taken);
        const present = new Set<string>();
        for (const { command, ...at } of taken) {
          const { event, recipients, joined, ended, outcome } = step(state, command, at);
          if (event === null) continue;
          assert.equal(outcome.result, 'sequenced');
          if (event.type === 'MessageSent' && event.seq > 1) assert.ok(present.has(event.sender));
          for (const user of joined) present.add(user);
          assert.deepEqual(new Set(recipients), new Set(present));
          for (const { user, joinedSeq } of ended) {
            assert.ok(joinedSeq < event.seq);
            present.delete(user);
          }
          assert.deepEqual(present, new Set(state.members.keys()));
          assert.ok(present.size <= state.memberLimit);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('always has an owner while a group has members', () => {
    fc.assert(
      fc.property(history, (taken) => {
        const state = conversationOf(taken);
        for (const { command, ...at } of taken) {
          step(state, command, at);
          const roles = [...state.members.values()].map(({ role }) => role);
          if (state.kind === 'group' && roles.length > 0)
            assert.equal(roles.filter((role) => role === 'owner').length, 1);
        }
      }),
    );
  });
});

describe('the fold of a conversation', () => {
  const time = 1_700_000_000_000;
  const origin = { node: 'n', incarnation: 'i', session: 1, request: 1 };
  const group = 'g:00000000000000000000000000000001';
  const common = (sender: string, number: number, made = time) => ({
    conversationId: group,
    sender,
    commandId: commandId(made, number),
    origin,
  });
  const send = (sender: string, number: number, made = time) =>
    ({
      type: 'SendMessage',
      ...common(sender, number, made),
      contentType: 'text/plain',
      keyId: null,
      payload: Buffer.from('x'),
    }) as const;
  const created = () => {
    const state = unbornConversation(group);
    step(
      state,
      { type: 'CreateConversation', ...common('alice', 1), title: 'T', memberLimit: 3, members: ['bob'] },
      { position: 1, appendTime: time },
    );
    return state;
  };

  test('refuses ids from the future, and ids too old to know, before it looks at membership', () => {
    const at = { position: 2, appendTime: time };
    assert.deepEqual(step(created(), send('eve', 2, time + foldConstants.id_ahead_ms_max + 1), at).outcome, {
      result: 'rejected',
      code: 'clock',
    });
    assert.deepEqual(step(created(), send('eve', 2, time - foldConstants.id_behind_ms_max - 1), at).outcome, {
      result: 'rejected',
      code: 'too_old',
    });
    assert.deepEqual(step(created(), send('eve', 2, time + foldConstants.id_ahead_ms_max), at).outcome, {
      result: 'rejected',
      code: 'not_a_member',
    });
  });

  test('moves the conversation’s time with refused commands too', () => {
    const state = created();
    step(state, send('eve', 2, time), { position: 2, appendTime: time + 3_600_000 });
    assert.equal(state.time, time + 3_600_000);
    assert.equal(state.asOf, 2);
    assert.deepEqual(step(state, send('bob', 3, time), { position: 3, appendTime: time }).outcome, {
      result: 'rejected',
      code: 'too_old',
    });
  });

  test('leaves no trace of refusals on a conversation that does not exist', () => {
    const state = unbornConversation(group);
    assert.deepEqual(step(state, send('alice', 1), { position: 9, appendTime: time }).outcome, {
      result: 'rejected',
      code: 'conversation_not_found',
    });
    assert.equal(bytesOf(state), bytesOf(unbornConversation(group)));
  });

  test('hands a group over to its oldest member when the last owner leaves', () => {
    const state = created();
    step(state, { type: 'AddMembers', ...common('alice', 2), members: ['aaron'] }, { position: 2, appendTime: time });
    const { event, touched } = step(
      state,
      { type: 'LeaveConversation', ...common('alice', 3) },
      { position: 3, appendTime: time },
    );
    assert.equal(event?.type === 'MemberLeft' && event.successor, 'bob');
    assert.deepEqual([...touched].sort(), ['alice', 'bob']);
    assert.equal(state.members.get('bob')?.role, 'owner');
  });

  test('adds nobody when not everybody fits, and says so', () => {
    const state = created();
    const { outcome } = step(
      state,
      { type: 'AddMembers', ...common('alice', 2), members: ['c', 'd'] },
      { position: 2, appendTime: time },
    );
    assert.deepEqual(outcome, { result: 'rejected', code: 'conversation_full' });
    assert.equal(state.members.size, 2);
  });

  test('changes nothing when a member is added again, and takes no seq for it', () => {
    const state = created();
    const { outcome, event } = step(
      state,
      { type: 'AddMembers', ...common('alice', 2), members: ['bob'] },
      { position: 2, appendTime: time },
    );
    assert.deepEqual([outcome, event, state.seq], [{ result: 'unchanged' }, null, 1]);
  });

  test('keeps ids for as long as they could come again, and no longer', () => {
    const state = created();
    step(state, send('bob', 2), { position: 2, appendTime: time });
    step(state, send('bob', 3, time + foldConstants.id_remembered_ms), {
      position: 3,
      appendTime: time + foldConstants.id_remembered_ms,
    });
    assert.equal(state.remembered.size, 3);
    step(state, send('eve', 4, time), { position: 4, appendTime: time + foldConstants.id_remembered_ms + 1 });
    assert.equal(state.remembered.size, 1);
  });
});
