// A process that appends numbered records and writes rows as fast as it can until it is killed. It prints the numbers
// of the records that were acknowledged, or `refused` when the data folder is not to be had.
import { EMBEDDED_LAYOUT } from '../../services/events/topics.ts';
import { DataFolderError, openDataFolder } from '../../services/kernel/data-folder.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { LmdbEventLog } from '../../services/ports/log/embedded/lmdb-event-log.ts';
import { openEnvironment } from '../../services/ports/log/embedded/open-environment.ts';
import { LmdbStateStore } from '../../services/ports/store/embedded/lmdb-state-store.ts';

/** So many that one generation of rows takes several transactions. */
export const USERS = 3_000;
const ROWS = 300;
/** A run writes no more than this, so that checking it stays cheap. */
const ROWS_MAX = 300_000;

export function partitionOfNumber(number: number): number {
  return number % EMBEDDED_LAYOUT.partitions.messages;
}

export function numberOf(value: Uint8Array): number {
  return Number(Buffer.from(value).toString('latin1').split(' ')[0]);
}

export function userOfNumber(number: number): string {
  return `user-${number % USERS}`;
}

async function appendForEver(log: LmdbEventLog, first: number): Promise<void> {
  for (let number = first; ; ) {
    const numbers = Array.from({ length: 1 + (number % 7) }, () => number++);
    const batches = Array.from({ length: EMBEDDED_LAYOUT.partitions.messages }, (_, partition) => {
      const own = numbers.filter((n) => partitionOfNumber(n) === partition);
      const value = (n: number) => Buffer.from(`${n} ${'x'.repeat((n * 31) % 3_000)}`, 'latin1');
      return { partition, records: own.map((n) => ({ key: `key-${n}`, value: value(n) })) };
    });
    await log.append(
      'messages',
      batches.filter(({ records }) => records.length > 0),
    );
    process.stdout.write(`${numbers.join(' ')}\n`);
  }
}

/** Goes on from its checkpoint, as a processor would. */
async function writeRows(store: LmdbStateStore): Promise<void> {
  const start = (await store.loadCheckpoint('inbox', 0))?.offset ?? 0;
  for (let written = start; written < start + ROWS_MAX; written += ROWS) {
    const rows = Array.from({ length: ROWS }, (_, i) => {
      const number = written + i;
      const inboxSeq = Math.floor(number / USERS) + 1;
      const common = { conversationId: `g:${number % 3}`, seq: number, kind: 'MessageSent' } as const;
      return { ...common, user: userOfNumber(number), inboxSeq, position: number };
    });
    await store.writeInbox(rows, []);
    await store.writeHeads(
      rows.map(({ user, inboxSeq, position }) => ({ user, head: inboxSeq, headAsOf: position, minimumSeq: 1 })),
    );
    await store.saveCheckpoint('inbox', 0, { offset: written + ROWS, sources: {}, foldVersion: 1 });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function main(path: string): Promise<void> {
  try {
    openDataFolder(path);
  } catch (error) {
    if (!(error instanceof DataFolderError) || error.code !== 'in_use') throw error;
    process.stdout.write('refused\n');
    return;
  }
  const environment = openEnvironment(path);
  const log = new LmdbEventLog(environment, EMBEDDED_LAYOUT, systemRuntime);
  const store = new LmdbStateStore(environment, systemRuntime);
  // Numbers of this run are above those of every earlier one.
  let first = 0;
  for (let partition = 0; partition < EMBEDDED_LAYOUT.partitions.messages; partition++) {
    const end = await log.endOffset('messages', partition);
    const newest = end === 0 ? [] : await log.readFrom('messages', partition, end - 1, 1);
    for (const { value } of newest) first = Math.max(first, numberOf(value) + 1);
  }
  await Promise.all([appendForEver(log, first), writeRows(store)]);
}

const [, script, path] = process.argv;
if (script !== undefined && import.meta.url.endsWith(script) && path !== undefined) await main(path);
