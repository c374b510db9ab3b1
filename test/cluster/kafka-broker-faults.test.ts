// A broker that is cut off from the others, but not from us, goes on telling that it leads: appends and reads must find
// those who lead now, while it is still cut off. (A broker whose disk is full: `npm run faults -- --scenario full-disk`.)
//
// It needs root and Linux. Elsewhere it must be refused by name, never passed over.
import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLogger } from '../../services/kernel/logger.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { AppendError } from '../../services/ports/log/event-log.ts';
import { createTopics } from '../../services/ports/log/kafka/create-topics.ts';
import { KafkaEventLog } from '../../services/ports/log/kafka/kafka-event-log.ts';
import { PRODUCTION_TOPICS } from '../../services/ports/log/kafka/topic-settings.ts';
import {
  type Brokers,
  type BrokersKind,
  missingForBrokers,
  NotOnThisMachineError,
  startBrokers,
} from '../faults/brokers/brokers.ts';
import { randomLayout } from './kafka-subject.ts';
import { waitUntil } from './ledger/index.ts';

const PARTITIONS = 6;
const BACK_MS_MAX = 30_000;
const IN_SYNC_MS_MAX = 60_000;
const GONE_MS_MAX = 5_000;
const LOCALHOST = '127.0.0.1';

function testOnBrokers(
  name: string,
  kind: BrokersKind,
  body: (brokers: Brokers, say: (line: string) => void) => Promise<void>,
): void {
  test(name, { timeout: 180_000 }, async (context) => {
    if (missingForBrokers(kind) !== null) {
      await assert.rejects(startBrokers(kind), NotOnThisMachineError);
      context.diagnostic(`refused on this machine: ${missingForBrokers(kind)}`);
      return;
    }
    const brokers = await startBrokers(kind);
    try {
      await body(brokers, (line) => context.diagnostic(line));
    } finally {
      await brokers.stop();
    }
    await waitUntil(
      () => `nothing is left of their networks: ${leftOf(brokers)}`,
      () => leftOf(brokers).length === 0,
      GONE_MS_MAX,
    );
  });
}

/** Our ends of the cables to brokers with addresses of their own. */
function leftOf({ kafka }: Brokers): readonly string[] {
  const networks = kafka.split(',').map((address) => address.slice(0, address.lastIndexOf('.') + 1));
  const ours = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  return ours.filter((address) => address !== LOCALHOST && networks.some((network) => address.startsWith(network)));
}

/** A writer and a reader of `messages`, each with what it knows of who leads. */
class Exchange {
  readonly read = new Set<string>();
  readonly #writer: KafkaEventLog;
  readonly #reader: KafkaEventLog;

  private constructor(writer: KafkaEventLog, reader: KafkaEventLog) {
    this.#writer = writer;
    this.#reader = reader;
  }

  static async start({ kafka }: Brokers): Promise<Exchange> {
    const layout = randomLayout(PARTITIONS);
    const options = { brokers: kafka.split(','), layout, logger: silentLogger, runtime: systemRuntime };
    await createTopics({ ...options, profile: PRODUCTION_TOPICS });
    const exchange = new Exchange(new KafkaEventLog(options), new KafkaEventLog(options));
    await exchange.#reader.subscribe('messages', 'group', async (assignment) => {
      assignment.seek(0);
      for (;;) for (const { value } of await assignment.read(100)) exchange.read.add(Buffer.from(value).toString());
    });
    return exchange;
  }

  /** A record in every partition, and every one of them read. Resolves with how long either took. */
  async of(word: string): Promise<string> {
    const from = performance.now();
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    await Promise.all(partitions.map((partition) => this.#append(partition, `${word} ${partition}`)));
    const written_ms = performance.now() - from;
    const late = () => partitions.filter((partition) => !this.read.has(`${word} ${partition}`));
    await waitUntil(
      () => `records of partitions ${late()} are read`,
      () => late().length === 0,
      BACK_MS_MAX,
    );
    return `${word}: written after ${written_ms.toFixed(0)} ms, read after ${(performance.now() - from).toFixed(0)} ms`;
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#reader.close()]);
  }

  async #append(partition: number, text: string): Promise<void> {
    for (const until = performance.now() + BACK_MS_MAX; ; await sleep(100)) {
      try {
        return await this.#writer.append('messages', [
          { partition, records: [{ key: 'k', value: Buffer.from(text) }] },
        ]);
      } catch (error) {
        if (!(error instanceof AppendError) || performance.now() > until) throw error;
      }
    }
  }
}

testOnBrokers(
  'while a leader is cut off, appends and reads go on with those who replaced it',
  'namespaces',
  async (brokers, say) => {
    const exchange = await Exchange.start(brokers);
    const [first] = brokers.nodes;
    try {
      say(await exchange.of('before'));
      const leads = async () => (await brokers.partitions(first)).filter(({ leader }) => leader === first!.id).length;
      const before = await leads();
      assert.ok(before > 0);
      await brokers.network!.cutOff(first!.id);
      say(await exchange.of('meanwhile'));
      assert.equal(await leads(), before, 'it is cut off, and does not know of any other leader');
      await brokers.network!.heal(first!.id);
      await brokers.untilInSync(IN_SYNC_MS_MAX);
      say(await exchange.of('after'));
    } finally {
      await exchange.close();
    }
  },
);
