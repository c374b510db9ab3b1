// kafkajs's request queue re-arms a timer of 1 ms for ever: 3.6 % of a core a connection, for nothing. With fifty edges
// that is the whole machine. kafkajs-internals.ts turns it off; here the wake-ups are counted.
import assert from 'node:assert/strict';
import { after, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TEST_LIMITS } from '../contract/subject.ts';
import { KafkaTopics } from './kafka-subject.ts';

const WINDOW_MS = 1_000;

let wakeUps = 0;
const { setTimeout: realTimeout, setInterval: realInterval } = globalThis;
function counting(real: typeof realTimeout | typeof realInterval) {
  return (callback: (...args: unknown[]) => void, delay_ms?: number, ...args: unknown[]) =>
    real(
      (...given: unknown[]) => {
        wakeUps++;
        callback(...given);
      },
      delay_ms,
      ...args,
    );
}
Object.assign(globalThis, { setTimeout: counting(realTimeout), setInterval: counting(realInterval) });
after(() => Object.assign(globalThis, { setTimeout: realTimeout, setInterval: realInterval }));

async function wakeUpsOfWindow(): Promise<number> {
  wakeUps = 0;
  await sleep(WINDOW_MS);
  return wakeUps;
}

it('a log that does nothing wakes up for nothing', TEST_LIMITS, async () => {
  const topics = await KafkaTopics.create();
  try {
    const log = topics.open();
    await log.append('messages', [{ partition: 0, records: [{ key: 'k', value: Buffer.from('one') }] }]);
    await log.readFrom('messages', 0, 0, 10);
    // An append's own deadline is cancelled, so nothing at all is left.
    assert.ok((await wakeUpsOfWindow()) <= 2);

    let assigned = 0;
    const subscription = await log.subscribe('messages', 'group', async (assignment) => {
      assigned++;
      assignment.seek(await log.endOffset('messages', assignment.partition));
      await assignment.read(1).catch(() => {});
    });
    while (assigned < 4) await sleep(5);
    // A heartbeat a second; fetches wait at the broker, not here.
    const idle = await wakeUpsOfWindow();
    assert.ok(idle <= 10, `${idle} wake-ups in ${WINDOW_MS} ms`);
    await subscription.close();
  } finally {
    await topics.remove();
  }
});
