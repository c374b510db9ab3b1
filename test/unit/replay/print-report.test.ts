import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportJson, reportText } from '../../../services/commands/replay/print-report.ts';
import { Differences } from '../../../services/replay/compare/differences.ts';
import type { ReplayReport } from '../../../services/replay/replay.ts';

const none = { equal: 0, reordered: 0, behind: 0, moving: 0, different: 0 };

function report(changes: Partial<ReplayReport> = {}): ReplayReport {
  return {
    from: 'inbox',
    rows: { timeline: 1_200, inbox: 130_000, memberships: 160 },
    records: 6_000,
    rebuild_ms: 2_000,
    compare_ms: 1_500,
    compared: {
      users: { ...none, equal: 130, reordered: 2 },
      conversations: { ...none, equal: 3, moving: 1 },
      strangers: 0,
      rows: 131_500,
      moving: new Map(),
    },
    differences: new Differences(),
    tables: 4,
    isResumed: false,
    switched: null,
    ...changes,
  };
}

test('the report says what was rebuilt, how fast, what compared equal, and what is in force', () => {
  const text = reportText(report(), { cpu_s: 1 });
  assert.match(text, /Rebuilt from inbox: set 4\n/);
  assert.match(text, /inbox rows +130,000 +65,000\/s/);
  assert.match(text, /131,360 rows per second and core/);
  assert.match(text, /equal +130 +3\n/);
  assert.match(text, /same entries, another order +2 +0\n/);
  assert.doesNotMatch(text, /different/);
  assert.match(text, /Nothing was put in force\.\n$/);
  assert.match(reportText(report({ switched: { epoch: 7, epochBefore: 7 } }), { cpu_s: 1 }), /the epoch stays 7/);
  assert.match(
    reportText(report({ switched: { epoch: 8, epochBefore: 7 } }), { cpu_s: 1 }),
    /the epoch rose from 7 to 8, clients pull anew\.\n$/,
  );
});

test('of many differences the first twenty are shown, and all are counted', () => {
  const differences = new Differences();
  for (let i = 0; i < 25; i++) differences.add(`inbox of user ${i}: entry 1 is missing`);
  const text = reportText(report({ differences }), { cpu_s: 1 });
  assert.match(text, /25 differences, the first 20:\n {2}inbox of user 0: entry 1 is missing\n/);
  assert.doesNotMatch(text, /user 20:/);
  const json = JSON.parse(reportJson(report({ differences }), { cpu_s: 1.5 }));
  assert.deepEqual([json.differences, json.firstDifferences.length, json.cpu_s], [25, 20, 1.5]);
  assert.deepEqual(json.compared.users.equal, 130);
});
