// What an append says when things go wrong on its way: never "done" for what was not written, and never for ever.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppendError, type EventLog, type LogRecord, type NewRecord } from '../../services/ports/log/event-log.ts';
import type { KafkaEventLogOptions } from '../../services/ports/log/kafka/kafka-event-log.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { KafkaTopics, randomLayout } from './kafka-subject.ts';
import { TcpProxy } from './tcp-proxy.ts';

let topics: KafkaTopics;
let proxy: TcpProxy;
let direct: EventLog;
let nextPartition = 0;
/** The last two: for who needs no partition of its own. */
const [PARTITION_OF_MANY, PARTITION_OF_WARMING] = [14, 15];

before(async () => {
  topics = await KafkaTopics.create(randomLayout(16));
  proxy = await TcpProxy.to(topics.brokers[0]!);
  direct = topics.open();
});

after(async () => {
  await proxy.become('pass');
  await topics.remove();
  await proxy.close();
});

/** A partition that no other test of this file uses. */
function freshPartition(): number {
  assert.ok(nextPartition < PARTITION_OF_MANY);
  return nextPartition++;
}

/** A log whose way to the broker is the proxy; connected, so that nothing but the append is on it. */
async function openBehindProxy(options: Partial<KafkaEventLogOptions> = {}): Promise<EventLog> {
  await proxy.become('pass');
  const route = () => ({ host: '127.0.0.1', port: proxy.port });
  const log = topics.open({ route, ...options });
  await log.append('inbox', [{ partition: PARTITION_OF_WARMING, records: [record('warm')] }]);
  return log;
}

function record(text: string, size = text.length): NewRecord {
  return { key: 'k', value: Buffer.from(text.padEnd(size)) };
}

function textsOf(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => Buffer.from(value).toString().trimEnd());
}

async function outcomeOf(appending: Promise<void>): Promise<string> {
  try {
    await appending;
    return 'written';
  } catch (error) {
    assert.ok(error instanceof AppendError, String(error));
    return error.outcome;
  }
}

/** Refusals are certain: what is refused until the connection is new leaves nothing behind. */
async function appendWhenBack(log: EventLog, partition: number, records: readonly NewRecord[]): Promise<void> {
  for (;;) {
    const outcome = await outcomeOf(log.append('messages', [{ partition, records }]));
    if (outcome === 'written') return;
    assert.equal(outcome, 'refused');
    await new Promise(setImmediate);
  }
}

