// A process that is asked to end while Redis is away ends well: what it cannot take back goes by itself.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { RedisDeliveryStream } from '../../services/ports/delivery/redis/redis-delivery-stream.ts';
import { serverOfThisRun } from './servers.ts';
import { TcpProxy } from './tcp-proxy.ts';

it('a reader closes without an answer, and nothing of it is left', { timeout: 30_000 }, async () => {
  const endpoint = await serverOfThisRun('redis');
  const proxy = await TcpProxy.to(endpoint);
  const prefix = `closing:${randomUUID()}:`;
  const address = { node: 'edge', incarnation: 'one' };
  const away = await RedisDeliveryStream.open(
    { endpoint: `127.0.0.1:${proxy.port}`, prefix, expiry_ms: 1_000 },
    systemRuntime,
  );
  const publisher = await RedisDeliveryStream.open({ endpoint, prefix }, systemRuntime);
  try {
    const reader = await away.open(
      address,
      () => {},
      () => {},
    );
    await proxy.become('refuse');
    await reader.close();
    const behind = [{ type: 'behind', users: ['ada'] }] as const;
    while ((await publisher.publish(address, behind)) !== 'gone');
    assert.equal(await publisher.publish(address, behind), 'gone');
  } finally {
    await Promise.all([away.close(), publisher.close(), proxy.become('refuse')]);
  }
});
