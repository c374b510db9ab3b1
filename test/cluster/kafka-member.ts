// A process of its own that is a member of a group: `tsx kafka-member.ts <brokers> <layout as JSON> <group>`.
// Prints a line `holds N` whenever it has been handed a partition; ends only when it is killed.
import { silentLogger } from '../../services/kernel/logger.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { KafkaEventLog } from '../../services/ports/log/kafka/kafka-event-log.ts';

const [brokers, layout, group] = process.argv.slice(2);
const log = new KafkaEventLog({
  brokers: brokers!.split(','),
  layout: JSON.parse(layout!),
  runtime: systemRuntime,
  logger: silentLogger,
});
let held = 0;
await log.subscribe('messages', group!, async (assignment) => {
  console.log(`holds ${++held}`);
  await new Promise((resolve) => assignment.signal.addEventListener('abort', resolve));
  held--;
});
// Whoever started it and died without killing it closes its input.
process.stdin.resume().on('end', () => process.exit());
