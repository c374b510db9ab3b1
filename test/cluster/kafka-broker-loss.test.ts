// Three brokers, and the one that leads is killed: what was acknowledged is there, in order, and reading goes on.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startKafkaCluster } from '../../infra/local/servers.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { AppendError, type LogRecord } from '../../services/ports/log/event-log.ts';
import { checkTopics } from '../../services/ports/log/kafka/check-topics.ts';
import { createTopics } from '../../services/ports/log/kafka/create-topics.ts';
import { KafkaEventLog } from '../../services/ports/log/kafka/kafka-event-log.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { PRODUCTION_TOPICS, wantedTopics } from '../../services/ports/log/kafka/topic-settings.ts';
import { randomLayout } from './kafka-subject.ts';

const PARTITIONS = 4;
const RECORDS_BEFORE = 50;
const RECORDS_AFTER = 50;

it('a killed broker costs no acknowledged record, no order, and no reader', { timeout: 180_000 }, async (context) => {
  const cluster = await startKafkaCluster(3);
  const layout = randomLayout(PARTITIONS);
  const brokers = cluster.kafka.split(',');
  const options = { brokers, layout, logger: silentLogger, runtime: systemRuntime };
  const logs = [new KafkaEventLog(options), new KafkaEventLog(options)];
  const [writer, reader] = logs;
  try {
    await createTopics({ ...options, profile: PRODUCTION_TOPICS });
    await checkTopics({ ...options, production: true });
    const read = new Map<number, LogRecord[]>();
    await reader!.subscribe('messages', 'group', async (assignment) => {
      const records: LogRecord[] = [];
      read.set(assignment.partition, records); // from the beginning again, as after any takeover
      assignment.seek(0);
      for (;;) records.push(...(await assignment.read(100)));
    });

    let written = 0;
    const writing = Array.from({ length: PARTITIONS }, async (_, partition) => {
      for (let i = 0; i < RECORDS_BEFORE + RECORDS_AFTER; i++) {
        while (i === RECORDS_BEFORE && !killed) await sleep(5);
        await appendUntilWritten(writer!, partition, i);
        written++;
      }
    });
    let killed = false;
    while (written < PARTITIONS * RECORDS_BEFORE) await sleep(5);
    const { topics } = await withAdmin(options, (admin) =>
      admin.fetchTopicMetadata({ topics: [wantedTopics(layout)[0]!.name] }),
    );
    const leader = topics[0]!.partitions.find(({ partitionId }) => partitionId === 0)!.leader;
    process.kill(cluster.nodes.find(({ id }) => id === leader)!.pid(), 'SIGKILL');
    const killedAt_ms = performance.now();
    killed = true;
    await Promise.all(writing);
    context.diagnostic(`appends went on within ${(performance.now() - killedAt_ms).toFixed(0)} ms`);

    const wanted = Array.from({ length: RECORDS_BEFORE + RECORDS_AFTER }, (_, i) => String(i));
    const complete = () =>
      Array.from({ length: PARTITIONS }, (_, partition) => firstCopies(read.get(partition) ?? [])).every(
        (texts) => texts.length === wanted.length,
      );
    while (!complete()) await sleep(20);
    context.diagnostic(`everything was read after ${(performance.now() - killedAt_ms).toFixed(0)} ms`);
    for (const records of read.values()) {
      records.forEach(({ offset }, i) => {
        assert.equal(offset, i);
      });
      assert.deepEqual(firstCopies(records), wanted);
    }
  } finally {
    await Promise.all(logs.map((log) => log.close()));
    await cluster.stop();
  }
});

async function appendUntilWritten(log: KafkaEventLog, partition: number, number: number): Promise<void> {
  const records = [{ key: 'k', value: Buffer.from(String(number)) }];
  for (;;) {
    try {
      return await log.append('messages', [{ partition, records }]);
    } catch (error) {
      assert.ok(error instanceof AppendError, String(error));
      await sleep(20);
    }
  }
}

/** What a reader that drops repeats makes of it. */
function firstCopies(records: readonly LogRecord[]): string[] {
  return [...new Set(records.map(({ value }) => Buffer.from(value).toString()))];
}
