// The whole of a rebuild: a new set of tables beside the live one, filled, compared, put in force.
//
//   passes until little is left ─▶ compare ─▶ one more pass ─▶ checkpoints ─▶ switch
//
// The switch is one record. Every process looks at it every two seconds and goes over by itself: stages go on from the
// checkpoints written here, and what they decide a second time, inbox processors drop by its source (R5).
import { partitionOf } from '../events/partition.ts';
import { offsetOf } from '../events/position.ts';
import type { Runtime } from '../kernel/runtime.ts';
import type { EventLog } from '../ports/log/event-log.ts';
import { type GenerationRow, type StateStore, StoreError } from '../ports/store/state-store.ts';
import { type TableSets, TablesMissingError } from '../ports/store/table-sets.ts';
import { conversationRowOf } from './command-folder.ts';
import { stateDifferences } from './compare/compare-conversation.ts';
import { type ComparedTables, type CompareOptions, compareTables } from './compare/compare-tables.ts';
import type { Compared, Verdict } from './compare/comparison.ts';
import { Differences } from './compare/differences.ts';
import { NoTables } from './no-tables.ts';
import { patience } from './patience.ts';
import { PatientStore } from './patient-store.ts';
import { Rebuild, type RebuildWatcher, type RowCounts } from './rebuild.ts';
import { RebuildRecord } from './rebuild-record.ts';
import type { ReplaySource } from './rebuild-state.ts';
import { ReplayError } from './replay-error.ts';
import { chooseTables } from './table-choice.ts';

export interface ReplayOptions {
  readonly from: ReplaySource;
  readonly log: EventLog;
  readonly base: StateStore;
  readonly sets: TableSets;
  readonly generation: GenerationRow;
  /** Rebuild and compare; put nothing in force, leave nothing behind. */
  readonly dryRun: boolean;
  /** Partitions of the topic `from`; null for all. Only with `dryRun`. */
  readonly only: ReadonlySet<number> | null;
  readonly rowsPerSecond: number;
  /** Throw away what an interrupted run left. */
  readonly restart: boolean;
  readonly runtime: Runtime;
  readonly signal: AbortSignal;
  readonly watcher: RebuildWatcher;
  /** Each user and conversation, with its digests. */
  readonly onCompared: (what: 'user' | 'conversation', name: string, compared: Compared) => void;
}

export interface ReplayReport {
  readonly from: ReplaySource;
  readonly rows: RowCounts;
  /** Records read, of both topics. */
  readonly records: number;
  /** Reading and writing, without the comparison. */
  readonly rebuild_ms: number;
  readonly compare_ms: number;
  readonly compared: ComparedTables;
  readonly differences: Differences;
  /** The set that was filled. */
  readonly tables: number;
  /** An earlier run had begun it. */
  readonly isResumed: boolean;
  /** null: it was not put in force. `epoch` is that of before unless inboxes have another order. */
  readonly switched: { readonly epoch: number; readonly epochBefore: number } | null;
}

/** With no more than so many records in a pass the set is as good as up to date. */
const FEW_RECORDS = 2_000;
const PASSES_MAX = 10;
/** A live row is read a second before the checkpoint that covers it. */
const MOVING_PASSES_MAX = 5;

/** @throws ReplayError, StoreError */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const { from, base, sets, generation, dryRun, only, runtime, watcher } = options;
  const owner = Buffer.from(runtime.randomBytes(8)).toString('hex');
  if (only !== null && from === 'inbox' && generation.epochOfInbox !== undefined)
    throw new ReplayError(
      'These inboxes were once numbered from messages: single partitions of inbox cannot be compared with them. Leave --partition out.',
    );
  const record = new RebuildRecord(base, runtime, owner, options.signal);
  const closing: StateStore[] = [];
  const differences = new Differences();
  let tables = 0;
  let isOver = false;
  try {
    const chosen = await chooseTables({ ...options, record });
    const { kept } = chosen;
    tables = chosen.tables;
    const patient = (store: StateStore) => new PatientStore(store, patience(options, record));
    const rebuilt = patient(await sets.make(tables));
    closing.push(rebuilt);
    const live = patient(await openLive(options));
    closing.push(live);
    const rebuildStartedAt = runtime.monotonic();
    const rebuild = await Rebuild.begin({ ...options, store: rebuilt, live, record }, tables, kept);
    let records = 0;
    for (let pass = 1; ; pass++) {
      const read = await rebuild.pass();
      records += read;
      if (read <= FEW_RECORDS || pass === PASSES_MAX) break;
    }
    const rebuild_ms = runtime.monotonic() - rebuildStartedAt;

    const compareStartedAt = runtime.monotonic();
    watcher.begin('compare', await sizeOf(rebuilt));
    const onCompared: ReplayOptions['onCompared'] = (...compared) => {
      watcher.advanced(1);
      options.onCompared(...compared);
    };
    const compared = await compareTables({ ...options, live, rebuilt, next: rebuild.next, differences, onCompared });
    records += await followMoving(rebuild, compared, differences);
    const compare_ms = runtime.monotonic() - compareStartedAt;

    const report = { from, rows: rebuild.rows, records, rebuild_ms, compare_ms, compared, differences, tables };
    const isResumed = kept !== null;
    if (dryRun || only !== null) {
      isOver = true;
      return { ...report, isResumed, switched: null };
    }

    records += await rebuild.pass();
    const epoch =
      generation.epoch + ((await keepsNumbers({ ...options, live, rebuilt, next: rebuild.next }, compared)) ? 0 : 1);
    await rebuild.writeCheckpoints();
    await switchTo(options, record, tables, epoch);
    // In force it is, whatever becomes of the record.
    await record.remove(tables).catch((error: unknown) => watcher.note(`the record was not removed: ${error}`));
    return { ...report, isResumed, switched: { epoch, epochBefore: generation.epoch } };
  } catch (error) {
    isOver = error instanceof ReplayError;
    throw error;
  } finally {
    for (const store of closing) await store.close();
    // Of partitions alone nothing can be gone on with.
    const isLeft = tables > 0 && dryRun && (isOver || only !== null);
    // The record first: half of a set is not to be gone on with.
    const cleared = isLeft ? record.remove(tables).then(() => sets.remove(tables)) : record.release();
    await cleared.catch((error: unknown) => watcher.note(`what set ${tables} is for was not cleared up: ${error}`));
  }
}