describe('an append to Kafka', () => {
  it('whose reply is lost is unknown, and its repeat is a second copy', TEST_LIMITS, async () => {
    const log = await openBehindProxy();
    const partition = freshPartition();
    const batches = [{ partition, records: [record('one'), record('two')] }];
    await proxy.become('cut');
    assert.equal(await outcomeOf(log.append('messages', batches)), 'unknown');
    assert.deepEqual(textsOf(await direct.readFrom('messages', partition, 0, 10)), ['one', 'two']);
    await proxy.become('pass');
    await appendWhenBack(log, partition, batches[0]!.records);
    assert.deepEqual(textsOf(await direct.readFrom('messages', partition, 0, 10)), ['one', 'two', 'one', 'two']);
  });

  it('through a new connection is not unknown because a former one ends only now', TEST_LIMITS, async () => {
    let log!: EventLog;
    const next = () => outcomeOf(log.append('messages', [{ partition: PARTITION_OF_MANY, records: [record('next')] }]));
    proxy.lateEnd_ms = 20;
    try {
      for (const wait_ms of [5, 10, 15, 20]) {
        log = await openBehindProxy();
        await proxy.become('cut');
        assert.equal(await next(), 'unknown');
        // The questions about the leader are cut as well, whereupon all connections to the broker are closed.
        await sleep(wait_ms);
        await proxy.become('pass');
        await appendWhenBack(log, PARTITION_OF_MANY, [record('back')]);
        // Always several on their way: the end is to come while there are.
        const until = performance.now() + 50;
        const many = async () => {
          while (performance.now() < until) assert.equal(await next(), 'written');
        };
        await Promise.all([many(), many(), many()]);
        await log.close();
      }
    } finally {
      proxy.lateEnd_ms = 0;
      await log.close();
    }
  });

  it('whose reply never comes is unknown at its deadline, and the next goes on', TEST_LIMITS, async () => {
    const log = await openBehindProxy({ append_deadline_ms: 300 });
    const partition = freshPartition();
    await proxy.become('hold');
    const hanging = outcomeOf(log.append('messages', [{ partition, records: [record('hangs')] }]));
    assert.equal(await hanging, 'unknown');
    await proxy.become('pass');
    await appendWhenBack(log, partition, [record('after')]);
    assert.deepEqual(textsOf(await direct.readFrom('messages', partition, 0, 10)), ['hangs', 'after']);
  });

  it('that waits behind one without a reply is refused: it was never sent', TEST_LIMITS, async () => {
    const log = await openBehindProxy({ append_deadline_ms: 2_000 });
    const partition = freshPartition();
    await proxy.become('hold');
    const hanging = outcomeOf(log.append('messages', [{ partition, records: [record('hangs')] }]));
    // It has left: what comes now cannot join it.
    while ((await direct.readFrom('messages', partition, 0, 10)).length === 0) await new Promise(setImmediate);
    const waiting = outcomeOf(log.append('messages', [{ partition, records: [record('waits')] }]));
    assert.deepEqual([await hanging, await waiting], ['unknown', 'refused']);
    assert.deepEqual(textsOf(await direct.readFrom('messages', partition, 0, 10)), ['hangs']);
  });

  it('is refused at once while Kafka is away, and goes through when it is back', TEST_LIMITS, async () => {
    const log = await openBehindProxy();
    const partition = freshPartition();
    const batches = [{ partition, records: [record('one')] }];
    await proxy.become('refuse');
    const startedAt_ms = performance.now();
    const first = await outcomeOf(log.append('messages', batches));
    assert.notEqual(first, 'written');
    assert.equal(await outcomeOf(log.append('messages', batches)), 'refused');
    assert.ok(performance.now() - startedAt_ms < 10_000);
    await proxy.become('pass');
    await appendWhenBack(log, partition, batches[0]!.records);
    assert.deepEqual(textsOf(await direct.readFrom('messages', partition, 0, 10)), ['one']);
  });

  it('is refused at once when too many bytes wait already', TEST_LIMITS, async () => {
    const log = await openBehindProxy({ append_deadline_ms: 1_000, waiting_bytes_max: 1_000 });
    const partition = freshPartition();
    await proxy.become('hold');
    const hanging = outcomeOf(log.append('messages', [{ partition, records: [record('hangs', 900)] }]));
    const settled = await Promise.race([
      outcomeOf(log.append('messages', [{ partition, records: [record('too many', 900)] }])),
      hanging.then(() => 'waited'),
    ]);
    assert.equal(settled, 'refused');
    await hanging;
  });

  it('fails when one of its partitions failed, whatever the others say', TEST_LIMITS, async () => {
    const log = await openBehindProxy();
    const [written, failed] = [freshPartition(), freshPartition()];
    const batches = [written, failed].map((partition) => ({ partition, records: [record('one')] }));
    const replies = rewriteReplies((reply) => {
      const at = entryOf(reply, failed);
      if (at !== null) reply.writeInt16BE(6, at + 4); // NOT_LEADER_OR_FOLLOWER
    });
    assert.equal(await outcomeOf(log.append('messages', batches)), 'unknown');
    assert.ok(replies.seen > 0);
    proxy.rewrite = (answer) => answer;
  });

  it('fails when the reply does not name every partition', TEST_LIMITS, async () => {
    const log = await openBehindProxy();
    const [named, unnamed] = [freshPartition(), freshPartition()];
    const batches = [named, unnamed].map((partition) => ({ partition, records: [record('one')] }));
    const replies = rewriteReplies((reply) => {
      const at = entryOf(reply, unnamed);
      if (at !== null) reply.writeInt32BE(99, at);
    });
    assert.equal(await outcomeOf(log.append('messages', batches)), 'unknown');
    assert.ok(replies.seen > 0);
    proxy.rewrite = (answer) => answer;
  });

  it('of one of several under way fails alone', TEST_LIMITS, async () => {
    const log = await openBehindProxy();
    const [good, bad] = [freshPartition(), freshPartition()];
    rewriteReplies((reply) => {
      const at = entryOf(reply, bad);
      if (at !== null) reply.writeInt16BE(19, at + 4); // NOT_ENOUGH_REPLICAS
    });
    const outcomes = [good, bad].map((partition) =>
      outcomeOf(log.append('messages', [{ partition, records: [record('one')] }])),
    );
    assert.deepEqual(await Promise.all(outcomes), ['written', 'refused']);
    proxy.rewrite = (answer) => answer;
  });

  it('larger than Kafka takes at once goes in pieces, in order', TEST_LIMITS, async () => {
    const partition = freshPartition();
    const texts = Array.from({ length: 40 }, (_, i) => `record ${i}`);
    await direct.append('messages', [{ partition, records: texts.map((text) => record(text, 100_000)) }]);
    const read: LogRecord[] = [];
    while (read.length < texts.length) read.push(...(await direct.readFrom('messages', partition, read.length, 100)));
    assert.deepEqual(textsOf(read), texts);
  });

  it('of a record larger than Kafka takes is refused', TEST_LIMITS, async () => {
    const partition = freshPartition();
    const records = [record('small'), record('large', 2_000_000), record('small')];
    // The piece before it may be written, so that the whole is unknown; alone it is certain.
    assert.equal(await outcomeOf(direct.append('messages', [{ partition, records: [records[1]!] }])), 'refused');
    assert.equal(await outcomeOf(direct.append('messages', [{ partition, records }])), 'unknown');
    assert.deepEqual(textsOf(await direct.readFrom('messages', partition, 0, 10)), ['small']);
  });
});

