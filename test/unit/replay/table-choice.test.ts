// Which set a rebuild fills, and whose the rebuild is.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import type { GenerationRow } from '../../../services/ports/store/state-store.ts';
import { RebuildRecord } from '../../../services/replay/rebuild-record.ts';
import {
  encodeRebuildState,
  lastTablesOf,
  ownerOf,
  type RebuildState,
} from '../../../services/replay/rebuild-state.ts';
import { chooseTables } from '../../../services/replay/table-choice.ts';

const generation: GenerationRow = {
  ...{ generation: 1, partitions: { messages: 1, timeline: 1, inbox: 1 } },
  ...{ epoch: 7, tables: 0 },
};
const { signal } = new AbortController();
const records: RebuildRecord[] = [];
let runs = 0;
after(() => {
  for (const record of records) record.close();
});

function baseWith(text: string | null) {
  const base = {
    text,
    loadRebuild: async () => base.text,
    saveRebuild: async (written: string) => {
      base.text = written;
    },
  };
  return base;
}

function recordOf(base: ReturnType<typeof baseWith>): RebuildRecord {
  const record = new RebuildRecord(base, systemRuntime, `run ${runs++}`, signal);
  records.push(record);
  return record;
}

function leftBehind(fields: Partial<RebuildState> = {}): string {
  return encodeRebuildState({
    ...{ tables: 1, from: 'messages', only: null, owner: '', at: 0, ordinal: 5 },
    ...{ next: { messages: [5], inbox: [0] }, ends: { messages: [9], inbox: [0] } },
    ...{ inboxGoesOnAt: null, reaches: [], foldVersions: [1], sources: [{}], ...fields },
  });
}

async function chosen(text: string | null, only: ReadonlySet<number> | null = null) {
  const base = baseWith(text);
  const removed: number[] = [];
  const sets = {
    list: async () => [0, 1],
    remove: async (number: number) => void removed.push(number),
    open: () => assert.fail(),
    make: () => assert.fail(),
  };
  const watcher = { begin: () => {}, advanced: () => {}, note: () => {} };
  const { tables, kept } = await chooseTables({
    ...{ from: 'messages', base: base as never, record: recordOf(base), sets, generation, only },
    ...{ restart: false, runtime: systemRuntime, signal, watcher },
  });
  return { tables, next: kept?.next.messages, removed, base };
}

test('what an interrupted run left is gone on with; what one left that read single partitions is not', async () => {
  const [whole, part, toPart] = await Promise.all([
    chosen(leftBehind()),
    chosen(leftBehind({ only: [0] })),
    chosen(leftBehind(), new Set([0])),
  ]);
  assert.deepEqual([whole.tables, whole.next, whole.removed], [1, [5], []]);
  assert.deepEqual([part.tables, part.next, part.removed], [2, undefined, [1]]);
  assert.deepEqual([toPart.tables, toPart.next, toPart.removed], [2, undefined, [1]]);
  assert.equal(lastTablesOf(part.base.text), 1);
  assert.notEqual(ownerOf(part.base.text), null, 'it is ours before anything is removed');
});

test('of two runs that begin at the same moment one goes on, and the other says why not', async () => {
  const base = baseWith(null);
  const both = await Promise.allSettled([recordOf(base).claim(), recordOf(base).claim()]);
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const refused = both.find((one) => one.status === 'rejected')!;
  assert.match(refused.reason.message, /Another replay has taken over/);
});

test('a run that is given up leaves its progress to whoever comes next, who need not wait', async () => {
  const base = baseWith(leftBehind());
  const record = recordOf(base);
  await record.claim();
  assert.ok(Date.now() - ownerOf(base.text)!.at < 5_000);
  await record.release();
  assert.deepEqual(ownerOf(base.text), { owner: '', at: 0 });
  assert.equal(base.text, leftBehind());
});
