// Everybody signs in anew, on a device of their own, from cursor zero, and must come to hold what the file says. Some at a
// time; one is done when nothing is missing and the client has reached the end of the inbox.
import type { FanlogClient } from '../../client/node.ts';
import type { Timer } from '../../kernel/runtime.ts';
import { ImportFailed } from './bad-input.ts';
import type { FrontDoor } from './front-door.ts';
import { countExpected, type ImportedRoom, InboxChecker, type InboxCounts } from './inbox-checker.ts';

/** Two cores are busy with a handful of pulls; more at once hides the waits for the rest. */
const CLIENTS_AT_ONCE = 32;
/** Nothing new came for this long: what is not there is missing. A materializer that lags is never silent so long. */
const STALL_MS = 10_000;
/** The client has no connection, or its pull gets no further, for this long. */
const AWAY_MS_MAX = 60_000;
/** Told to the progress at a time. */
const PROGRESS_ENTRIES = 100;

export interface Verification {
  readonly door: FrontDoor;
  readonly device: string;
  /** By conversation id. */
  readonly rooms: ReadonlyMap<string, ImportedRoom>;
  readonly onEntries: (count: number) => void;
}

/** @throws ImportFailed when a client is turned away. */
export async function verifyInboxes(users: readonly string[], verification: Verification): Promise<InboxCounts[]> {
  const rooms = [...verification.rooms.values()];
  // The longest first: one that is left over at the end would be waited for alone.
  const queue = users.map((user) => ({ user, expected: countExpected(user, rooms) }));
  queue.sort((a, b) => a.expected - b.expected);
  const results: InboxCounts[] = [];
  const work = async () => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      results.push(await verifyInbox(next.user, verification));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS_AT_ONCE }, work));
  return results;
}

async function verifyInbox(user: string, { door, device, rooms, onEntries }: Verification): Promise<InboxCounts> {
  const { runtime } = door;
  const checker = new InboxChecker(user, rooms);
  const client = door.clientOf(user, device, { anew: true });
  let timer: Timer | null = null;
  try {
    await new Promise<void>((resolve, reject) => {
      let activeAt_ms = runtime.monotonic();
      const onActivity = () => {
        activeAt_ms = runtime.monotonic();
      };
      const look = () => {
        const silent_ms = runtime.monotonic() - activeAt_ms;
        if (silent_ms >= (client.state === 'live' ? STALL_MS : AWAY_MS_MAX)) return resolve();
        timer = runtime.setTimer(STALL_MS / 10, look);
      };
      timer = runtime.setTimer(STALL_MS / 10, look);
      let uncounted = 0;
      client.on('entry', ({ event }) => {
        onActivity();
        if (!checker.take(event) || ++uncounted < PROGRESS_ENTRIES) return;
        onEntries(uncounted);
        uncounted = 0;
      });
      client.on('state', onActivity);
      onEnd(client, checker, () => {
        onEntries(uncounted);
        resolve();
      });
      client.on('error', ({ code, message }) =>
        reject(new ImportFailed(`${user} was turned away (${code}): ${message}`)),
      );
      void client.start();
    });
  } finally {
    (timer as Timer | null)?.cancel();
    client.close();
  }
  return checker.counts();
}

// Live: everything up to the head was pulled. What is decided later comes as a push.
function onEnd(client: FanlogClient, checker: InboxChecker, done: () => void): void {
  client.on('state', ({ state }) => {
    if (state === 'live' && checker.complete) done();
  });
  client.on('entry', () => {
    if (client.state === 'live' && checker.complete) done();
  });
}
