// A process is given some of the brokers' addresses, and those that are gone when it starts must not keep it from the others.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePorts } from '../../infra/local/free-ports.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { Metrics } from '../../services/kernel/metrics.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { AppendError } from '../../services/ports/log/event-log.ts';
import { KafkaClient } from '../../services/ports/log/kafka/kafka-client.ts';
import { TEST_LIMITS } from '../contract/subject.ts';
import { KafkaTopics } from './kafka-subject.ts';
import { SilentAddress } from './silent-address.ts';

/** Each may ask two addresses. */
const ATTEMPTS_MAX = 4;
const AFTERWARDS_MS = 500;

let topics: KafkaTopics;
let silent: SilentAddress;
/** Nobody listens there. */
let refused: readonly string[];

before(async () => {
  topics = await KafkaTopics.create();
  silent = await SilentAddress.open();
  refused = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
});

after(async () => {
  await topics?.remove();
  await silent?.close();
});

/** How many appends it takes until one is written. */
async function attemptsWith(addresses: readonly string[]): Promise<number> {
  const log = topics.open({ brokers: [...addresses, ...topics.brokers] });
  for (let attempt = 1; ; attempt++) {
    try {
      await log.append('messages', [{ partition: 0, records: [{ key: 'k', value: Buffer.from('here') }] }]);
      return attempt;
    } catch (error) {
      assert.ok(error instanceof AppendError && error.outcome === 'refused', String(error));
      assert.ok(attempt < ATTEMPTS_MAX, `still refused: ${error.message}`);
    }
  }
}

describe('a cluster is found though', () => {
  it('the first address refuses', TEST_LIMITS, async () => {
    assert.equal(await attemptsWith(refused.slice(1)), 1);
  });

  it('the first two refuse', TEST_LIMITS, async () => {
    assert.ok((await attemptsWith(refused)) <= 2);
  });

  it('the first does not answer at all', TEST_LIMITS, async () => {
    assert.ok((await attemptsWith([silent.address])) <= 2);
  });

  it('the first does not answer, and the second refuses', TEST_LIMITS, async () => {
    assert.ok((await attemptsWith([silent.address, refused[0]!])) <= 2);
  });
});

it('what is closed while it connects opens nothing more', TEST_LIMITS, async () => {
  const { brokers, layout } = topics;
  const [runtime, logger, metrics] = [systemRuntime, silentLogger, new Metrics()];
  const real = addressOf(brokers[0]!);
  let way = real;
  const client = new KafkaClient({ brokers, clientId: 'closed', layout, runtime, logger, metrics, route: () => way });
  await client.loadMetadata();
  client.drop(new Error('to connect once more'));
  await sleep(AFTERWARDS_MS);
  const before = socketsOf(process);
  way = addressOf(silent.address);
  const loading = client.loadMetadata();
  while (socketsOf(process) === before) await new Promise(setImmediate);
  // Whoever looks for another broker now would find one.
  way = real;
  client.close();
  await assert.rejects(loading);
  await sleep(AFTERWARDS_MS);
  assert.equal(socketsOf(process), before);
});

function addressOf(address: string): { readonly host: string; readonly port: number } {
  const [host, port] = address.split(':');
  return { host: host!, port: Number(port) };
}

function socketsOf({ getActiveResourcesInfo }: NodeJS.Process): number {
  return getActiveResourcesInfo().filter((kind) => kind === 'TCPSocketWrap' || kind === 'TCPConnectWrap').length;
}
