// A log that cannot be read any further: what was read before is in the files, the run fails, and the next one goes on there.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import avsc from 'avsc';
import { Progress } from '../../../services/commands/shared/progress.ts';
import { readArguments, type TapArguments } from '../../../services/commands/tap/arguments.ts';
import type { EventRow } from '../../../services/commands/tap/event-row.ts';
import { SourceAwayError, SourceChangedError } from '../../../services/commands/tap/event-source.ts';
import { runTap } from '../../../services/commands/tap/run-tap.ts';
import { TapFailed } from '../../../services/commands/tap/tap-error.ts';
import type { Runtime } from '../../../services/kernel/runtime.ts';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import type { LogRecord } from '../../../services/ports/log/event-log.ts';
import { ListSource, messagesIn } from './list-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'fanlog-tap-unreadable-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Timers fire at once, and as much time has passed then as they were set to. */
function hurried(): Runtime {
  let now_ms = 0;
  return {
    ...systemRuntime,
    monotonic: () => now_ms,
    setTimer: (delay_ms, callback) =>
      systemRuntime.setTimer(0, () => {
        now_ms += delay_ms;
        callback();
      }),
  };
}

function tap(source: ListSource, out: string, args: readonly string[] = [], until?: AbortSignal) {
  const options = readArguments(['--to', 'avro', '--out', join(folder, out), ...args]) as TapArguments;
  const runtime = hurried();
  // The real clock: it is shown only, and its timer would never be the last.
  const progress = new Progress({ write: () => {} }, systemRuntime);
  const interrupted = until ?? new AbortController().signal;
  return runTap({ options, env: {}, runtime, progress, interrupted }, async () => source);
}

async function offsetsIn(out: string): Promise<Record<number, number[]>> {
  const found: Record<number, number[]> = {};
  for (const name of readdirSync(join(folder, out)).sort()) {
    if (!name.startsWith('events-')) continue;
    for await (const row of avsc.createFileDecoder(join(folder, out, name))) {
      const { logPartition, logOffset } = row as EventRow;
      found[logPartition] = [...(found[logPartition] ?? []), logOffset];
    }
  }
  return found;
}

const countTo = (end: number) => Array.from({ length: end }, (_, offset) => offset);

/** As a release writes it that this one does not know. */
function unreadable(record: LogRecord): LogRecord {
  return { ...record, value: Buffer.from([0, 0, 0, 0xff, 0xff, 1, 2]) };
}

test('a record that cannot be decoded keeps back what is behind it, and nothing else', async () => {
  for (const damaged of [0, 2]) {
    const source = new ListSource(messagesIn(4, 100));
    const good = source.records[damaged]![60]!;
    source.records[damaged]![60] = unreadable(good);
    const out = `decode-${damaged}`;
    const whole = { 0: countTo(100), 1: countTo(100), 2: countTo(100), 3: countTo(100) };
    for (const attempt of [1, 2]) {
      await assert.rejects(tap(source, out), (error) => {
        assert.ok(error instanceof TapFailed, `attempt ${attempt}: ${error}`);
        assert.match(error.message, new RegExp(`^Partition ${damaged} of timeline\\.g1, record 60: schema id 65535 `));
        return true;
      });
      assert.deepEqual(await offsetsIn(out), { ...whole, [damaged]: countTo(60) });
    }
    source.records[damaged]![60] = good;
    const { written, total } = await tap(source, out);
    assert.deepEqual([written.events, total.events, total.repeats], [40, 400, 0]);
    assert.deepEqual(await offsetsIn(out), whole);
    assert.equal((await tap(source, out)).written.events, 0);
  }
});

test('a repeat that stands behind the record that failed is known when the run goes on', async () => {
  const [records] = messagesIn(1, 10) as [LogRecord[]];
  const source = new ListSource([[...records, ...records.slice(4)].map((record, offset) => ({ ...record, offset }))]);
  const good = source.records[0]![7]!;
  source.records[0]![7] = unreadable(good);
  await assert.rejects(tap(source, 'repeats'), TapFailed);
  source.records[0]![7] = good;
  const { total } = await tap(source, 'repeats');
  assert.deepEqual([total.events, total.repeats], [10, 6]);
  assert.deepEqual(await offsetsIn('repeats'), { 0: countTo(10) });
});

test('a partition that was trimmed above what was read ends the run, and the files hold what was read', async () => {
  const source = new ListSource(messagesIn(2, 5_000));
  source.beforeRead = (_, offset) => {
    if (offset === 0 || source.start > 0) return;
    source.start = 4_500;
    source.records = source.records.map((records) => records.slice(4_500));
  };
  await assert.rejects(tap(source, 'trimmed'), /was trimmed: it begins at 4500, and 4096 is the next one/);
  assert.deepEqual(await offsetsIn('trimmed'), { 0: countTo(4_096), 1: countTo(4_096) });
});

test('with --follow a record that cannot be decoded ends the run at once', async () => {
  const source = new ListSource(messagesIn(2, 10));
  const more = messagesIn(2, 20);
  source.beforeRead = (_, offset) => {
    if (offset !== 10) return;
    source.records = more;
    more[0]![15] = unreadable(more[0]![15]!);
  };
  await assert.rejects(tap(source, 'following', ['--follow']), /^TapFailed: Partition 0 of timeline\.g1, record 15: /);
  assert.deepEqual((await offsetsIn('following'))[0], countTo(15));
});

test('a topic that was made anew while the log was away is not taken for the one that was read', async () => {
  const source = new ListSource(messagesIn(2, 10));
  let isAway = false;
  source.beforeRead = (_, offset) => {
    if (offset < 10 || isAway) return;
    isAway = true;
    source.records = messagesIn(2, 50, 'another');
    throw new SourceAwayError('a list does not answer: nobody is there');
  };
  await assert.rejects(tap(source, 'anew', ['--follow']), /begun from another log than that of a list/);
  assert.deepEqual(await offsetsIn('anew'), { 0: countTo(10), 1: countTo(10) });
});

test('the same log, away for a day, is gone on with', async () => {
  const source = new ListSource(messagesIn(2, 10));
  const interrupted = new AbortController();
  let refusals = 24 * 60 * 60;
  source.beforeRead = (_, offset) => {
    if (offset < 10 || refusals === 0) {
      if (offset === 20) interrupted.abort();
      return;
    }
    refusals -= 3_600;
    if (refusals === 0) source.records = messagesIn(2, 20);
    throw new SourceAwayError('a list does not answer: nobody is there');
  };
  await tap(source, 'same', ['--follow'], interrupted.signal);
  assert.deepEqual((await offsetsIn('same'))[0], countTo(20));
});

test('a topic that is gone is waited for a minute, with --follow too; no longer', async () => {
  const source = new ListSource(messagesIn(2, 10));
  let asked = 0;
  source.beforeRead = (_, offset) => {
    if (offset < 10) return;
    asked++;
    throw new SourceChangedError('a list says that it has no topic timeline.g1');
  };
  await assert.rejects(
    tap(source, 'gone', ['--follow']),
    /^TapFailed: a list says that it has no topic timeline\.g1\.$/,
  );
  assert.ok(asked > 1, `asked ${asked} times`);
  assert.deepEqual(await offsetsIn('gone'), { 0: countTo(10), 1: countTo(10) });
  const state = JSON.parse(readFileSync(join(folder, 'gone/.tap/state.json'), 'utf8'));
  assert.deepEqual(state.next, [10, 10]);
});
