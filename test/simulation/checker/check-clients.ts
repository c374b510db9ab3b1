// What clients were told and shown, against the replayed log.
import type { EventBody, InboxEntry } from '../../../services/protocol/frames.ts';
import type { Device, SentRecord } from '../world/device.ts';
import type { Observations, SeenEntry } from '../world/observations.ts';
import { nameOf } from './pointer.ts';
import type { ExpectedEvent } from './reference-decider.ts';
import { commandKey, type ReplayedLog } from './replayed-log.ts';
import type { ViolationKind, Violations } from './violations.ts';

const KINDS: Record<string, string> = {
  MessageSent: 'message',
  ConversationCreated: 'created',
  MembersAdded: 'added',
  MemberRemoved: 'removed',
  MemberLeft: 'left',
};

/** Of real devices and simulated ones. */
export type ObservedDevice = Pick<Device, 'user' | 'name' | 'sent'> & {
  /** Entries of each run of the client, in the order the application got them; after a reset another one begins. */
  readonly runs: readonly (readonly Numbered[])[];
  /** Those since it last told the application to start over; absent: it never did. */
  readonly lastRuns?: readonly (readonly Numbered[])[];
};
type Numbered = Pick<InboxEntry, 'inboxSeq'>;
export type Seen = Pick<Observations, 'history' | 'outcomes' | 'accepted'> & {
  readonly entries: ReadonlyMap<string, SeenEntry>;
};

export function checkClients(
  devices: readonly ObservedDevice[],
  observations: Seen,
  replayed: ReplayedLog,
  violations: Violations,
): void {
  checkSeen(observations, replayed, violations);
  checkTold(observations, replayed, violations);
  for (const device of devices) {
    checkRuns(device, replayed, violations);
    checkSent(device, replayed, violations);
  }
  checkSecondMessages(replayed, violations);
}

/** Every push, pull and page of history: the right content, to somebody entitled to it. */
function checkSeen(observations: Seen, replayed: ReplayedLog, violations: Violations): void {
  for (const { user, epoch, inboxSeq, event } of observations.entries.values()) {
    const wanted = replayed.inbox(user, epoch)[inboxSeq - 1];
    const where = `${user} was given inboxSeq ${inboxSeq}${epoch === undefined ? '' : ` of epoch ${epoch}`}`;
    if (wanted === undefined) violations.add(`${where}, ${nameOf(event)}, which their inbox does not have`);
    else if (nameOf(wanted) !== nameOf(event))
      violations.add(`${where} as ${nameOf(event)}, it is ${nameOf(wanted)}`, 'renumbered');
    else if (!isSame(event, replayed.event(wanted)!))
      violations.add(`${where}, ${nameOf(event)}, with a wrong content`);
  }
  for (const { user, event } of observations.history.values()) {
    const conversation = replayed.conversations.get(event.conversationId);
    const expected = replayed.event(event);
    if (expected === undefined || !isSame(event, expected)) {
      violations.add(`${user} was given ${nameOf(event)} as history with a wrong content`);
    } else if (!conversation!.mayRead(user, event.seq)) {
      violations.add(`${user} was given ${nameOf(event)} as history and was not a member then`);
    }
  }
}

/** Every outcome that was told is one that was decided; every accepted command is in the log. */
function checkTold(observations: Seen, replayed: ReplayedLog, violations: Violations): void {
  for (const key of observations.accepted) {
    if (!replayed.commands.has(key)) violations.add(`the command ${key} was accepted and is not in the log`, 'lost');
  }
  for (const { user, commandId, outcome } of observations.outcomes) {
    const decided = replayed.commands.get(commandKey(user, commandId)) ?? [];
    const isTrue = decided.some((one) => {
      if (one.outcome.result !== outcome.result) return false;
      if (one.outcome.result === 'sequenced') return one.outcome.seq === outcome.seq;
      return one.outcome.result === 'unchanged' || one.outcome.code === outcome.code;
    });
    if (isTrue) continue;
    const kind = outcome.result === 'sequenced' ? 'renumbered' : 'other';
    violations.add(`${user} was told ${JSON.stringify(outcome)} of ${commandId}, which was not decided`, kind);
  }
}

