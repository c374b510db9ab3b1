// What the registry in Redis does when it loses something, and what its calls cost.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { partitionOf } from '../../services/events/partition.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { RedisSessionRegistry } from '../../services/ports/sessions/redis/redis-session-registry.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { serverOfThisRun } from './servers.ts';
import { TcpProxy } from './tcp-proxy.ts';

const EDGE_1 = { node: 'edge-1', incarnation: 'aaaa' };
const EDGE_2 = { node: 'edge-2', incarnation: 'bbbb' };
const PARTITIONS = 4;
/** A database of its own, which can be flushed. */
const DATABASE = 9;

const server = await serverOfThisRun('redis');
const endpoint = `redis://${server}/${DATABASE}`;
const redis = new Redis(endpoint);
after(() => redis.disconnect());

async function withRegistries(
  body: (open: (endpoint?: string) => Promise<RedisSessionRegistry>, prefix: string) => Promise<void>,
): Promise<void> {
  const prefix = `test-${randomBytes(6).toString('hex')}:`;
  const opened: RedisSessionRegistry[] = [];
  try {
    await body(async (at = endpoint) => {
      const registry = await RedisSessionRegistry.open(
        { endpoint: at, prefix, inboxPartitions: PARTITIONS },
        systemRuntime,
      );
      opened.push(registry);
      return registry;
    }, prefix);
  } finally {
    for (const registry of opened) await registry.close();
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.unlink(...keys);
  }
}

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describe('The session registry in Redis', () => {
  it('has one epoch for all, and another after a flush', TEST_LIMITS, () =>
    withRegistries(async (open) => {
      const [one, two] = [await open(), await open()];
      await one.register(EDGE_1, ['alice']);
      const before = await one.epoch();
      assert.equal(await two.epoch(), before);
      await redis.flushdb();
      const behind = await two.epoch();
      assert.notEqual(behind, before);
      assert.deepEqual(await one.lookup(['alice']), []);
      await one.register(EDGE_1, ['alice']);
      assert.notEqual(await one.epoch(), before);
    }),
  );

  it('has another epoch when another run of the server answers', TEST_LIMITS, () =>
    withRegistries(async (open) => {
      const proxy = await TcpProxy.to(server);
      const registry = await open(`redis://127.0.0.1:${proxy.port}/${DATABASE}`);
      const before = await registry.epoch();
      proxy.rewrite = (answer) => {
        const at = answer.indexOf('run_id:');
        if (at >= 0) answer.write('0123456789', at + 'run_id:'.length);
        return answer;
      };
      assert.notEqual(await registry.epoch(), before);
      proxy.rewrite = (answer) => answer;
      assert.equal(await registry.epoch(), before);
      await proxy.close();
    }),
  );

  it(
    'an address that somebody removed has another epoch for those who registered it, and for nobody else',
    TEST_LIMITS,
    () =>
      withRegistries(async (open) => {
        const [edge1, edge2, processor] = [await open(), await open(), await open()];
        await edge1.register(EDGE_1, ['alice', 'bob']);
        await edge2.register(EDGE_2, ['alice']);
        const [before1, before2] = [await edge1.epoch(), await edge2.epoch()];
        await processor.removeNode(EDGE_1);
        assert.notEqual(await edge1.epoch(), before1);
        assert.equal(await edge2.epoch(), before2);
        const after1 = await edge1.epoch();
        await edge1.register(EDGE_1, ['alice', 'bob']);
        assert.equal(await edge1.epoch(), after1);
      }),
  );

  it('a removal between two registrations is noticed, though the second is there', TEST_LIMITS, () =>
    withRegistries(async (open) => {
      const [edge, processor] = [await open(), await open()];
      await edge.register(EDGE_1, ['alice']);
      const before = await edge.epoch();
      await processor.removeNode(EDGE_1);
      await edge.register(EDGE_1, ['bob']);
      assert.notEqual(await edge.epoch(), before);
    }),
  );

  it('forgets a node with thousands of users, and leaves those who are elsewhere too', TEST_LIMITS, () =>
    withRegistries(async (open, prefix) => {
      const [edge, processor] = [await open(), await open()];
      const users = Array.from({ length: 3_500 }, (_, i) => `user-${i}`);
      await edge.register(EDGE_1, users);
      await edge.register(EDGE_2, users.slice(0, 1_200));
      assert.equal((await processor.lookup(users)).length, 2);
      await Promise.all([processor.removeNode(EDGE_1), edge.removeNode(EDGE_1), processor.removeNode(EDGE_1)]);
      const [found, ...more] = await processor.lookup(users);
      assert.deepEqual([found!.address, found!.users.length, more], [EDGE_2, 1_200, []]);
      await edge.removeNode(EDGE_2);
      assert.deepEqual(await redis.keys(`${prefix}sessions:p*`), []);
      assert.deepEqual(await redis.keys(`${prefix}sessions:at:*`), []);
    }),
  );

  it('a look-up costs one command an inbox partition', TEST_LIMITS, () =>
    withRegistries(async (open, prefix) => {
      const registry = await open();
      const users = Array.from({ length: 300 }, (_, i) => `user-${i}`);
      const ofOne = users.filter((user) => partitionOf(user, PARTITIONS) === 2);
      await registry.register(EDGE_1, users);
      const monitor = await redis.monitor();
      const commands: string[] = [];
      monitor.on('monitor', (_time: string, [name, key]: string[]) => {
        if (key?.startsWith(prefix)) commands.push(`${name} ${key.slice(prefix.length)}`);
      });
      await registry.lookup(ofOne);
      await registry.lookup(users);
      await eventually(async () => assert.ok(commands.length >= 1 + PARTITIONS));
      monitor.disconnect();
      assert.equal(commands[0], 'hmget sessions:p2');
      assert.deepEqual(
        commands.slice(1).sort(),
        [0, 1, 2, 3].map((partition) => `hmget sessions:p${partition}`),
      );
    }),
  );

  it('rejects promptly while Redis is away or says nothing, and works when it is back', TEST_LIMITS, () =>
    withRegistries(async (open) => {
      const proxy = await TcpProxy.to(server);
      const registry = await open(`redis://127.0.0.1:${proxy.port}/${DATABASE}`);
      await registry.register(EDGE_1, ['alice']);
      for (const mode of ['refuse', 'hold'] as const) {
        await proxy.become(mode);
        const started = performance.now();
        const calls = [
          ...Array.from({ length: 1_000 }, () => registry.lookup(['alice'])),
          registry.register(EDGE_1, ['bob']),
          registry.epoch(),
          registry.removeNode(EDGE_2),
        ];
        const results = await Promise.allSettled(calls);
        assert.ok(
          results.every(({ status }) => status === 'rejected'),
          mode,
        );
        assert.ok(performance.now() - started < 5_000, mode);
        await proxy.become('pass');
        const found = await eventually(() => registry.lookup(['alice']));
        assert.deepEqual(found, [{ address: EDGE_1, users: ['alice'] }]);
      }
      await registry.close();
      await proxy.close();
    }),
  );

  it('opening says when nobody is there', async () => {
    await assert.rejects(
      RedisSessionRegistry.open({ endpoint: '127.0.0.1:1', inboxPartitions: PARTITIONS }, systemRuntime),
    );
  });
});
