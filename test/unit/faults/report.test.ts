import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isClean, isComplete, rowOf, totalOf } from '../../faults/report/fault-report.ts';
import { missedGoals } from '../../faults/report/goals.ts';
import { markdownOf, tableOf, verdictOf } from '../../faults/report/markdown.ts';
import { quantilesOf } from '../../faults/report/quantiles.ts';
import { writeReport } from '../../faults/report/write-report.ts';
import { fault, reportOf, result } from './results.ts';

const cellsOf = (line: string) => line.split('|').map((cell) => cell.trim());
const LOST = { lost: 2, repeated: 0, out_of_order: 0, renumbered: 0, other: 0 };

describe('quantiles', () => {
  test('of few durations are some of them', () => {
    assert.deepEqual(quantilesOf([300, 100, 200, 400]), { p50_ms: 200, p99_ms: 400, max_ms: 400 });
    assert.deepEqual(quantilesOf([100]), { p50_ms: 100, p99_ms: 100, max_ms: 100 });
    assert.equal(quantilesOf([]), null);
  });

  test('of what never came are longer than anything', () => {
    assert.deepEqual(quantilesOf([100, null]), { p50_ms: 100, p99_ms: Infinity, max_ms: Infinity });
  });
});

describe('goals', () => {
  test('are delivery back for workers, sends back for leaders, and nothing for the others', () => {
    const slow = { deliveryBack_ms: 15_001, sendsBack_ms: 10_001 };
    const missed = (kind: 'worker' | 'leader' | 'other') => missedGoals(result({ faults: [fault({ kind, ...slow })] }));
    assert.deepEqual(missed('worker'), ['kill -9 fanout-1 at 5 s: delivery back after 15.0 s, goal 15 s']);
    assert.deepEqual(missed('leader'), ['kill -9 fanout-1 at 5 s: sends back after 10.0 s, goal 10 s']);
    assert.deepEqual(missed('other'), []);
  });

  test('are met at their limit, and missed by what never came', () => {
    assert.deepEqual(missedGoals(result({ faults: [fault({ deliveryBack_ms: 15_000 })] })), []);
    assert.match(missedGoals(result({ faults: [fault({ deliveryBack_ms: null })] }))[0]!, /after never/);
  });
});

describe('the table', () => {
  test('has a row a scenario and their sum', () => {
    const other = result({ name: 'redis', sent: 800, acknowledged: 800, faults: [fault({ deliveryBack_ms: 1_500 })] });
    const [head, , first, second, total] = tableOf(reportOf(result(), other)).split('\n').map(cellsOf);
    assert.deepEqual(head!.slice(1, 10), [
      ...['scenario', 'faults', 'sent', 'acknowledged', 'lost', 'repeated', 'out of order', 'renumbered', 'other'],
    ]);
    assert.deepEqual(first!.slice(1, 14), [
      ...['kill-roles', '2', '1,200', '1,100', '0', '0', '0', '0', '0', '3.0 s', '6.4 s', '8.0 s', '8.0 s'],
    ]);
    assert.equal(second![1], 'redis');
    assert.deepEqual(total!.slice(1, 5), ['all', '3', '2,000', '1,900']);
  });

  test('says so of a scenario that this machine cannot run', () => {
    const report = reportOf(result({ notRun: 'no network namespaces here', faults: [] }));
    assert.match(tableOf(report), /kill-roles +\| not run/);
    assert.match(markdownOf(report, 'faults.svg'), /not run: no network namespaces here/);
    assert.match(verdictOf(report), /no violation\. Not run: kill-roles\./);
    assert.equal(isComplete(report), false);
    const brokenOff = { ...reportOf(result()), asked: 3 };
    assert.match(verdictOf(brokenOff), /Broken off after 1 of 3 scenarios\./);
    assert.equal(isComplete(brokenOff), false);
  });
});

describe('the verdict', () => {
  test('is clean, or says that it is not', () => {
    assert.match(
      verdictOf(reportOf(result())),
      /1,100 acknowledged sends, 2 faults: no violation\. Every goal was met/,
    );
    const wrong = reportOf(result({ violationCounts: LOST, violations: ['ada never got d:1#2'] }));
    assert.match(verdictOf(wrong), /VIOLATIONS/);
    assert.match(markdownOf(wrong, 'faults.svg'), /- `kill-roles`: ada never got d:1#2/);
    assert.equal(isClean(wrong), false);
    assert.equal(rowOf(wrong.results[0]!).violations.lost, 2);
    assert.equal(totalOf([...wrong.results, ...wrong.results]).violations.lost, 4);
  });

  test('names every goal that was missed', () => {
    const late = result({ faults: [fault({ deliveryBack_ms: 20_000 })] });
    assert.match(verdictOf(reportOf(late)), /Goals missed:\n- kill -9 fanout-1 at 5 s: delivery back after 20.0 s/);
  });
});

test('the conditions are in it, and so is the seed', () => {
  assert.match(markdownOf(reportOf(result()), 'faults.svg'), /seed 7, 1 min .* 250 SDK clients, 600 messages\/s/);
});

test('a folder gets table, data and picture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanlog-fault-report-'));
  try {
    writeReport(folder, reportOf(result()));
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    assert.match(read('faults.md'), /\(faults\.svg\)/);
    assert.match(read('faults.svg'), /^<svg /);
    const data = JSON.parse(read('faults.json')) as { seed: number; total: { acknowledged: number } };
    assert.equal(data.seed, 7);
    assert.equal(data.total.acknowledged, 1_100);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
