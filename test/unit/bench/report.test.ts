import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadArguments, readArguments } from '../../../bench/arguments.ts';
import { renderReport } from '../../../bench/report.ts';
import type { ScenarioResult } from '../../../bench/scenarios/scenario.ts';

const options = { seconds: 10, pairs: 100, window: 16, members: 500, payload_bytes: 200, messagesPerSecond: 200 };
const conditions = { cores: 2, cpu: 'a processor', memory_gib: 24, kernel: '6.18', node: 'v20.20.2', tcp: 'cubic' };
const server = { profile: 'embedded', durability: 'accepted after fdatasync', filesystem: 'ext4' } as const;
const result: ScenarioResult = {
  scenario: 'throughput',
  load: '100 pairs, window 16',
  unit: 'message',
  count: 100_000,
  figures: {
    duration_s: 10,
    delivered: 100_000,
    ownCopies: 100_000,
    serverCpu_us: 4_000_000,
    loaderCpu_us: 500_000,
    otherCpu_us: 0,
    ack_p50_ms: 1.234,
    ack_p99_ms: null,
    receive_p50_ms: 12,
    receive_p99_ms: 34,
    receive_max_ms: 56,
    stalls: 2,
    longestStall_ms: 82,
  },
  faults: { outOfOrder: 0, lost: 0, doubled: 0, wrong: 0 },
  notes: {} as ScenarioResult['notes'],
};

test('the report is a list that fits a terminal', () => {
  const report = renderReport({ conditions, server, options, results: [result, result] });
  for (const line of report.split('\n')) assert.ok(line.length <= 100, line);
  assert.match(report, /^ {2}rate +10,000 messages\/s$/m);
  assert.match(report, /^ {2}CPU of the server +40\.0 us a message$/m);
  assert.match(report, /^ {2}accepted after +1\.23 ms p50, - p99$/m);
  assert.match(report, /^ {2}stalls +2, the longest 82 ms$/m);
});

test('a wrong argument is one sentence, without advice about positional arguments', () => {
  for (const argv of [['--colour'], ['--seconds'], ['--seconds', '0'], ['--profile', 'x'], ['nothing']]) {
    assert.throws(
      () => readArguments(argv),
      (error) => error instanceof BadArguments && !/positional|\n|\.$/.test(error.message),
    );
  }
  assert.equal(readArguments(['--help']), null);
});
