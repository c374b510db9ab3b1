// The run: read, send, verify. It speaks through `progress` and returns the ledger; printing is the command's.

import { limits } from '../../kernel/limits.ts';
import type { Runtime } from '../../kernel/runtime.ts';
import type { ImportArguments } from './arguments.ts';
import { BadInput, type ImportFailed } from './bad-input.ts';
import { ownCpuSeconds } from './cpu-time.ts';
import { expectRoom } from './expect-room.ts';
import { FrontDoor } from './front-door.ts';
import { importRoom, type RoomImport } from './import-room.ts';
import type { ImportedRoom } from './inbox-checker.ts';
import { type Cost, type Ledger, sumOf, Tally } from './ledger.ts';
import { FRAMES_PER_SECOND, OwnServer } from './own-server.ts';
import { planRoom, type RoomPlan } from './plan-room.ts';
import type { Progress } from './progress.ts';
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
}

export interface ImportResult {
  readonly ledger: Ledger;
  readonly cost: Cost;
}

/** @throws BadInput before anything was sent, ImportFailed after. */
export async function runImport(run: ImportRun): Promise<ImportResult> {
  const { options, env, runtime, progress } = run;
  const startedAt_ms = runtime.monotonic();
  const givenKey = env.FANLOG_APP_KEY?.trim() ?? '';
  if (options.url !== null && givenKey === '') {
    throw new BadInput('--url needs FANLOG_APP_KEY, the key of the server there, to make tokens for the users.');
  }
  progress.note(`reading    ${options.file}`);
  const plans = (await readHistory(options.file, options.rooms_max)).map(planRoom);
  for (const plan of plans) refuseCrowd(plan);

  const appKey = givenKey === '' ? Buffer.from(runtime.randomBytes(48)).toString('base64') : givenKey;
  let fail: (error: ImportFailed) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {}); // whoever races it hears of it
  const server = options.url === null ? await startServer(run, appKey, fail) : null;
  try {
    const door = await FrontDoor.open(options.url ?? server!.url, appKey, runtime);
    const readAt_ms = runtime.monotonic();
    const work = replay(run, plans, door, server, fail);
    work.catch(() => {});
    const { ledger, importedAt_ms, kills } = await Promise.race([work, failed]);
    const time_s = {
      reading: secondsOf(readAt_ms - startedAt_ms),
      importing: secondsOf(importedAt_ms - readAt_ms),
      verifying: secondsOf(runtime.monotonic() - importedAt_ms),
    };
    const cpu_s = { server: server?.cpuSeconds() ?? null, import: ownCpuSeconds() };
    return { ledger, cost: { time_s, cpu_s, kills } };
  } finally {
    progress.end();
    await server?.stop();
  }
}

async function replay(
  { options, runtime, progress }: ImportRun,
  plans: readonly RoomPlan[],
  door: FrontDoor,
  server: OwnServer | null,
  fail: (error: ImportFailed) => void,
) {
  const runId = Buffer.from(runtime.randomBytes(4)).toString('hex');
  const messages = new Tally();
  const commands = new Tally();
  const steps = plans.reduce((sum, plan) => sum + plan.steps.length, 0);
  progress.begin('importing', steps, 'steps');
  let stepsDone = 0;
  let crash: Promise<void> | null = null;
  const onStep = () => {
    progress.advance(1);
    if (!options.chaos || crash !== null || ++stepsDone < steps / 2) return;
    progress.note('killing the server with -9, and starting it again');
    crash = server!.crash();
    crash.catch(fail);
  };
  const speakers = new Speakers({ door, device: `import-${runId}`, onFailed: fail });
  let imports: RoomImport[];
  try {
    imports = await Promise.all(plans.map((plan) => importRoom(plan, { door, speakers, messages, commands, onStep })));
  } finally {
    speakers.close();
  }
  await crash;
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
  return { ledger, importedAt_ms, kills: crash === null ? 0 : 1 };
}

function startServer(
  { env, serverFile, runtime, progress }: ImportRun,
  appKey: string,
  onLost: (e: ImportFailed) => void,
) {
  progress.note(
    `server     its own, on ${env.FANLOG_DATA ?? './data'}, FANLOG_FRAMES_PER_SECOND=${env.FANLOG_FRAMES_PER_SECOND ?? FRAMES_PER_SECOND}`,
  );
  return OwnServer.start({ serverFile, env, appKey, runtime, onLog: (line) => progress.note(line), onLost });
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
