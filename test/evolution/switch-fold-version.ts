// What an operator does when every process knows the next version of the fold: from one place on in each partition of
// `messages`, it decides.
import { encodeMessagesRecord } from '../../services/events/codec.ts';
import { CLUSTER_LAYOUT } from '../../services/events/topics.ts';
import { silentLogger } from '../../services/kernel/logger.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { KafkaEventLog } from '../../services/ports/log/kafka/kafka-event-log.ts';

/** Resolves when all partitions have it. @throws AppendError */
export async function switchFoldVersion(at: { kafka: string; prefix: string }, version: number): Promise<void> {
  const layout = { ...CLUSTER_LAYOUT, prefix: at.prefix };
  const brokers = at.kafka.split(',');
  const log = new KafkaEventLog({ brokers, layout, runtime: systemRuntime, logger: silentLogger });
  const records = [{ key: 'fold-version', value: encodeMessagesRecord({ type: 'FoldVersion', version }) }];
  const batches = Array.from({ length: layout.partitions.messages }, (_, partition) => ({ partition, records }));
  await log.append('messages', batches).finally(() => log.close());
}
