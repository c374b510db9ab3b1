// The beginning of `inbox` is cut off while those who read it are behind.
//
//   below the checkpoint:  what is cut off was processed, and nobody is at it any more. Nobody may notice.
//   above the checkpoint:  what is cut off is missing. The partition must stop, say so to the balancer, in the metrics and
//                          in the log, and pass nothing over; the other partitions go on.
//
//   offset   ── cut off ───────────────┤ X     records
//            ····┤ X - n: the checkpoint, as if restored from a backup that was too old      ──▶ stops
//                                      ┤ X: the true one, put back by the operator           ──▶ goes on
//
// The second is made by setting the checkpoint back, not by losing records that nobody has processed: to the processor it
// is the same, and the ledger can be whole at the end. Records that really are lost from `inbox` come back only by
// computing everything anew from `messages`, under another epoch.
import type { RoleStatus } from '../../../infra/local/cluster/index.ts';
import { CLUSTER_LAYOUT } from '../../../services/events/topics.ts';
import { silentLogger } from '../../../services/kernel/logger.ts';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import { KafkaEventLog } from '../../../services/ports/log/kafka/kafka-event-log.ts';
import type { Checkpoint } from '../../../services/ports/store/state-store.ts';
import { waitUntil } from '../../cluster/ledger/index.ts';
import { Checkpoints } from '../brokers/checkpoints.ts';
import { endOfLog, linesSince, wordOf } from '../brokers/process-word.ts';
import type { Scenario, Stage } from '../scenario.ts';

/** Past its session of 6 s: another has its partitions by then. */
const STOPPED_MS = 10_000;
/** Started again, let into the group after the session of the killed, at the checkpoint, out of range. */
const SAID_MS_MAX = 60_000;
const ASK_MS = 200;
/** It stays where it is, however often the others commit meanwhile. */
const STOPPED_STILL_MS = 5_000;
/** Writes of the killed that are under way at Cassandra. */
const LAST_WRITES_MS = 500;
const SET_BACK_RECORDS_MAX = 20;
const REST_MS = 3_000;

export const offsetsTrimmed: Scenario = {
  name: 'offsets-trimmed',
  title: 'the topic inbox trimmed below a stopped reader (no harm), and above its checkpoint (stops, and says so)',
  async inject(stage) {
    const checkpoints = await Checkpoints.open(stage, 'inbox');
    try {
      do {
        await trimBelow(stage, checkpoints);
        await stage.sleep(REST_MS);
        await trimAbove(stage, checkpoints);
        await stage.sleep(REST_MS);
      } while (!stage.isOver());
    } finally {
      await checkpoints.close();
    }
  },
};

async function trimBelow(stage: Stage, checkpoints: Checkpoints): Promise<void> {
  const readers = readersOf(stage);
  const reader = readers[Math.floor(stage.random() * readers.length)]!;
  const label = `${reader.name} stopped, inbox trimmed up to every checkpoint of before`;
  await stage.fault(label, 'other', async () => {
    // Not the checkpoints of now: what a stopped one had under way it writes when it goes on, its own checkpoint too, over
    // that of whoever has the partition since (nothing but work is lost). It can not be older than these.
    const offsets = await processed(checkpoints);
    if (offsets.size === 0) throw new Error('nothing was processed of inbox: there is nothing to trim');
    stage.cluster.kill(reader.name, 'SIGSTOP');
    try {
      await stage.sleep(STOPPED_MS);
      await trim(stage, offsets);
    } finally {
      stage.cluster.kill(reader.name, 'SIGCONT');
    }
    await stage.recovered();
  });
  for (const process of readersOf(stage))
    if (((await wordOf(process))?.stopped ?? 0) > 0)
      stage.fail(`${process.name} stopped a partition, though nothing that it needs was trimmed`);
}

