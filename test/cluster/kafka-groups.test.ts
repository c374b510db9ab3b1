// What a member of a group is promised on Kafka, and what Kafka's clients get wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { topicOf } from '../../services/events/topics.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import {
  type LogRecord,
  type NewRecord,
  OffsetOutOfRangeError,
  type PartitionAssignment,
  PartitionRevokedError,
} from '../../services/ports/log/event-log.ts';
import { SESSION_MS } from '../../services/ports/log/kafka/group-member.ts';
import type { KafkaEventLog } from '../../services/ports/log/kafka/kafka-event-log.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { KafkaTopics } from './kafka-subject.ts';
import { TcpProxy } from './tcp-proxy.ts';

const PARTITIONS = 4;

let topics: KafkaTopics;
let log: KafkaEventLog;

beforeEach(async () => {
  topics = await KafkaTopics.create();
  log = topics.open();
});

function records(from: number, count: number, size = 20): NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({ key: 'k', value: Buffer.from(`value-${from + i}`.padEnd(size)) }));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5);
}

/** Collects what a member is handed; the assignments stay open until they are revoked. */
async function hold(member: KafkaEventLog, group = 'group') {
  const held = new Map<number, PartitionAssignment>();
  const subscription = await member.subscribe('messages', group, async (assignment) => {
    held.set(assignment.partition, assignment);
    await new Promise((resolve) => assignment.signal.addEventListener('abort', resolve));
    held.delete(assignment.partition);
  });
  return { held, subscription };
}

function committed(group: string): Promise<readonly { partition: number; offset: string }[]> {
  const topic = topicOf(topics.layout, 'messages');
  return withAdmin({ brokers: topics.brokers, logger: silentLogger }, async (admin) => {
    const [answer] = await admin.fetchOffsets({ groupId: `${group}.${topic}`, topics: [topic] });
    return answer?.partitions ?? [];
  });
}

function test(name: string, body: () => Promise<void>): void {
  it(name, TEST_LIMITS, async () => {
    try {
      await body();
    } finally {
      await topics.remove();
    }
  });
}

