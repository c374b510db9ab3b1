// The records of one publish call as bytes; one entry of a stream.
//
//   layout | record ...
//   entry     1 | conversation | seq | kind | event | count | count * (user | inboxSeq)
//   outcome   2 | session | request | conversation | command | 1 seq time repeat · 2 · 3 code
//   behind    3 | count | users
//   canary    4 | canary | source partition | inbox partition
//   entry     5 | epoch | as 1
//
// An entry of set 0 of the tables is written as 1, without its epoch: versions before table sets read and write that, and
// run beside this one while a cluster is upgraded. They must be gone before a set is switched to.
//
// Numbers are 7-bit groups, texts and events have their length before them.
import { ENTRY_KINDS, type EntryKind } from '../../../events/inbox-records.ts';
import type { Outcome, RejectionCode } from '../../../events/outcome.ts';
import type { DeliveryRecord, Recipient } from '../delivery-stream.ts';
import { ByteSink, ByteSource } from './bytes.ts';

const LAYOUT = 1;
const TYPES = { entry: 1, outcome: 2, behind: 3, canary: 4 } as const;
const ENTRY_OF_EPOCH = 5;
const RESULTS = { sequenced: 1, unchanged: 2, rejected: 3 } as const;
const KIND_NUMBERS = new Map<string, number>(ENTRY_KINDS.map((kind, number) => [kind, number]));

/** Written by a version that knows more, or not by us. */
export class UnknownDeliveryError extends Error {
  constructor(what: string) {
    super(`a delivery cannot be read: ${what}`);
    this.name = 'UnknownDeliveryError';
  }
}

/** The bytes are the caller's own. */
export function encodeRecords(records: readonly DeliveryRecord[]): Buffer {
  const sink = new ByteSink().byte(LAYOUT);
  for (const record of records) {
    if (record.type === 'entry') {
      if (record.epoch === null) sink.byte(TYPES.entry);
      else sink.byte(ENTRY_OF_EPOCH).number(record.epoch);
      sink.text(record.conversationId).number(record.seq).byte(KIND_NUMBERS.get(record.kind)!).blob(record.event);
      sink.number(record.recipients.length);
      for (const { user, inboxSeq } of record.recipients) sink.text(user).number(inboxSeq);
    } else if (record.type === 'outcome') {
      sink
        .byte(TYPES.outcome)
        .number(record.session)
        .number(record.request)
        .text(record.conversationId)
        .text(record.commandId);
      encodeOutcome(sink, record.outcome);
    } else if (record.type === 'behind') {
      sink.byte(TYPES.behind).number(record.users.length);
      for (const user of record.users) sink.text(user);
    } else {
      sink.byte(TYPES.canary).text(record.canaryId).number(record.sourcePartition).number(record.inboxPartition);
    }
  }
  return sink.end();
}

/** Events are views of `bytes`. @throws UnknownDeliveryError */
export function decodeRecords(bytes: Buffer, to: DeliveryRecord[]): void {
  const source = new ByteSource(bytes);
  if (source.byte() !== LAYOUT) throw new UnknownDeliveryError(`layout ${bytes[0]}`);
  while (!source.done) to.push(decodeRecord(source));
  if (source.overrun) throw new UnknownDeliveryError('it ends too early');
}

function decodeRecord(source: ByteSource): DeliveryRecord {
  const type = source.byte();
  if (type === TYPES.entry || type === ENTRY_OF_EPOCH) {
    const epoch = type === TYPES.entry ? null : source.number();
    const conversationId = source.text();
    const seq = source.number();
    const kind = kindOf(source.byte());
    const event = source.blob();
    const recipients = source.list((): Recipient => ({ user: source.text(), inboxSeq: source.number() }));
    return { type: 'entry', epoch, conversationId, seq, kind, event, recipients };
  }
  if (type === TYPES.outcome) {
    const [session, request] = [source.number(), source.number()];
    const [conversationId, commandId] = [source.text(), source.text()];
    return { type: 'outcome', session, request, conversationId, commandId, outcome: decodeOutcome(source) };
  }
  if (type === TYPES.behind) return { type: 'behind', users: source.list(() => source.text()) };
  if (type === TYPES.canary) {
    const canaryId = source.text();
    return { type: 'canary', canaryId, sourcePartition: source.number(), inboxPartition: source.number() };
  }
  throw new UnknownDeliveryError(`type ${type}`);
}

function encodeOutcome(sink: ByteSink, outcome: Outcome): void {
  sink.byte(RESULTS[outcome.result]);
  if (outcome.result === 'sequenced') {
    sink
      .number(outcome.seq)
      .number(outcome.time)
      .byte(outcome.repeat ? 1 : 0);
  } else if (outcome.result === 'rejected') {
    sink.text(outcome.code);
  }
}

function decodeOutcome(source: ByteSource): Outcome {
  const result = source.byte();
  if (result === RESULTS.sequenced) {
    const [seq, time] = [source.number(), source.number()];
    return { result: 'sequenced', seq, time, repeat: source.byte() === 1 };
  }
  if (result === RESULTS.unchanged) return { result: 'unchanged' };
  if (result === RESULTS.rejected) return { result: 'rejected', code: source.text() as RejectionCode };
  throw new UnknownDeliveryError(`outcome ${result}`);
}

function kindOf(number: number): EntryKind {
  const kind = ENTRY_KINDS[number];
  if (kind === undefined) throw new UnknownDeliveryError(`kind ${number}`);
  return kind;
}
