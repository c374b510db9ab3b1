// A member that is closed while it joins: a join waits for the other members, and for a Kafka that says nothing any more,
// and whoever was asked to end has 20 s for everything.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { topicOf } from '../../services/events/topics.ts';
import { limits } from '../../services/kernel/limits.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { KafkaTopics } from './kafka-subject.ts';
import { TcpProxy } from './tcp-proxy.ts';

it('it ends in good time, although no answer to its join ever comes', { timeout: 60_000 }, async (context) => {
  const topics = await KafkaTopics.create();
  const proxies = await Promise.all([0, 1].map(() => TcpProxy.to(topics.brokers[0]!)));
  const [ofSilent, ofClosing] = proxies;
  const routeBy = (proxy: TcpProxy) => ({ route: () => ({ host: '127.0.0.1', port: proxy.port }) });
  try {
    let held = 0;
    await topics.open(routeBy(ofSilent!)).subscribe('messages', 'group', async (assignment) => {
      held++;
      await new Promise((resolve) => assignment.signal.addEventListener('abort', resolve));
    });
    while (held < topics.layout.partitions.messages) await sleep(5);
    // Its session has six seconds to go, for which whoever joins has to wait.
    await ofSilent!.become('refuse');
    const joining = await topics.open(routeBy(ofClosing!)).subscribe('messages', 'group', async () => {});
    const group = `group.${topicOf(topics.layout, 'messages')}`;
    await withAdmin({ brokers: topics.brokers, logger: silentLogger }, async (admin) => {
      const isWaiting = async () => (await admin.describeGroups([group])).groups[0]?.state === 'PreparingRebalance';
      while (!(await isWaiting())) await sleep(5);
    });
    await ofClosing!.become('hold');
    const from = performance.now();
    await joining.close();
    const took_ms = performance.now() - from;
    context.diagnostic(`closed after ${(took_ms / 1_000).toFixed(1)} s`);
    assert.ok(took_ms < limits.drain_ms / 2);
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.become('refuse')));
    await topics.remove();
  }
});
