// The Redis adapters keep the contracts of the session registry and the delivery stream.
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { RedisDeliveryStream } from '../../services/ports/delivery/redis/redis-delivery-stream.ts';
import { RedisSessionRegistry } from '../../services/ports/sessions/redis/redis-session-registry.ts';
import { deliveryStreamContract } from '../contract/delivery-stream.ts';
import { sessionRegistryContract } from '../contract/session-registry.ts';
import { selfDriven } from '../contract/subject.ts';
import { serverOfThisRun } from './servers.ts';

const endpoint = await serverOfThisRun('redis');

/** Keys of their own for each test; they go with it. */
function newPrefix(): { prefix: string; remove: () => Promise<void> } {
  const prefix = `test-${randomBytes(6).toString('hex')}:`;
  const remove = async () => {
    const redis = new Redis(`redis://${endpoint}`);
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
    redis.disconnect();
  };
  return { prefix, remove };
}

for (const inboxPartitions of [1, 16]) {
  sessionRegistryContract(`RedisSessionRegistry of ${inboxPartitions} partitions`, async () => {
    const { prefix, remove } = newPrefix();
    const port = await RedisSessionRegistry.open({ endpoint, prefix, inboxPartitions }, systemRuntime);
    return selfDriven(port, systemRuntime, async () => {
      await port.close();
      await remove();
    });
  });
}

deliveryStreamContract('RedisDeliveryStream', async () => {
  const { prefix, remove } = newPrefix();
  // Redis trims whole nodes of 100 entries: a stream has 199 at most. The reader rests while 300 calls are made.
  const settings = { endpoint, prefix, entries_max: 100, entry_weight_max: 1, pause_ms: 200 };
  const port = await RedisDeliveryStream.open(settings, systemRuntime);
  const subject = selfDriven(port, systemRuntime, async () => {
    await port.close();
    await remove();
  });
  return { ...subject, overflow_records: 30_000 };
});
