// The run: read, send, verify. It speaks through `progress` and returns the ledger; printing is the command's.

import { limits } from '../../kernel/limits.ts';
import type { Runtime } from '../../kernel/runtime.ts';
import type { Progress } from '../shared/progress.ts';
import type { ImportArguments } from './arguments.ts';
import { BadInput, ImportFailed } from './bad-input.ts';
import { Chaos, type ChaosReport } from './chaos.ts';
import { CpuMeter } from './cpu-meter.ts';
import { ownCpuSeconds } from './cpu-time.ts';
import { DeliveryWatch } from './delivery-watch.ts';
import { expectRoom } from './expect-room.ts';
import { FrontDoor } from './front-door.ts';
import { importRoom, type RoomImport } from './import-room.ts';
import type { ImportTarget } from './import-target.ts';
import type { ImportedRoom } from './inbox-checker.ts';
import { type Cost, isOk, type Ledger, sumOf, Tally } from './ledger.ts';
import { OwnCluster } from './own-cluster.ts';
import { FRAMES_PER_SECOND, OwnServer } from './own-server.ts';
import { planRoom, type RoomPlan } from './plan-room.ts';
import { readHistory } from './read-history.ts';
import { Speakers } from './speakers.ts';
import { IMPORTER, nickOfUser } from './user-of-nick.ts';
import { verifyInboxes } from './verify-inboxes.ts';

export interface ImportRun {
  readonly options: ImportArguments;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The built server. */
  readonly serverFile: string;
  readonly runtime: Runtime;
  readonly progress: Progress;
  /** Aborted: the run is to end, and to leave nothing running. */
  readonly interrupted: AbortSignal;
}

export interface ImportResult {
  readonly ledger: Ledger;
  readonly cost: Cost;
}

/** @throws BadInput before anything was sent, ImportFailed after. */
export async function runImport(run: ImportRun): Promise<ImportResult> {
  const { options, env, runtime, progress, interrupted } = run;
  const startedAt_ms = runtime.monotonic();
  const givenKey = env.FANLOG_APP_KEY?.trim() ?? '';
  if (options.url !== null && givenKey === '') {
    throw new BadInput('--url needs FANLOG_APP_KEY, the key of the server there, to make tokens for the users.');
  }
  const { failed, fail } = failureOf(run);
  progress.note(`reading    ${options.file}`);
  const plans = (await readHistory(options.file, options.rooms_max)).map(planRoom);
  for (const plan of plans) refuseCrowd(plan);
  const readAt_ms = runtime.monotonic();

  const appKey = givenKey === '' ? Buffer.from(runtime.randomBytes(48)).toString('base64') : givenKey;
  const target = options.url === null && !interrupted.aborted ? await startTarget(run, appKey, fail) : null;
  const meter = new CpuMeter(() => target?.processes() ?? [], runtime);
  let isGood = false;
  try {
    if (interrupted.aborted) await failed;
    const door = await FrontDoor.open(options.url ?? target!.url, appKey, runtime);
    const openedAt_ms = runtime.monotonic();
    const ownBefore_s = ownCpuSeconds();
    const work = replay(run, plans, { door, target, meter, fail });
    work.catch(() => {});
    const { ledger, importedAt_ms, chaos } = await Promise.race([work, failed]);
    const time_s = {
      reading: secondsOf(readAt_ms - startedAt_ms),
      starting: secondsOf(openedAt_ms - readAt_ms),
      importing: secondsOf(importedAt_ms - openedAt_ms),
      verifying: secondsOf(runtime.monotonic() - importedAt_ms),
    };
    const cost = { time_s, cpu_s: cpuOf(meter, ownCpuSeconds() - ownBefore_s), chaos };
    isGood = isOk(ledger, cost);
    return { ledger, cost };
  } finally {
    meter.stop();
    progress.end();
    await target?.stop(isGood || interrupted.aborted);
  }
}

/** What ends a run from outside: it was interrupted, or what it runs is gone. */
function failureOf({ interrupted, progress }: ImportRun) {
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // whoever races it hears of it
  interrupted.addEventListener('abort', () => {
    progress.note('           interrupted: ending what runs; once more, and it is left to end by itself');
    fail(new ImportFailed('It was interrupted.'));
  });
  return { failed, fail };
}

interface Replay {
  readonly door: FrontDoor;
  readonly target: ImportTarget | null;
  readonly meter: CpuMeter;
  readonly fail: (error: Error) => void;
}

