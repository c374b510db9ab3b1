// What only disks can break: reopening, and the end of a process at any moment.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { EMBEDDED_LAYOUT } from '../../services/events/topics.ts';
import { DATA_FORMAT, DataFolderError, openDataFolder } from '../../services/kernel/data-folder.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { LmdbEventLog } from '../../services/ports/log/embedded/lmdb-event-log.ts';
import { openEnvironment } from '../../services/ports/log/embedded/open-environment.ts';
import type { LogRecord } from '../../services/ports/log/event-log.ts';
import { LmdbStateStore } from '../../services/ports/store/embedded/lmdb-state-store.ts';
import { numberOf, partitionOfNumber, USERS, userOfNumber } from './embedded-writer.ts';

/** Generous: beside a busy disk a flush may take a hundred times what it takes beside an idle one. */
const TIMEOUT = { timeout: 240_000 };
const KILLS = 4;
const WRITER = new URL('./embedded-writer.ts', import.meta.url).pathname;

function withFolder(body: (path: string) => Promise<void>): () => Promise<void> {
  return async () => {
    const path = await mkdtemp(join(tmpdir(), 'fanlog-durability-'));
    try {
      await body(path);
    } finally {
      await rm(path, { recursive: true, force: true });
    }
  };
}

/** Opens log and store in `path`, closes them after `body`. */
async function opened<T>(path: string, body: (log: LmdbEventLog, store: LmdbStateStore) => Promise<T>): Promise<T> {
  const folder = openDataFolder(path);
  const environment = openEnvironment(path);
  const log = new LmdbEventLog(environment, EMBEDDED_LAYOUT, systemRuntime);
  const store = new LmdbStateStore(environment, systemRuntime);
  try {
    return await body(log, store);
  } finally {
    await log.close();
    await store.close();
    await environment.close();
    folder.close();
  }
}

async function readAll(log: LmdbEventLog, partition: number): Promise<LogRecord[]> {
  const all: LogRecord[] = [];
  for (;;) {
    const next = await log.readFrom('messages', partition, all.length, 1_000);
    if (next.length === 0) return all;
    all.push(...next);
  }
}

