// What a delivery stream in Redis does when something is lost: it says so, and only then.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import type { DeliveryRecord } from '../../services/ports/delivery/delivery-stream.ts';
import {
  decodeRecords,
  encodeRecords,
  UnknownDeliveryError,
} from '../../services/ports/delivery/redis/record-codec.ts';
import {
  RedisDeliveryStream,
  type RedisDeliveryStreamSettings,
} from '../../services/ports/delivery/redis/redis-delivery-stream.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { serverOfThisRun } from './servers.ts';
import { TcpProxy } from './tcp-proxy.ts';

const EDGE = { node: 'edge-1', incarnation: 'aaaa' };
const server = await serverOfThisRun('redis');
const redis = new Redis(`redis://${server}`);
after(() => redis.disconnect());

interface Bench {
  readonly key: string;
  open(more?: Partial<RedisDeliveryStreamSettings>): Promise<RedisDeliveryStream>;
  /** What came out of a stream: numbers of canaries, and 'gap'. */
  read(stream: RedisDeliveryStream): Promise<(number | 'gap')[]>;
}

async function withStreams(body: (bench: Bench) => Promise<void>): Promise<void> {
  const prefix = `test-${randomBytes(6).toString('hex')}:`;
  const key = `${prefix}delivery:edge-1/aaaa`;
  const opened: RedisDeliveryStream[] = [];
  try {
    await body({
      key,
      async open(more = {}) {
        const stream = await RedisDeliveryStream.open(
          { endpoint: server, prefix, renew_ms: 100, ...more },
          systemRuntime,
        );
        opened.push(stream);
        return stream;
      },
      async read(stream) {
        const all: (number | 'gap')[] = [];
        await stream.open(
          EDGE,
          (records) => {
            for (const record of records) if (record.type === 'canary') all.push(Number(record.canaryId));
          },
          () => all.push('gap'),
        );
        return all;
      },
    });
  } finally {
    for (const stream of opened) await stream.close();
    await redis.unlink(key);
  }
}