async function replay(
  { options, runtime, progress }: ImportRun,
  plans: readonly RoomPlan[],
  { door, target, meter, fail }: Replay,
) {
  const runId = Buffer.from(runtime.randomBytes(4)).toString('hex');
  const messages = new Tally();
  const commands = new Tally();
  const steps = plans.reduce((sum, plan) => sum + plan.steps.length, 0);
  progress.begin('importing', steps, 'steps');
  const watch = new DeliveryWatch(runtime);
  const note = (line: string) => progress.note(line);
  const chaos = options.chaos
    ? new Chaos({ target: target!, meter, watch, runtime, steps, note, onFailed: fail })
    : null;
  const onStep = () => {
    progress.advance(1);
    return chaos?.onStep(messages.sent) ?? null;
  };
  const speakers = new Speakers({ door, device: `import-${runId}`, watch, onFailed: fail });
  let imports: RoomImport[];
  let report: ChaosReport | null = null;
  try {
    imports = await Promise.all(plans.map((plan) => importRoom(plan, { door, speakers, messages, commands, onStep })));
    report = (await chaos?.end()) ?? null;
  } finally {
    speakers.close();
  }
  const importedAt_ms = runtime.monotonic();

  const rooms = new Map(plans.map((plan, i) => [imports[i]!.conversationId, importedRoom(plan, imports[i]!)]));
  const users = usersOf(rooms.values());
  progress.begin('verifying', expectedTotal(rooms.values()), 'inbox entries');
  const onEntries = (count: number) => progress.advance(count);
  const counts = await verifyInboxes([...users], { door, device: `verify-${runId}`, rooms, onEntries });
  const ledger: Ledger = {
    rooms: rooms.size,
    users: users.size,
    escapedNicks: [...users].filter((user) => nickOfUser(user) !== user).length,
    lines: plans.reduce((sum, { room }) => sum + room.lines.length, 0),
    messages: {
      sent: messages.sent,
      accepted: messages.accepted,
      sequenced: messages.sequenced,
      rejected: messages.rejected,
    },
    commands: {
      sent: commands.sent,
      sequenced: commands.sequenced,
      unchanged: commands.unchanged,
      rejected: commands.rejected,
    },
    inboxes: { ...sumOf(counts), members: counts.length },
  };
  return { ledger, importedAt_ms, chaos: report };
}

function startTarget(
  { options, env, serverFile, runtime, progress }: ImportRun,
  appKey: string,
  onLost: (error: Error) => void,
): Promise<ImportTarget> {
  const note = (line: string) => progress.note(line);
  const frames = env.FANLOG_FRAMES_PER_SECOND ?? FRAMES_PER_SECOND;
  if (options.profile === 'cluster') {
    note(`cluster    its own, FANLOG_FRAMES_PER_SECOND=${frames}; starting Kafka, Cassandra, Redis and every role`);
    return OwnCluster.start({ serverFile, env, appKey, runtime, note });
  }
  note(`server     its own, on ${env.FANLOG_DATA ?? './data'}, FANLOG_FRAMES_PER_SECOND=${frames}`);
  return OwnServer.start({ serverFile, env, appKey, runtime, onLog: note, onLost });
}

// The group would refuse whoever comes last, and every inbox after that would differ from the file.
function refuseCrowd({ room, members_max }: RoomPlan): void {
  if (members_max <= limits.group_members_max) return;
  throw new BadInput(
    `${room.name} has ${members_max} members at once, with the ${IMPORTER}; a group takes ${limits.group_members_max}. Choose rooms without it (--rooms), or split it.`,
  );
}

function importedRoom({ room }: RoomPlan, { keyOf }: RoomImport): ImportedRoom {
  const expected = expectRoom(room);
  const indexOfKey = new Map(expected.events.map(({ key }, index) => [key, index]));
  const indexOf = new Map<string, number>();
  for (const [id, key] of keyOf) {
    const index = indexOfKey.get(key);
    if (index !== undefined) indexOf.set(id, index);
  }
  return { expected, indexOf };
}

function usersOf(rooms: Iterable<ImportedRoom>): Set<string> {
  const users = new Set<string>();
  for (const { expected } of rooms) for (const user of expected.stays.keys()) users.add(user);
  return users;
}

function expectedTotal(rooms: Iterable<ImportedRoom>): number {
  let total = 0;
  for (const { expected } of rooms) {
    for (const stays of expected.stays.values()) for (const { first, last } of stays) total += last - first + 1;
  }
  return total;
}

function secondsOf(duration_ms: number): number {
  return Math.round(duration_ms) / 1000;
}

function cpuOf(meter: CpuMeter, own_s: number): Cost['cpu_s'] {
  meter.read();
  const processes = meter.seconds();
  const known = Object.values(processes).filter((seconds) => seconds !== null);
  const server = known.length === 0 ? null : hundredths(known.reduce((sum, seconds) => sum + seconds, 0));
  return { import: hundredths(own_s), server, processes };
}

function hundredths(seconds: number): number {
  return Math.round(seconds * 100) / 100;
}
