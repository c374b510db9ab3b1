import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BadArguments, readArguments } from '../../../bench/arguments.ts';
import { brokenPromises, renderReport } from '../../../bench/report.ts';
import type { IdleResult, LoadResult } from '../../../bench/scenarios/scenario.ts';

const options = {
  seconds: 10,
  pairs: 100,
  window: 16,
  members: 500,
  payload_bytes: 200,
  messagesPerSecond: 200,
  connections: 10_000,
};
const conditions = { cores: 2, cpu: 'a processor', memory_gib: 24, kernel: '6.18', node: 'v20.20.2', tcp: 'cubic' };
const durability = `accepted after acks=all of Kafka (1 broker, ${'and so on, '.repeat(3)}); rows at LOCAL_QUORUM (1 node)`;
const server = { profile: 'cluster', processes: '1 api, 2 edges', durability, filesystem: 'ext4' } as const;
const result: LoadResult = {
  scenario: 'throughput',
  load: '100 pairs, window 16',
  unit: 'message',
  count: 100_000,
  figures: {
    duration_s: 10,
    delivered: 100_000,
    ownCopies: 100_000,
    serverCpu_us: 4_000_000,
    processes: [
      { name: 'edge-1', cpu_us: 3_000_000 },
      { name: 'kafka', cpu_us: 1_000_000 },
    ],
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
  notes: { repeatedPushes: 0, behind: 3, pulled: 0 },
};

const idle: IdleResult = {
  scenario: 'idle',
  load: 'idle, 10,000 connections',
  unit: 'connection',
  count: 10_000,
  memory: {
    user_bytes: 1_940,
    asItStood_bytes: 2_500,
    heapUsed_bytes: 1_000,
    external_bytes: 120,
    processes: [
      { name: 'edge-1', bytes: 1_940 },
      { name: 'kafka', bytes: -12 },
    ],
    kernel_bytes: 4_900,
  },
  opening: { duration_s: 8, processes: [{ name: 'edge-1', cpu_us: 10_000_000 }] },
  holding: {
    duration_s: 10,
    processes: [
      { name: 'edge-1', cpu_us: 500_000 },
      { name: 'kafka', cpu_us: 100_000 },
    ],
  },
};

const reportOf = (results: readonly (LoadResult | IdleResult)[]) =>
  renderReport({ conditions, server, options, runIn_s: 30, results });

test('the report is a list that fits a terminal', () => {
  const report = reportOf([result, idle]);
  for (const line of report.split('\n')) assert.ok(line.length <= 100, line);
  assert.match(report, /^ {2}rate +10,000 messages\/s$/m);
  assert.match(report, /^ {2}accepted after +1\.23 ms p50, - p99$/m);
  assert.match(report, /^ {2}stalls +2, the longest 82 ms$/m);
  assert.match(report, /10 s after 30 s of run-in and 3 s of warm-up$/m);
  assert.match(report, /^ {2}behind +3$/m);
  assert.doesNotMatch(report, /pulled/);
});

test('the CPU of the server is split by process, and the parts are the whole', () => {
  assert.match(
    reportOf([result]),
    /^ {2}CPU of the server +40\.0 us a message\n {4}edge-1 +30\.0\n {4}kafka +10\.0\n {2}CPU of the loader/m,
  );
});

test('where one process is the server there is nothing to split', () => {
  const [whole] = result.figures.processes;
  const alone = { ...result, figures: { ...result.figures, processes: [{ ...whole!, name: 'fanlog' }] } };
  assert.doesNotMatch(reportOf([alone]), /fanlog/);
});

test('idle connections: memory a connection, by process, and what opening and holding them costs', () => {
  const report = reportOf([idle]);
  assert.match(report, /^ {2}user memory +1\.94 kB a connection/m);
  assert.match(report, /^ {4}kafka +-0\.01$/m);
  assert.match(report, /^ {2}kernel memory +4\.90 kB a connection and side/m);
  assert.match(report, /^ {2}opening +1,250\/s, 1,000 us of CPU/m);
  assert.match(report, /^ {2}CPU while held +6\.0 % of a core/m);
});

test('what is lost, doubled or out of order breaks a promise; idle connections have none to break', () => {
  const faults = { outOfOrder: 0, lost: 2, doubled: 0, wrong: 1 };
  assert.deepEqual(brokenPromises([idle, { ...result, faults }]), [
    '100 pairs, window 16: 2 lost',
    '100 pairs, window 16: 1 wrong',
  ]);
});

test('a wrong argument is one sentence, without advice about positional arguments', () => {
  for (const argv of [
    ['--colour'],
    ['--seconds'],
    ['--seconds', '0'],
    ['--profile', 'x'],
    ['--edges', '3'],
    ['nothing'],
  ]) {
    assert.throws(
      () => readArguments(argv),
      (error) => error instanceof BadArguments && !/positional|\n|\.$/.test(error.message),
    );
  }
  assert.equal(readArguments(['--help']), null);
});

test('the profile says how many processes there are, and whether they are run in', () => {
  const embedded = readArguments(['throughput'])!;
  assert.equal(embedded.runIn_s, 0);
  const cluster = readArguments(['latency', '--profile', 'cluster', '--edges', '3', '--run-in', '0', '--rate', '500'])!;
  assert.deepEqual(cluster.roles, { api: 1, edge: 3, fanout: 1, inbox: 1 });
  assert.equal(cluster.runIn_s, 0);
  assert.equal(cluster.options.messagesPerSecond, 500);
  assert.ok(readArguments(['--profile', 'cluster'])!.runIn_s > 0);
});
