import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from '../../../services/kernel/metrics.ts';
import { ContiguousReader, PartitionStoppedError } from '../../../services/ports/log/contiguous-reader.ts';
import { type EventLog, OffsetOutOfRangeError, ReadSupersededError } from '../../../services/ports/log/event-log.ts';
import { TablesReplacedError } from '../../../services/ports/store/live-tables.ts';
import { records, ScriptedAssignment, WaitingAssignment } from './scripted-assignment.ts';

const never = new AbortController().signal;
const logFrom = (start: number) => ({ startOffset: async () => start }) as unknown as EventLog;

test('records that follow each other pass', async () => {
  const reader = new ContiguousReader(
    logFrom(0),
    new ScriptedAssignment([records(5, 6), records(7)]),
    new Metrics(),
    5,
    never,
  );
  assert.deepEqual(
    (await reader.read(10)).map(({ offset }) => offset),
    [5, 6],
  );
  assert.deepEqual(
    (await reader.read(10)).map(({ offset }) => offset),
    [7],
  );
});

test('after a jump the reader goes back to the record it expects', async () => {
  const assignment = new ScriptedAssignment([records(9, 10), records(5, 6)]);
  const metrics = new Metrics();
  const reader = new ContiguousReader(logFrom(0), assignment, metrics, 5, never);
  assert.deepEqual(
    (await reader.read(10)).map(({ offset }) => offset),
    [5, 6],
  );
  assert.deepEqual(assignment.seeks, [5, 5]);
  assert.equal(metrics.get('offset_jumps'), 1);
});

test('a hole in the middle of a batch is a jump too', async () => {
  const reader = new ContiguousReader(
    logFrom(0),
    new ScriptedAssignment([records(5, 7), records(5)]),
    new Metrics(),
    5,
    never,
  );
  assert.deepEqual(
    (await reader.read(10)).map(({ offset }) => offset),
    [5],
  );
});

test('a jump that stays, and a record that was trimmed, stop the partition', async () => {
  const jumps = new ScriptedAssignment([records(9), records(9), records(9)]);
  await assert.rejects(
    new ContiguousReader(logFrom(0), jumps, new Metrics(), 5, never).read(10),
    PartitionStoppedError,
  );
  const trimmed = new ScriptedAssignment([records(9)]);
  await assert.rejects(new ContiguousReader(logFrom(9), trimmed, new Metrics(), 5, never).read(10), /the oldest is 9/);
  const gone = new ScriptedAssignment([new OffsetOutOfRangeError('messages', 0, 5)]);
  await assert.rejects(new ContiguousReader(logFrom(9), gone, new Metrics(), 5, never).read(10), PartitionStoppedError);
});

test('a read that waits is given up when the tables are replaced, and so is the next one', async () => {
  const replaced = new AbortController();
  const assignment = new WaitingAssignment();
  const reader = new ContiguousReader(logFrom(0), assignment, new Metrics(), 5, replaced.signal);
  const reading = reader.read(10);
  assert.deepEqual(assignment.seeks, [5]);
  replaced.abort();
  await assert.rejects(reading, TablesReplacedError);
  assert.deepEqual(assignment.seeks, [5, 5], 'the seek that gives it up passes over nothing');
  await assert.rejects(reader.read(10), TablesReplacedError);
});

test('a read that is given up by a seek of somebody else is no replacement', async () => {
  const assignment = new WaitingAssignment();
  const reading = new ContiguousReader(logFrom(0), assignment, new Metrics(), 5, never).read(10);
  assignment.seek(9);
  await assert.rejects(reading, ReadSupersededError);
});
