// What a disk that takes no more does to the embedded log and store. A limit on the size of files (prlimit, of this
// process) stands for the full disk: the same writes fail, and no file system has to be mounted.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { EMBEDDED_LAYOUT } from '../../services/events/topics.ts';
import { systemRuntime } from '../../services/kernel/system-runtime.ts';
import { LmdbEventLog } from '../../services/ports/log/embedded/lmdb-event-log.ts';
import { type LmdbEnvironment, openEnvironment } from '../../services/ports/log/embedded/open-environment.ts';
import { AppendError } from '../../services/ports/log/event-log.ts';
import { LmdbStateStore } from '../../services/ports/store/embedded/lmdb-state-store.ts';
import { StoreError } from '../../services/ports/store/state-store.ts';

const TIMEOUT = { timeout: 60_000 };
const FULL_BYTES = 900_000;
/** More than the store gathers rows before it writes them. */
const GATHERED_MS = 2_300;

const PID = ['--pid', String(process.pid)];
const before = execFileSync('prlimit', [...PID, '--fsize', '--output', 'SOFT', '--noheadings', '--raw']);

function full(): void {
  execFileSync('prlimit', [...PID, `--fsize=${FULL_BYTES}:`]);
}

function spaceAgain(): void {
  execFileSync('prlimit', [...PID, `--fsize=${before.toString().trim()}:`]);
}

let path: string;
let environment: LmdbEnvironment;
let unhandled: unknown[];
const onUnhandled = (error: unknown) => unhandled.push(error);

beforeEach(async () => {
  unhandled = [];
  process.on('unhandledRejection', onUnhandled);
  path = await mkdtemp(join(tmpdir(), 'fanlog-full-'));
  environment = openEnvironment(path);
});

afterEach(async () => {
  spaceAgain();
  await environment.close();
  await rm(path, { recursive: true, force: true });
  process.off('unhandledRejection', onUnhandled);
  assert.deepEqual(unhandled, [], 'these would have ended the process');
});

async function reopen(): Promise<void> {
  await environment.close();
  environment = openEnvironment(path);
}

function row(seq: number, bytes: number) {
  const event = Buffer.alloc(bytes, seq);
  const common = { conversationId: 'g:x', ordinal: seq, sender: 'alice', commandId: 'c', time: 1 };
  return { ...common, seq, position: seq, event };
}

const TOO_MANY = Array.from({ length: 500 }, (_, i) => row(i + 1, 6_000));

async function seqsOf(store: LmdbStateStore): Promise<number[]> {
  return (await store.readTimeline('g:x', 1, 1_000, 1_000, 'ascending')).map(({ seq }) => seq);
}

const to = (end: number) => Array.from({ length: end }, (_, i) => i + 1);

describe('the log on a full disk', () => {
  it('rejects appends, lives, and goes on at the next offset when there is space again', TIMEOUT, async () => {
    let log = new LmdbEventLog(environment, EMBEDDED_LAYOUT, systemRuntime);
    const acknowledged: number[] = [];
    for (let number = 0; number < 12; number++) {
      if (number === 2) full();
      if (number === 8) spaceAgain();
      const records = [{ key: 'k', value: Buffer.alloc(100_000, number) }];
      try {
        await log.append(
          'messages',
          [0, 1, 2].map((partition) => ({ partition, records })),
        );
        acknowledged.push(number);
      } catch (error) {
        assert.ok(error instanceof AppendError, String(error));
        assert.equal(error.outcome, 'unknown');
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(acknowledged.length < 12, 'the disk was not full');
    assert.deepEqual(acknowledged.slice(-4), [8, 9, 10, 11]);
    for (const reopened of [false, true]) {
      if (reopened) {
        await log.close();
        await reopen();
        log = new LmdbEventLog(environment, EMBEDDED_LAYOUT, systemRuntime);
      }
      for (const partition of [0, 1, 2]) {
        const numbers: number[] = [];
        while (numbers.length < (await log.endOffset('messages', partition))) {
          for (const { offset, value } of await log.readFrom('messages', partition, numbers.length, 100)) {
            assert.equal(offset, numbers.push(value[0]!) - 1);
          }
        }
        assert.deepEqual(numbers, acknowledged);
      }
    }
    await log.close();
  });
});

describe('the store on a full disk', () => {
  it('says so, keeps the rows, and writes them when there is space again', TIMEOUT, async () => {
    const store = new LmdbStateStore(environment, systemRuntime);
    full();
    await store.writeTimeline(TOO_MANY, []);
    await assert.rejects(store.durable(), StoreError);
    assert.deepEqual(await seqsOf(store), to(500));
    await store.writeTimeline([row(501, 100)], []);
    spaceAgain();
    await delay(1_500); // it tries again each second
    await store.durable();
    await store.close();
    await reopen();
    assert.deepEqual(await seqsOf(new LmdbStateStore(environment, systemRuntime)), to(501));
  });

  it('refuses what must be durable at once', TIMEOUT, async () => {
    const store = new LmdbStateStore(environment, systemRuntime);
    full();
    const passwordHash = 'x'.repeat(FULL_BYTES);
    await assert.rejects(store.createAccount({ user: 'alice', passwordHash, createdAt: 1 }), StoreError);
    await delay(50);
    spaceAgain();
    assert.equal(await store.createAccount({ user: 'alice', passwordHash: null, createdAt: 1 }), true);
    await store.close();
  });

  it('closes with an error, and no checkpoint is there without the rows below it', TIMEOUT, async () => {
    const store = new LmdbStateStore(environment, systemRuntime);
    full();
    await store.writeTimeline(TOO_MANY, []);
    await delay(GATHERED_MS);
    await store.writeTimeline([row(501, 100)], []);
    await store.saveCheckpoint('messages', 0, { offset: 501, sources: {}, foldVersion: 1 });
    await assert.rejects(store.close(), StoreError);
    spaceAgain();
    await reopen();
    const again = new LmdbStateStore(environment, systemRuntime);
    assert.equal(await again.loadCheckpoint('messages', 0), null);
    const found = await seqsOf(again);
    assert.deepEqual(found, to(found.length));
    assert.ok(found.length < 500);
  });
});

describe('the log', () => {
  it('has room for an append of any size beside small ones, and then for no more', TIMEOUT, async () => {
    const log = new LmdbEventLog(environment, EMBEDDED_LAYOUT, systemRuntime);
    const value = Buffer.alloc(1024 * 1024);
    const append = (count: number) => {
      return log.append('messages', [{ partition: 0, records: Array(count).fill({ key: 'k', value }) }]);
    };
    const admitted = [append(1), append(64)];
    await assert.rejects(append(1), { name: 'AppendError', outcome: 'refused' });
    await Promise.all(admitted);
    assert.equal(await log.endOffset('messages', 0), 65);
    await append(1);
    await log.close();
  });
});
