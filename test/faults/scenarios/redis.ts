// Redis, which knows who is connected where and carries deliveries to the edges, is emptied, or killed and started again
// empty. No message is lost with it: edges write down again who they have, clients are told to pull.
import { Redis } from 'ioredis';
import type { Scenario, Stage } from '../scenario.ts';
import { between, shuffled } from './draw.ts';

const AWAY_MS = { from: 500, to: 4_000 };
const QUIET_MS = { from: 2_000, to: 5_000 };

export const redis: Scenario = {
  name: 'redis',
  title: 'Redis flushed, and killed and started again, empty',
  async inject(stage) {
    while (!stage.isOver()) {
      for (const fault of shuffled(stage, [flush, kill])) {
        if (stage.isOver()) return;
        await fault(stage);
        await stage.recovered();
        await stage.sleep(between(stage, QUIET_MS.from, QUIET_MS.to));
      }
    }
  },
};

async function flush(stage: Stage): Promise<void> {
  await stage.fault('FLUSHALL', 'other', async () => {
    const client = new Redis(`redis://${stage.redis.address}`);
    try {
      await client.flushall();
    } finally {
      client.disconnect();
    }
  });
}

async function kill(stage: Stage): Promise<void> {
  const away_ms = between(stage, AWAY_MS.from, AWAY_MS.to);
  await stage.fault('kill -9 redis', 'other', async () => {
    process.kill(stage.redis.pid!, 'SIGKILL');
    await stage.redis.exited!();
    await stage.sleep(away_ms);
    await stage.redis.restart!();
  });
}
