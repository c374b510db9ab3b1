// A real embedded store in a folder of its own, and the rows that tests put into it: exactly those, holes included.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeTimelineEvent } from '../../../services/events/codec.ts';
import { directConversationId } from '../../../services/events/ids.ts';
import type { TimelineEvent } from '../../../services/events/timeline-events.ts';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import { openEnvironment } from '../../../services/ports/log/embedded/open-environment.ts';
import { LmdbStateStore } from '../../../services/ports/store/embedded/lmdb-state-store.ts';
import type { MemberRow } from '../../../services/ports/store/state-store.ts';

export const GROUP = `g:${'0'.repeat(32)}`;
export const DIRECT = directConversationId('alice', 'bob');

export class StoreWithRows {
  readonly #folder = mkdtempSync(join(tmpdir(), 'fanlog-reading-'));
  readonly #environment = openEnvironment(this.#folder);
  readonly store = new LmdbStateStore(this.#environment, systemRuntime);

  async close(): Promise<void> {
    await this.store.close();
    await this.#environment.close();
    rmSync(this.#folder, { recursive: true });
  }

  /** Timeline rows as if decided one after another; `seqs` says which of them are there. */
  async timeline(events: readonly TimelineEvent[]): Promise<void> {
    const rows = events.map((event) => {
      const { conversationId, seq, ordinal, sender, commandId, time, position } = event;
      const bytes = Uint8Array.from(encodeTimelineEvent(event));
      return { conversationId, seq, ordinal, sender, commandId, time, position, event: bytes };
    });
    await this.store.writeTimeline(rows, []);
  }

  async past(user: string, joinedSeq: number, leftSeq: number): Promise<void> {
    await this.store.writeTimeline([], [{ conversationId: GROUP, user, joinedSeq, leftSeq, position: leftSeq }]);
  }

  /** The state as flushed at `seq`. */
  async state(seq: number, members: Record<string, number>, conversationId = GROUP): Promise<void> {
    const kind = conversationId === GROUP ? 'group' : 'direct';
    const rows = Object.entries(members).map(([user, joinedSeq], index): [string, MemberRow] => {
      return [user, { user, joinedSeq, role: index === 0 ? 'owner' : 'member' }];
    });
    const title = kind === 'group' ? 'Friends' : '';
    const row = {
      conversationId,
      kind,
      seq,
      ordinal: seq,
      time: 1_000 + seq,
      asOf: seq,
      title,
      memberLimit: 9,
    } as const;
    await this.store.flushConversations([{ row, members: new Map(rows) }]);
  }

  async inbox(user: string, inboxSeqs: readonly number[], head: number, conversationId = GROUP): Promise<void> {
    const rows = inboxSeqs.map((inboxSeq) => {
      return { user, inboxSeq, conversationId, seq: inboxSeq, kind: 'MessageSent', position: inboxSeq } as const;
    });
    await this.store.writeInbox(rows, []);
    if (head > 0) await this.store.writeHeads([{ user, head, headAsOf: head, minimumSeq: 1 }]);
  }

  async membership(user: string, joinedSeq: number, leftSeq: number | null, conversationId = GROUP): Promise<void> {
    await this.store.writeInbox([], [{ user, conversationId, joinedSeq, leftSeq, position: leftSeq ?? joinedSeq }]);
  }
}

function common(seq: number, conversationId = GROUP) {
  const commandId = `01890000-0000-7000-8000-${String(seq).padStart(12, '0')}`;
  return { conversationId, seq, ordinal: seq, sender: 'alice', commandId, time: 1_000 + seq, position: seq };
}

export function message(seq: number, conversationId = GROUP): TimelineEvent {
  const payload = new TextEncoder().encode(`message ${seq}`);
  return { ...common(seq, conversationId), type: 'MessageSent', contentType: 'text/plain', keyId: null, payload };
}

export function messages(from: number, to: number, conversationId = GROUP): TimelineEvent[] {
  return Array.from({ length: to - from + 1 }, (_, i) => message(from + i, conversationId));
}

export function created(...members: string[]): TimelineEvent {
  return { ...common(1), type: 'ConversationCreated', title: 'Friends', memberLimit: 9, members };
}

export function added(seq: number, ...members: string[]): TimelineEvent {
  return { ...common(seq), type: 'MembersAdded', members };
}

export function removed(seq: number, member: string): TimelineEvent {
  return { ...common(seq), type: 'MemberRemoved', member };
}

export function left(seq: number, sender: string): TimelineEvent {
  return { ...common(seq), sender, type: 'MemberLeft', successor: null };
}