function spawnWriter(path: string): ChildProcess {
  return spawn(process.execPath, ['--import', 'tsx', WRITER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Lets a writer run until it has acknowledged about so many records, kills it, and returns all it acknowledged. */
async function runAndKill(path: string, acknowledged_min: number): Promise<number[]> {
  const child = spawnWriter(path);
  const exited = once(child, 'exit');
  const acknowledged: number[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    acknowledged.push(...line.split(' ').map(Number));
    if (acknowledged.length >= acknowledged_min) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  assert.equal(signal, 'SIGKILL');
  return acknowledged;
}

function refusalOf(path: string): DataFolderError {
  try {
    openDataFolder(path).close();
  } catch (error) {
    assert.ok(error instanceof DataFolderError, String(error));
    return error;
  }
  throw new Error('the folder was expected to be refused');
}

describe('the embedded log and store on disk', () => {
  it(
    'are found again after closing and opening',
    TIMEOUT,
    withFolder(async (path) => {
      const records = Array.from({ length: 2_000 }, (_, i) => ({ key: `k${i}`, value: Buffer.from(`v${i}`) }));
      const rows = Array.from({ length: 500 }, (_, i) => {
        return {
          user: 'alice',
          inboxSeq: i + 1,
          conversationId: 'g:x',
          seq: i,
          kind: 'MessageSent',
          position: i,
        } as const;
      });
      const checkpoint = { offset: 7, sources: { 1: 2 }, foldVersion: 1 };
      await opened(path, async (log, store) => {
        for (let i = 0; i < 2_000; i += 100)
          await log.append('messages', [{ partition: 0, records: records.slice(i, i + 100) }]);
        await log.trim('messages', 0, 150);
        await store.writeInbox(rows, []);
        await store.saveCheckpoint('inbox', 0, checkpoint);
      });
      await opened(path, async (log, store) => {
        assert.equal(await log.startOffset('messages', 0), 150);
        assert.equal(await log.endOffset('messages', 0), 2_000);
        const [first] = await log.readFrom('messages', 0, 150, 1);
        assert.equal(first!.key, 'k150');
        assert.deepEqual(await store.readInbox('alice', 1, 1_000), rows);
        assert.deepEqual(await store.loadCheckpoint('inbox', 0), checkpoint);
        await log.append('messages', [{ partition: 0, records: records.slice(0, 1) }]);
        assert.equal((await log.readFrom('messages', 0, 2_000, 1))[0]!.key, 'k0');
      });
    }),
  );

  it(
    'keep every acknowledged append at contiguous offsets, and no checkpoint without its rows, through kill -9',
    TIMEOUT,
    withFolder(async (path) => {
      const acknowledged = new Set<number>();
      for (let kill = 0; kill < KILLS; kill++) {
        for (const number of await runAndKill(path, 100 + Math.floor(Math.random() * 2_000))) acknowledged.add(number);
        await opened(path, async (log, store) => {
          const found = new Set<number>();
          for (let partition = 0; partition < EMBEDDED_LAYOUT.partitions.messages; partition++) {
            const read = await readAll(log, partition);
            for (const [i, record] of read.entries()) {
              assert.equal(record.offset, i);
              const number = numberOf(record.value);
              assert.equal(partitionOfNumber(number), partition);
              found.add(number);
            }
          }
          for (const number of acknowledged)
            assert.ok(found.has(number), `record ${number} was acknowledged and is lost`);
          await assertCheckpointCovered(store);
        });
      }
      assert.ok(acknowledged.size >= KILLS * 100);
    }),
  );
});

/** The writer gives each user every USERS-th row; a checkpoint says how many rows were written before it. */
async function assertCheckpointCovered(store: LmdbStateStore): Promise<void> {
  const written = (await store.loadCheckpoint('inbox', 0))?.offset ?? 0;
  for (let i = 0; i < USERS; i++) {
    const user = userOfNumber(i);
    const wanted = Math.floor((written + USERS - 1 - i) / USERS);
    const [head] = await store.loadHeads([user]);
    // Heads go to disk before the checkpoint: after a kill in between they may be far above it.
    const rows = await store.readInbox(user, 1, Math.max(written, head?.head ?? 0) + 1);
    assert.ok(rows.length >= (head?.head ?? 0), `${user}: the head is above the rows`);
    assert.ok(rows.length >= wanted, `${user}: the checkpoint is above the rows`);
    assert.ok((head?.head ?? 0) >= wanted, `${user}: the checkpoint is above the head`);
  }
}

describe('the data folder', () => {
  it(
    'is made when it is not there, and belongs to one owner until that one lets go',
    withFolder(async (parent) => {
      const path = join(parent, 'a', 'b');
      const first = openDataFolder(path);
      assert.equal(refusalOf(path).code, 'in_use');
      first.close();
      first.close();
      openDataFolder(path).close();
      assert.deepEqual((await readdir(path)).map((name) => name.replace(/\d+$/, 'n')).sort(), [
        'fanlog.format',
        'fanlog.lock.n',
      ]);
    }),
  );

  it(
    'is refused with one sentence when it holds somebody else’s files',
    withFolder(async (path) => {
      writeFileSync(join(path, 'thesis.txt'), 'precious');
      const error = refusalOf(path);
      assert.equal(error.code, 'foreign');
      assert.match(error.message, /thesis\.txt.*FANLOG_DATA/);
      assert.deepEqual(await readdir(path), ['thesis.txt']);
    }),
  );

  it(
    'is refused when a newer version wrote it, or when its marker is damaged',
    withFolder(async (path) => {
      writeFileSync(join(path, 'fanlog.format'), JSON.stringify({ format: DATA_FORMAT + 1 }));
      assert.equal(refusalOf(path).code, 'newer_format');
      writeFileSync(join(path, 'fanlog.format'), 'not ours');
      assert.equal(refusalOf(path).code, 'foreign');
    }),
  );

  it(
    'is refused when it cannot be a folder',
    withFolder(async (parent) => {
      writeFileSync(join(parent, 'file'), '');
      assert.equal(refusalOf(join(parent, 'file')).code, 'unusable');
    }),
  );

  it(
    'is free at once after its owner was killed',
    TIMEOUT,
    withFolder(async (path) => {
      await runAndKill(path, 1);
      openDataFolder(path).close();
    }),
  );

  it(
    'has one owner when many processes start at once, even over a dead owner’s lock',
    TIMEOUT,
    withFolder(async (path) => {
      mkdirSync(path, { recursive: true });
      await runAndKill(path, 1);
      const starters = Array.from({ length: 5 }, () => spawnWriter(path));
      const outcomes = starters.map(async (child) => {
        const lines = createInterface({ input: child.stdout! });
        const first = await Promise.race([once(lines, 'line'), once(lines, 'close')]);
        return first.length > 0 && first[0] !== 'refused';
      });
      const owners = (await Promise.all(outcomes)).filter(Boolean);
      for (const child of starters) child.kill('SIGKILL');
      assert.equal(owners.length, 1);
    }),
  );
});