it('a connection that ended inside an answer leaves nothing of it to the next', TEST_LIMITS, async () => {
  const log = await openBehindProxy();
  assert.equal(textsOf(await log.readFrom('inbox', PARTITION_OF_WARMING, 0, 1))[0], 'warm');
  await proxy.become('half');
  await assert.rejects(log.readFrom('inbox', PARTITION_OF_WARMING, 0, 1));
  await proxy.become('pass');
  const startedAt_ms = performance.now();
  for (;;) {
    const read = await log.readFrom('inbox', PARTITION_OF_WARMING, 0, 1).catch(() => []);
    if (read.length > 0) break;
    assert.ok(performance.now() - startedAt_ms < 4_000, 'its answers are not found any more');
    await new Promise(setImmediate);
  }
});

it('many calls at once open one connection of each kind', TEST_LIMITS, async () => {
  await proxy.become('refuse'); // closes what the tests above left open
  const log = await openBehindProxy();
  const before = proxy.connections;
  await Promise.all(Array.from({ length: 20 }, () => log.readFrom('inbox', PARTITION_OF_WARMING, 0, 1)));
  // One for questions, one for fetches.
  assert.equal(proxy.connections - before, 2);
});

/** Works on each produce reply on its way back: it is the only kind with one topic called `messages...`. */
function rewriteReplies(work: (reply: Buffer) => void): { seen: number } {
  const replies = { seen: 0 };
  proxy.rewrite = (answer) => {
    if (answer.indexOf('messages.g') !== 14) return answer;
    replies.seen++;
    work(answer);
    return answer;
  };
  return replies;
}

/** Where the partition's entry begins: size 4, correlation 4, topics 4, name, partitions 4, entries of 30 bytes. */
function entryOf(reply: Buffer, partition: number): number | null {
  const nameEnd = 14 + reply.readInt16BE(12);
  for (let i = 0; i < reply.readInt32BE(nameEnd); i++) {
    const at = nameEnd + 4 + i * 30;
    if (reply.readInt32BE(at) === partition) return at;
  }
  return null;
}
