// The tap on Kafka: it needs nothing else of the cluster, touches no group, and leaves repeats out as in the embedded profile.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CLUSTER_LAYOUT } from '../../services/events/topics.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { systemRuntime as runtime } from '../../services/kernel/system-runtime.ts';
import { createTopics } from '../../services/ports/log/kafka/create-topics.ts';
import { KafkaEventLog } from '../../services/ports/log/kafka/kafka-event-log.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { DEVELOPMENT_TOPICS, wantedTopics } from '../../services/ports/log/kafka/topic-settings.ts';
import { readTimeline } from '../integration/tap/expected-rows.ts';
import { appendEvents, EventMaker } from '../integration/tap/generated-log.ts';
import { readParquet } from '../integration/tap/read-back.ts';
import { run } from '../integration/tap/run-command.ts';
import { serverOfThisRun } from './servers.ts';

const prefix = `tap-${randomBytes(4).toString('hex')}.`;
const layout = { ...CLUSTER_LAYOUT, prefix };
const folder = mkdtempSync(join(tmpdir(), 'fanlog-tap-kafka-'));
let kafka = '';
let log: KafkaEventLog;

before(async () => {
  kafka = await serverOfThisRun('kafka');
  await createTopics({ brokers: [kafka], layout, logger: silentLogger, runtime, profile: DEVELOPMENT_TOPICS });
  log = new KafkaEventLog({ brokers: [kafka], layout, runtime, logger: silentLogger });
});

after(async () => {
  await log.close();
  const topics = wantedTopics(layout).map(({ name }) => name);
  await withAdmin({ brokers: [kafka], logger: silentLogger }, (admin) => admin.deleteTopics({ topics }));
  rmSync(folder, { recursive: true, force: true });
});

async function tap(out: string, env: Record<string, string> = {}) {
  return run('tap', ['--to', 'parquet', '--out', out], { FANLOG_KAFKA: kafka, FANLOG_PREFIX: prefix, ...env });
}

test('what is on Kafka is in the files once, and the next run adds what came since', async () => {
  const out = join(folder, 'out');
  const maker = new EventMaker(40, layout.partitions.timeline);
  const repeats = await appendEvents(log, maker, 3_000);
  assert.ok(repeats > 0);
  const first = await tap(out);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /^events +3,000$/m);
  await appendEvents(log, maker, 1_000);
  const second = await tap(out);
  assert.equal(second.code, 0, second.stderr);
  assert.match(second.stdout, /^events +1,000$/m);
  assert.deepEqual(await readParquet(out), (await readTimeline(log)).rows);
});

test('no topic of that name, and no broker at that address, are one line each', async () => {
  const missing = await tap(join(folder, 'never'), { FANLOG_PREFIX: `${prefix}other.` });
  assert.equal(missing.code, 2);
  assert.match(
    missing.stderr,
    /^fanlog tap: Kafka .* has no topic tap-.*\.other\.timeline\.g1\. Set the FANLOG_PREFIX/m,
  );
  const away = await tap(join(folder, 'never'), { FANLOG_KAFKA: '127.0.0.1:9' });
  assert.equal(away.code, 2);
  assert.match(away.stderr, /^fanlog tap: Kafka \(FANLOG_KAFKA: 127\.0\.0\.1:9\) does not answer: /m);
});