/** Each run of a client got dense, growing numbers. */
function checkRuns(device: ObservedDevice, replayed: ReplayedLog, violations: Violations): void {
  const inbox = replayed.inbox(device.user);
  for (const run of device.runs) {
    for (const [index, entry] of run.entries()) {
      const before = run[index - 1];
      if (before !== undefined && entry.inboxSeq !== before.inboxSeq + 1) {
        violations.add(`${device.name} got ${entry.inboxSeq} after ${before.inboxSeq}`, jumpKind(before, entry));
      }
    }
  }
  const got = new Set((device.lastRuns ?? device.runs).flat().map(({ inboxSeq }) => inboxSeq));
  for (let inboxSeq = 1; inboxSeq <= inbox.length; inboxSeq++) {
    if (got.has(inboxSeq)) continue;
    violations.add(`${device.name} never got ${nameOf(inbox[inboxSeq - 1]!)} at inboxSeq ${inboxSeq}`, 'lost');
    break;
  }
}

function jumpKind(before: Numbered, next: Numbered): ViolationKind {
  if (next.inboxSeq === before.inboxSeq) return 'repeated';
  return next.inboxSeq < before.inboxSeq ? 'out_of_order' : 'lost';
}

/** Every send ended, truthfully, and the sequenced ones stand in the order of sending. */
function checkSent(device: ObservedDevice, replayed: ReplayedLog, violations: Violations): void {
  const decided = new Map<string, ReturnType<typeof decisionsOf>>();
  for (const record of device.sent) decided.set(record.payload, decisionsOf(record, replayed));
  const last = new Map<string, { seq: number; payload: string }>();
  for (const record of device.sent) {
    const { seqs, codes, ids, refusedFirst } = decided.get(record.payload)!;
    const name = `${record.payload} of ${device.name}`;
    if (ids.size > 1) violations.add(`${name} stands in the log under ${ids.size} ids`, 'repeated');
    if (record.progress === 'sequenced' && !seqs.has(record.seq ?? -1)) {
      const kind = seqs.size === 0 ? 'lost' : 'renumbered';
      violations.add(`${name} was told seq ${record.seq} and has ${[...seqs].join() || 'none'}`, kind);
    }
    if (record.progress === 'rejected' && !codes.has(record.code ?? '')) {
      violations.add(`${name} was told ${record.code}, decided was ${[...codes].join() || 'nothing of the kind'}`);
    }
    if (record.progress === 'perhaps_not_sent' && !codes.has('too_old')) {
      violations.add(`${name} was told perhaps not sent and is not too old`);
    }
    if (['queued', 'accepted'].includes(record.progress) && seqs.size === 0 && codes.size === 0) {
      violations.add(`${name} never ended`, 'lost');
    }
    const [seq] = seqs;
    // A send that was refused first and judged again later has lost its place.
    if (seq === undefined || refusedFirst) continue;
    const before = last.get(record.conversationId);
    if (before !== undefined && before.seq > seq) {
      const wrong = `${name} has seq ${seq} in ${record.conversationId}, ${before.payload} before it ${before.seq}`;
      violations.add(wrong, 'out_of_order');
    }
    last.set(record.conversationId, { seq, payload: record.payload });
  }
}

function decisionsOf(record: SentRecord, replayed: ReplayedLog) {
  const seqs = new Set<number>();
  const codes = new Set<string>();
  const ids = new Set<string>();
  let refusedFirst = false;
  for (const { command, outcome } of replayed.sendsOf(record.user, record.payload)) {
    ids.add(command.commandId);
    if (outcome.result === 'sequenced') seqs.add(outcome.seq);
    if (outcome.result !== 'rejected') continue;
    codes.add(outcome.code);
    if (seqs.size === 0) refusedFirst = true;
  }
  return { seqs, codes, ids, refusedFirst };
}

/** No payload, and no id, has two numbers. */
function checkSecondMessages(replayed: ReplayedLog, violations: Violations): void {
  const seen = new Map<string, string>();
  for (const { events } of replayed.conversations.values()) {
    for (const event of events) {
      if (event.type !== 'MessageSent') continue;
      const key = `${event.sender} ${event.detail}`;
      const before = seen.get(key);
      if (before !== undefined) violations.add(`${key} is both ${before} and ${nameOf(event)}`, 'repeated');
      seen.set(key, nameOf(event));
    }
  }
}

function isSame(body: EventBody, event: ExpectedEvent): boolean {
  return (
    body.kind === KINDS[event.type] &&
    body.ordinal === event.ordinal &&
    body.sender === event.sender &&
    body.clientMessageId === event.commandId &&
    body.time === event.time &&
    detailOf(body) === event.detail
  );
}

function detailOf(body: EventBody): string {
  switch (body.kind) {
    case 'message':
      return body.payload;
    case 'created':
    case 'added':
      return body.members.join();
    case 'removed':
      return body.member;
    case 'left':
      return body.successor ?? '';
  }
}