/** The set in force. One that is gone is compared with all the same: everything is missing from it. @throws StoreError */
async function openLive({ base, sets, generation, watcher }: ReplayOptions): Promise<StateStore> {
  try {
    return await sets.open(generation.tables);
  } catch (error) {
    if (!(error instanceof TablesMissingError)) throw error;
    watcher.note(`set ${generation.tables} of the tables, which is in force, is gone`);
    return new NoTables(base);
  }
}

/** @throws ReplayError when the set, or what it was made beside, is not what it was */
async function switchTo(options: ReplayOptions, record: RebuildRecord, tables: number, epoch: number): Promise<void> {
  const { base, sets, generation } = options;
  const retry = patience(options, record);
  await record.check();
  const now = await retry(() => base.loadGeneration());
  const isAsBefore = now?.tables === generation.tables && now.epoch === generation.epoch;
  if (isAsBefore && (await retry(() => sets.list())).includes(tables)) {
    // Whatever became of the write: the record tells.
    await base.switchTables({ tables, epoch }).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
    });
    const inForce = await retry(() => base.loadGeneration());
    if (inForce?.tables === tables && inForce.epoch === epoch) return;
    if (inForce?.tables === generation.tables)
      throw new ReplayError('The set could not be put in force; nothing was changed. The same command goes on.');
  }
  throw new ReplayError('Another set of tables was put in force meanwhile; this one was not. Start again.');
}

/**
 * Whether the live numbers hold in the rebuilt set. Not if any live inbox is another than the log gives: somebody's cursor
 * may be of that one. From `inbox`, in the epoch that it was written in, nothing more is to be asked. Else every rebuilt
 * inbox, as it is now, must be the beginning of the live one: what comes behind it has the order of the topic `inbox` in both.
 */
async function keepsNumbers(
  options: Omit<CompareOptions, 'differences'> & Pick<ReplayOptions, 'watcher'>,
  first: ComparedTables,
): Promise<boolean> {
  const isRight = ({ users, strangers }: ComparedTables) => users.different + strangers === 0;
  const isSame = (compared: ComparedTables) =>
    isRight(compared) && compared.users.reordered + compared.users.behind === 0;
  if (options.from === 'inbox' && options.generation.epochOfInbox === undefined) return isRight(first);
  if (!isSame(first)) return false;
  options.watcher.note('comparing the inboxes once more, as they are at the switch');
  return isSame(await compareTables({ ...options, differences: new Differences(), onCompared: () => {} }));
}

/** Goes on to the positions of the live rows that are ahead, and compares each there. Resolves with the records read. */
async function followMoving(rebuild: Rebuild, compared: ComparedTables, differences: Differences): Promise<number> {
  const { moving } = compared;
  if (moving.size === 0) return 0;
  const left = new Map(moving);
  rebuild.folder.onFolded = (state) => {
    const row = left.get(state.conversationId);
    if (row === undefined || row.asOf !== state.asOf) return;
    left.delete(state.conversationId);
    const sentences = stateDifferences(row, conversationRowOf(state));
    for (const sentence of sentences) differences.add(`conversation ${state.conversationId}: ${sentence}`);
    if (sentences.length > 0) count(compared, 'different');
  };
  let records = 0;
  for (let pass = 1; left.size > 0 && pass <= MOVING_PASSES_MAX; pass++) records += await rebuild.pass();
  rebuild.folder.onFolded = () => {};
  for (const [id, { asOf }] of left) {
    const partition = partitionOf(id, rebuild.next.messages.length);
    // The live fanout may have flushed the row and ended before its checkpoint: nobody knows yet.
    const isPassed = rebuild.next.messages[partition]! > offsetOf(asOf);
    if (isPassed) differences.add(`conversation ${id}: its row is true at ${asOf}, where the log has no command of it`);
    count(compared, isPassed ? 'different' : 'behind');
  }
  return records;
}

function count({ conversations }: ComparedTables, verdict: Verdict): void {
  conversations.moving--;
  conversations[verdict]++;
}

/** For an estimate of how long comparing takes. */
async function sizeOf(store: StateStore): Promise<number> {
  let found = 0;
  for await (const heads of store.scanHeads()) found += heads.length;
  for await (const ids of store.scanConversations()) found += ids.length;
  return found;
}