async function processed(checkpoints: Checkpoints): Promise<Map<number, number>> {
  const offsets = new Map<number, number>();
  for (let partition = 0; partition < CLUSTER_LAYOUT.partitions.inbox; partition++) {
    const offset = (await checkpoints.load(partition))?.offset ?? 0;
    if (offset > 0) offsets.set(partition, offset);
  }
  return offsets;
}

async function trimAbove(stage: Stage, checkpoints: Checkpoints): Promise<void> {
  const partition = Math.floor(stage.random() * CLUSTER_LAYOUT.partitions.inbox);
  await stage.fault(`inbox/${partition} trimmed above its checkpoint`, 'other', async () => {
    const ends = new Map(readersOf(stage).map((process) => [process.name, endOfLog(process)]));
    for (const { name } of readersOf(stage)) stage.cluster.kill(name, 'SIGKILL');
    await stage.sleep(LAST_WRITES_MS);
    const right = await checkpoints.load(partition);
    if (right === null || right.offset === 0) throw new Error(`nothing was processed of inbox/${partition}`);
    const offset = Math.max(0, right.offset - 1 - Math.floor(stage.random() * SET_BACK_RECORDS_MAX));
    await checkpoints.save(partition, { ...right, offset });
    try {
      await trim(stage, new Map([[partition, right.offset]]));
      await staysStopped(stage, checkpoints, { partition, offset, ends });
    } finally {
      await putBack(stage, checkpoints, partition, right);
    }
    await stage.recovered();
  });
}

interface Damage {
  readonly partition: number;
  /** Of the checkpoint. */
  readonly offset: number;
  /** Where the log of each process ended before. */
  readonly ends: ReadonlyMap<string, number>;
}

async function staysStopped(stage: Stage, checkpoints: Checkpoints, damage: Damage): Promise<void> {
  const { partition, offset } = damage;
  const said = { balancer: false, metric: false, log: false };
  const isSaid = async () => {
    for (const process of readersOf(stage)) {
      const word = await wordOf(process);
      const log = linesSince(process, damage.ends.get(process.name) ?? 0).some((line) => isAbout(line, partition));
      Object.assign(said, {
        balancer: word?.whyNotReady?.includes('stopped') === true,
        metric: word?.stopped === 1,
        log,
      });
      if (said.balancer && said.metric && said.log) return true;
    }
    await stage.sleep(ASK_MS);
    return false;
  };
  await waitUntil(`inbox/${partition} stops, and says so`, isSaid, SAID_MS_MAX).catch((error: Error) =>
    stage.fail(`${error.message}: said so far ${JSON.stringify(said)}`),
  );
  await stage.sleep(STOPPED_STILL_MS);
  const found = await checkpoints.load(partition);
  if (found?.offset !== offset)
    stage.fail(`inbox/${partition} went on to ${found?.offset}, though ${offset} and more were cut off`);
}

function isAbout(line: string, partition: number): boolean {
  return line.includes('partition stopped') && new RegExp(`"partition":${partition}\\b`).test(line);
}

/** What an operator does who has found the true position: writes it, and starts the readers again. */
async function putBack(stage: Stage, checkpoints: Checkpoints, partition: number, right: Checkpoint): Promise<void> {
  await checkpoints.save(partition, right);
  for (const { name, pid } of readersOf(stage)) if (pid !== null) stage.cluster.kill(name, 'SIGKILL');
}

/** The ledger reads first what is cut off. */
async function trim(stage: Stage, offsets: ReadonlyMap<number, number>): Promise<void> {
  await stage.readLog();
  const { kafka, prefix } = stage.cluster;
  const layout = { ...CLUSTER_LAYOUT, prefix };
  const log = new KafkaEventLog({ brokers: kafka.split(','), layout, logger: silentLogger, runtime: systemRuntime });
  try {
    for (const [partition, offset] of offsets) await log.trim('inbox', partition, offset);
  } finally {
    await log.close();
  }
}

function readersOf({ cluster }: Stage): readonly RoleStatus[] {
  return cluster.processes().filter(({ role, state }) => role === 'inbox' && state !== 'stopped');
}
