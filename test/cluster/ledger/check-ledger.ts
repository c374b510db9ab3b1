// Closes the books: the log is replayed through the reference decider of the simulation, every user pulls the whole inbox
// anew, and whatever anyone was ever told or shown must be what the log says.
//
//   topics ─▶ ReplayedLog ─▶ what every inbox must hold ─▶ everyone pulls from zero ─▶ checkClients
//
// So nothing that was acknowledged is lost, nothing is repeated, orders and numbers are dense, nobody got what was not
// for them, and no number ever meant something else.
import { checkClients } from '../../simulation/checker/check-clients.ts';
import { ReplayedLog } from '../../simulation/checker/replayed-log.ts';
import { type ViolationCounts, Violations } from '../../simulation/checker/violations.ts';
import type { Load } from './load.ts';
import type { LogContents } from './log-contents.ts';
import type { Participant } from './participant.ts';
import { waitUntil } from './wait-until.ts';

export interface Ledger {
  /** By the load's clients. */
  readonly sent: number;
  /** Of those, with a receipt or an outcome. */
  readonly acknowledged: number;
  /** Commands in the log, repeats and refusals included. */
  readonly commands: number;
  /** Numbered events. */
  readonly events: number;
  /** What all users pulled from zero. */
  readonly entries: number;
  /** What is wrong, in sentences: none, if all is well. At most twenty, `violationCount` has all. */
  readonly violations: readonly string[];
  readonly violationCount: number;
  readonly violationCounts: ViolationCounts;
}

/** Users who pull at the same time: thousands of pages at once would be a test of patience. */
const PULLING_MAX = 50;
/** Outcomes may come before the last append of their slice is confirmed. */
const LOG_MS_MAX = 15_000;
const PULL_MS_MAX = 60_000;

/** The load is paused and settled, all processes are up. @throws Error when an inbox does not come */
export async function checkLedger(load: Load, log: LogContents): Promise<Ledger> {
  const { replayed, violations } = await replay(log);
  violations.addAll(load.violations);
  const { users } = load.cast;
  const anew = users.map((user) => load.newDevice(user, `${user}-anew-${Math.round(performance.now())}`));
  for (let from = 0; from < anew.length; from += PULLING_MAX)
    await pullFromZero(anew.slice(from, from + PULLING_MAX), replayed, violations);
  checkClients([...load.devices, ...anew], load.observations, replayed, violations);
  const acknowledged = load.devices.flatMap(({ sent }) => sent).filter(({ progress }) => progress !== 'queued');
  return {
    sent: load.sends,
    acknowledged: acknowledged.length,
    commands: replayed.commands.size,
    events: sum([...replayed.conversations.values()].map(({ events }) => events.length)),
    entries: sum(anew.map(({ runs }) => runs.flat().length)),
    violations: violations.sentences,
    violationCount: violations.count,
    violationCounts: violations.counts,
  };
}

/** Until everyone has as many entries as the log gives them, and was told that there are no more; then they go. */
async function pullFromZero(devices: readonly Participant[], replayed: ReplayedLog, violations: Violations) {
  const wanted = ({ user }: Participant) => inboxOf(replayed, user).length;
  const late = () => devices.filter((device) => device.inboxSeq < wanted(device) || !device.isLive);
  const who = () => late().map((device) => `${device.state} of ${wanted(device)}`);
  try {
    await Promise.all(devices.map((device) => device.goOnline()));
    await waitUntil(
      () => who().join('; '),
      () => late().length === 0,
      PULL_MS_MAX,
    );
  } catch (error) {
    violations.add(`what everyone pulled: ${(error as Error).message}`, 'lost');
  } finally {
    for (const device of devices) device.goOffline();
  }
}

/** Again until it agrees with itself: what was decided may still be on its way into the other topics. */
async function replay(log: LogContents): Promise<{ replayed: ReplayedLog; violations: Violations }> {
  let found: { replayed: ReplayedLog; violations: Violations } | undefined;
  const isWhole = async () => {
    await log.readOn();
    const violations = new Violations();
    found = { replayed: new ReplayedLog(log, violations), violations };
    return violations.count === 0;
  };
  await waitUntil('the log agrees with the reference', isWhole, LOG_MS_MAX).catch((error: unknown) => {
    if (found === undefined) throw error;
  });
  return found!;
}

function inboxOf(replayed: ReplayedLog, user: string): readonly unknown[] {
  return replayed.inboxes.get(user) ?? [];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