describe('a member of a Kafka group', () => {
  test('begins where it seeks, whatever was committed, and at no other place where nothing was', async () => {
    await log.append('messages', [{ partition: 0, records: records(0, 10) }]);
    const first = await hold(log);
    await until(() => first.held.size === PARTITIONS);
    first.held.get(0)!.commit(7);
    await until(async () =>
      (await committed('group')).some(({ partition, offset }) => partition === 0 && offset === '7'),
    );
    await first.subscription.close();

    const second = await hold(topics.open());
    await until(() => second.held.size === PARTITIONS);
    const assignment = second.held.get(0)!;
    assignment.seek(2);
    assert.equal((await assignment.read(1))[0]!.offset, 2);
    const nothingCommitted = second.held.get(1)!;
    await log.append('messages', [{ partition: 1, records: records(0, 3) }]);
    nothingCommitted.seek(0);
    assert.equal((await nothingCommitted.read(1))[0]!.offset, 0);
  });

  test('that lost a partition commits nothing there any more', async () => {
    await log.append('messages', [{ partition: 0, records: records(0, 10) }]);
    const first = await hold(log);
    await until(() => first.held.size === PARTITIONS);
    const lost = first.held.get(0)!;
    await first.subscription.close();
    const second = await hold(topics.open());
    await until(() => second.held.size === PARTITIONS);
    second.held.get(0)!.commit(3);
    lost.commit(9);
    const of = async () => (await committed('group')).find(({ partition }) => partition === 0)?.offset;
    await until(async () => (await of()) === '3');
    second.held.get(0)!.commit(4);
    await until(async () => (await of()) !== '3');
    assert.equal(await of(), '4');
  });

  test('is told when records that it has not read yet were trimmed, and is never given later ones', async () => {
    for (let i = 0; i < 4; i++) await log.append('messages', [{ partition: 0, records: records(i * 300, 300, 2_000) }]);
    const read: LogRecord[] = [];
    let error: unknown = null;
    let goOn = () => {};
    const trimmed = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const subscription = await log.subscribe('messages', 'group', async (assignment) => {
      if (assignment.partition !== 0) return;
      assignment.seek(0);
      read.push(...(await assignment.read(1)));
      await trimmed;
      try {
        for (;;) read.push(...(await assignment.read(50)));
      } catch (thrown) {
        error = thrown;
      }
    });
    await until(() => read.length === 1);
    await log.trim('messages', 0, 1_199);
    goOn();
    await until(() => error !== null);
    assert.ok((error as unknown) instanceof OffsetOutOfRangeError, String(error));
    assert.ok(read.length < 1_199);
    read.forEach((record, i) => {
      assert.equal(record.offset, i);
    });
    await subscription.close();
  });

  test('is told when it seeks to a record that never existed', async () => {
    await log.append('messages', [{ partition: 0, records: records(0, 3) }]);
    const { held } = await hold(log);
    await until(() => held.size === PARTITIONS);
    const assignment = held.get(0)!;
    assignment.seek(4);
    await assert.rejects(assignment.read(1), OffsetOutOfRangeError);
    assignment.seek(3);
    const reading = assignment.read(1);
    await log.append('messages', [{ partition: 0, records: records(3, 1) }]);
    assert.equal((await reading)[0]!.offset, 3);
  });

  test('is told of bytes that it cannot read, and where', async () => {
    const producer = new Kafka({ brokers: [...topics.brokers], logLevel: logLevel.NOTHING }).producer();
    await producer.connect();
    await producer.send({
      topic: topicOf(topics.layout, 'messages'),
      compression: CompressionTypes.GZIP,
      messages: [{ key: 'k', value: 'from a stranger', partition: 0 }],
    });
    await producer.disconnect();
    const { held } = await hold(log);
    await until(() => held.size === PARTITIONS);
    held.get(0)!.seek(0);
    await assert.rejects(held.get(0)!.read(1), /record 0 is in a compressed batch/);
  });

  test('keeps its partitions while a handler is busy for longer than a session', async () => {
    const other = topics.open();
    const one = await hold(log);
    await until(() => one.held.size === PARTITIONS);
    const two = await hold(other);
    await until(() => one.held.size === PARTITIONS / 2 && two.held.size === PARTITIONS / 2);
    const before = [...one.held.values()];
    await sleep(SESSION_MS + 1_500); // handlers that read nothing
    assert.deepEqual([...one.held.values()], before);
    assert.ok(before.every(({ signal }) => !signal.aborted));
  });

  test('that does not read one partition reads the others without delay', async () => {
    const { held } = await hold(log);
    await until(() => held.size === PARTITIONS);
    for (let i = 0; i < 3; i++) await log.append('messages', [{ partition: 0, records: records(0, 200, 2_000) }]);
    held.get(0)!.seek(0);
    const busy = held.get(1)!;
    busy.seek(0);
    const startedAt_ms = performance.now();
    for (let i = 0; i < 30; i++) {
      await log.append('messages', [{ partition: 1, records: records(i, 1) }]);
      assert.equal((await busy.read(10))[0]!.offset, i);
    }
    assert.ok(performance.now() - startedAt_ms < 5_000, `${performance.now() - startedAt_ms} ms for 30 records`);
  });

  test('whose reader falls behind and catches up misses nothing and waits little', async () => {
    const { held } = await hold(log);
    await until(() => held.size === PARTITIONS);
    for (const assignment of held.values()) assignment.seek(0);
    const count = 3_000;
    for (let i = 0; i < count; i += 300)
      await log.append('messages', [{ partition: 0, records: records(i, 300, 1_000) }]);
    const startedAt_ms = performance.now();
    for (let next = 0; next < count; ) {
      const read = await held.get(0)!.read(20);
      assert.equal(read[0]!.offset, next);
      next += read.length;
      await sleep(2);
    }
    // 150 reads; without care each full buffer would cost half a second of an idle fetch.
    assert.ok(performance.now() - startedAt_ms < 3_000, `${performance.now() - startedAt_ms} ms`);
  });

  test('that hears nothing from Kafka gives its partitions up by itself, and gets them back', async () => {
    const proxy = await TcpProxy.to(topics.brokers[0]!);
    after(() => proxy.close());
    const route = () => ({ host: '127.0.0.1', port: proxy.port });
    const cutOff = await hold(topics.open({ route }));
    await until(() => cutOff.held.size === PARTITIONS);
    const assignments = [...cutOff.held.values()];
    await proxy.become('hold');
    const startedAt_ms = performance.now();
    await until(() => cutOff.held.size === 0);
    assert.ok(performance.now() - startedAt_ms < SESSION_MS + 3_000);
    await assert.rejects(assignments[0]!.read(1), (error) => !(error instanceof RangeError));
    await proxy.become('pass');
    await until(() => cutOff.held.size === PARTITIONS);
    await cutOff.subscription.close();
  });

  test('survives that Kafka is away for less than a session, without losing a partition', async () => {
    const proxy = await TcpProxy.to(topics.brokers[0]!);
    after(() => proxy.close());
    const route = () => ({ host: '127.0.0.1', port: proxy.port });
    const { held, subscription } = await hold(topics.open({ route }));
    await until(() => held.size === PARTITIONS);
    const assignment = held.get(0)!;
    assignment.seek(0);
    const reading = assignment.read(1);
    await proxy.become('refuse');
    await log.append('messages', [{ partition: 0, records: records(0, 1) }]);
    await sleep(1_500);
    await proxy.become('pass');
    assert.equal((await reading)[0]!.offset, 0);
    assert.ok(!assignment.signal.aborted);
    await subscription.close();
  });

  test('that is killed is followed by another within about a session', async () => {
    const group = 'killed';
    const child = spawn(
      process.execPath,
      [
        ...['--import', 'tsx', join(import.meta.dirname, 'kafka-member.ts')],
        ...[topics.brokers.join(','), JSON.stringify(topics.layout), group],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    let said = '';
    child.stdout.on('data', (text) => {
      said += text;
    });
    await until(() => said.includes(`holds ${PARTITIONS}`));
    const { held } = await hold(log, group);
    await until(() => held.size === PARTITIONS / 2);
    child.kill('SIGKILL');
    const startedAt_ms = performance.now();
    await until(() => held.size === PARTITIONS);
    const took_ms = performance.now() - startedAt_ms;
    assert.ok(took_ms < SESSION_MS + 5_000, `${took_ms} ms`);
  });

  test('gives a partition to a new handler only after the old one has ended', async () => {
    const running = new Map<number, number>();
    let overlaps = 0;
    let ended = 0;
    const subscription = await log.subscribe('messages', 'group', async ({ partition, signal }) => {
      running.set(partition, (running.get(partition) ?? 0) + 1);
      if (running.get(partition)! > 1) overlaps++;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await sleep(300);
      running.set(partition, running.get(partition)! - 1);
      ended++;
    });
    await until(() => running.size === PARTITIONS);
    const other = await hold(topics.open());
    await until(() => other.held.size === PARTITIONS / 2);
    assert.ok(ended === PARTITIONS, `${ended} handlers had ended when the other member began`);
    await other.subscription.close();
    await subscription.close();
    assert.equal(overlaps, 0);
  });

  test('closes at once while its reads wait, and they say that the partition is gone', async () => {
    const { held, subscription } = await hold(log);
    await until(() => held.size === PARTITIONS);
    const readings = [...held.values()].map((assignment) => {
      assignment.seek(0);
      return assert.rejects(assignment.read(1), PartitionRevokedError);
    });
    const startedAt_ms = performance.now();
    await subscription.close();
    await Promise.all(readings);
    assert.ok(performance.now() - startedAt_ms < 2_000);
  });
});