function canary(number: number): DeliveryRecord {
  return { type: 'canary', canaryId: String(number), sourcePartition: 1, inboxPartition: 2 };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('A delivery stream in Redis', () => {
  it('never makes a stream by publishing', TEST_LIMITS, () =>
    withStreams(async ({ key, open }) => {
      const publisher = await open();
      assert.equal(await publisher.publish(EDGE, [canary(1)]), 'gone');
      assert.equal(await redis.exists(key), 0);
    }),
  );

  it('one call is one entry with the bytes as they are, and what was read is trimmed', TEST_LIMITS, () =>
    withStreams(async ({ key, open, read }) => {
      const all = await read(await open({ renew_ms: 300 }));
      const publisher = await open();
      const event = randomBytes(2_000);
      const recipients = [{ user: 'alice', inboxSeq: 1 }];
      const entry = {
        type: 'entry',
        epoch: null,
        conversationId: 'g:one',
        seq: 1,
        kind: 'MessageSent',
        event,
        recipients,
      } as const;
      await publisher.publish(EDGE, [entry, canary(1), canary(2)]);
      const [mark, one, ...more] = await redis.xrangeBuffer(key, '-', '+');
      assert.deepEqual([mark![1].length, more], [2, []]);
      assert.ok(one![1][1]!.includes(event) && one![1][1]!.length < 2_060);
      await until(() => all.length === 2);
      for (const number of range(3, 50)) await publisher.publish(EDGE, [canary(number)]);
      await until(async () => (await redis.xlen(key)) === 1);
      assert.ok((await redis.pttl(key)) > 30_000);
      assert.deepEqual(all, range(1, 50));
    }),
  );

  it('tells a gap when unread entries were trimmed, and none when all were read in time', TEST_LIMITS, () =>
    withStreams(async ({ open, read }) => {
      const stream = await open({ entries_max: 100, pause_ms: 300, entry_weight_max: 1 });
      const all = await read(stream);
      // The first wakes the reader, which then rests. Trimmed are whole nodes of 100, so 99 stay whatever happens.
      await stream.publish(EDGE, [canary(0)]);
      await until(() => all.length === 1);
      await Promise.all(range(1, 99).map((number) => stream.publish(EDGE, [canary(number)])));
      await until(() => all.at(-1) === 99);
      assert.deepEqual([...all], range(0, 99));
      await Promise.all(range(100, 600).map((number) => stream.publish(EDGE, [canary(number)])));
      await until(() => all.at(-1) === 600);
      const gap = all.indexOf('gap');
      assert.ok(gap >= 100);
      const behind = all.slice(all.lastIndexOf('gap') + 1);
      assert.deepEqual(behind, range(601 - behind.length, 600));
    }),
  );

  it('a reader that lost its connection goes on where it was', TEST_LIMITS, () =>
    withStreams(async ({ open, read }) => {
      const proxy = await TcpProxy.to(server);
      const all = await read(await open({ endpoint: `127.0.0.1:${proxy.port}` }));
      const publisher = await open();
      await publisher.publish(EDGE, [canary(1)]);
      await until(() => all.length === 1);
      await proxy.become('refuse');
      for (const number of range(2, 600)) await publisher.publish(EDGE, [canary(number)]);
      await proxy.become('pass');
      await until(() => all.length >= 600);
      // An answer that was lost on its way is asked for again.
      await proxy.become('cut');
      await publisher.publish(EDGE, [canary(601)]);
      await until(() => proxy.connections < 2);
      await proxy.become('pass');
      await until(() => all.length >= 601);
      assert.deepEqual(all, range(1, 601));
      await proxy.close();
    }),
  );

  it('a stream that vanished is made anew, with a gap', TEST_LIMITS, () =>
    withStreams(async ({ key, open, read }) => {
      const all = await read(await open());
      const publisher = await open();
      await redis.unlink(key);
      assert.equal(await publisher.publish(EDGE, [canary(1)]), 'gone');
      await until(() => all.length === 1);
      assert.equal(await publisher.publish(EDGE, [canary(2)]), 'handed_over');
      await until(() => all.length === 2);
      assert.deepEqual(all, ['gap', 2]);
    }),
  );

  it('another run of the server is a gap, because its last entries may be lost', TEST_LIMITS, () =>
    withStreams(async ({ open, read }) => {
      const proxy = await TcpProxy.to(server);
      const all = await read(await open({ endpoint: `127.0.0.1:${proxy.port}` }));
      const publisher = await open();
      await proxy.become('refuse');
      proxy.rewrite = (answer) => {
        const at = answer.indexOf('run_id:');
        if (at >= 0) answer.write('0123456789', at + 'run_id:'.length);
        return answer;
      };
      await publisher.publish(EDGE, [canary(1)]);
      await proxy.become('pass');
      await until(() => all.length === 2);
      assert.deepEqual(all, ['gap', 1]);
      await proxy.close();
    }),
  );

  it('without its reader a stream expires', TEST_LIMITS, () =>
    withStreams(async ({ open, read }) => {
      const proxy = await TcpProxy.to(server);
      const all = await read(await open({ endpoint: `127.0.0.1:${proxy.port}`, expiry_ms: 400 }));
      const publisher = await open();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      assert.equal(await publisher.publish(EDGE, [canary(1)]), 'handed_over', 'it is renewed');
      await proxy.become('refuse');
      await until(async () => (await publisher.publish(EDGE, [canary(2)])) === 'gone');
      await proxy.become('pass');
      await until(() => all.at(-1) === 'gap');
      await proxy.close();
    }),
  );

  it('publishing rejects promptly while Redis is away or says nothing, and works when it is back', TEST_LIMITS, () =>
    withStreams(async ({ open, read }) => {
      const all = await read(await open());
      const proxy = await TcpProxy.to(server);
      const publisher = await open({ endpoint: `127.0.0.1:${proxy.port}` });
      for (const mode of ['refuse', 'hold'] as const) {
        await publisher.publish(EDGE, [canary(1)]);
        await proxy.become(mode);
        const started = performance.now();
        const calls = range(1, 1_000).map(() => publisher.publish(EDGE, [canary(2)]));
        const results = await Promise.allSettled(calls);
        assert.ok(
          results.every(({ status }) => status === 'rejected'),
          mode,
        );
        assert.ok(performance.now() - started < 5_000, mode);
        await proxy.become('pass');
        for (let handedOver = false; !handedOver; ) {
          handedOver = await publisher.publish(EDGE, [canary(3)]).then(
            (result) => result === 'handed_over',
            () => false,
          );
          if (!handedOver) await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
      await until(() => all.at(-1) === 3);
      await proxy.close();
    }),
  );

  it('what is on its way is bounded', TEST_LIMITS, () =>
    withStreams(async ({ open, read }) => {
      const stream = await open();
      await read(stream);
      const event = new Uint8Array(1024 * 1024);
      const entry = {
        type: 'entry',
        epoch: null,
        conversationId: 'g',
        seq: 1,
        kind: 'MessageSent',
        event,
        recipients: [],
      } as const;
      const results = await Promise.allSettled(range(1, 80).map(() => stream.publish(EDGE, [entry])));
      const refused = results.filter(({ status }) => status === 'rejected').length;
      assert.ok(refused >= 10 && refused <= 20, `${refused} of 80`);
      assert.equal(await stream.publish(EDGE, [entry]), 'handed_over');
    }),
  );
});

describe('Delivery records as bytes', () => {
  const records: DeliveryRecord[] = [
    {
      type: 'entry',
      epoch: null,
      conversationId: 'd:5:alice3:bob',
      seq: Number.MAX_SAFE_INTEGER,
      kind: 'MemberLeft',
      event: Buffer.from([0, 255, 1]),
      recipients: [
        { user: 'ü'.repeat(32), inboxSeq: 2 ** 40 },
        { user: 'x'.repeat(200), inboxSeq: 127 },
      ],
    },
    {
      type: 'entry',
      epoch: 300,
      conversationId: 'g',
      seq: 1,
      kind: 'MessageSent',
      event: Buffer.from([1]),
      recipients: [],
    },
    { type: 'behind', users: [] },
    canary(7),
  ];

  it('come back as they were', () => {
    const decoded: DeliveryRecord[] = [];
    decodeRecords(encodeRecords(records), decoded);
    assert.deepEqual(decoded, records);
  });

  it('cut short or of another version are refused, without much work', () => {
    const bytes = encodeRecords(records);
    const whole = new Set<number>([1]);
    for (let count = 1; count <= records.length; count++) whole.add(encodeRecords(records.slice(0, count)).length);
    for (let length = 0; length < bytes.length; length++) {
      if (whole.has(length)) continue;
      assert.throws(() => decodeRecords(bytes.subarray(0, length), []), UnknownDeliveryError, `${length} bytes`);
    }
    assert.throws(() => decodeRecords(Buffer.from([2]), []), UnknownDeliveryError);
    assert.throws(() => decodeRecords(Buffer.from([1, 9]), []), UnknownDeliveryError);
    assert.throws(() => decodeRecords(Buffer.from([1, 3, 255, 255, 255, 255, 255, 255, 15]), []), UnknownDeliveryError);
  });
});
