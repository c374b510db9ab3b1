// What the import shows: the ledger, and how far it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Cost, isClean, isOk, type Ledger, sumOf } from '../../../services/commands/import/ledger.ts';
import { ledgerJson, ledgerTable } from '../../../services/commands/import/print-ledger.ts';
import { Progress } from '../../../services/commands/shared/progress.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

const inboxes = { members: 2, expected: 1234, found: 1234, missing: 0, repeated: 0, outOfOrder: 0, unexpected: 0 };
const ledger: Ledger = {
  rooms: 1,
  users: 2,
  escapedNicks: 0,
  lines: 10,
  messages: { sent: 9, accepted: 9, sequenced: 7, rejected: { payload_too_large: 1, too_old: 1 } },
  commands: { sent: 3, sequenced: 2, unchanged: 1, rejected: {} },
  inboxes,
};
const kill = { delivery_s_max: 0.75, reconnected: 0, reconnect_attempts_max: 0, reconnect_s_max: 0 };
const cost: Cost = {
  time_s: { reading: 1, starting: 0.5, importing: 2.25, verifying: 2.5 },
  cpu_s: { import: 2, server: 1.25, processes: { 'edge-1': 1.25, kafka: null } },
  chaos: {
    kills: [
      { ...kill, process: 'edge-1', atMessage: 1_234, ready_s: 2.04, reconnected: 3, reconnect_attempts_max: 1 },
      { ...kill, process: 'inbox-1', atMessage: 1_300, ready_s: 3 },
    ],
    notKilled: [],
    held_s: 0,
  },
};

test('a run is clean only if nothing is missing, repeated, out of order or unexpected', () => {
  assert.ok(isClean(ledger));
  for (const name of ['missing', 'repeated', 'outOfOrder', 'unexpected']) {
    assert.ok(!isClean({ ...ledger, inboxes: { ...inboxes, [name]: 1 } }));
  }
});

test('the ledgers of all members add up', () => {
  const { members: _, ...one } = inboxes;
  assert.deepEqual(sumOf([one, { ...one, repeated: 2, found: 6 }]), {
    ...one,
    expected: 2468,
    found: 1240,
    repeated: 2,
  });
});

test('the table shows every number with its unit, rejections by reason, and a verdict', () => {
  const table = ledgerTable(ledger, cost);
  assert.match(table, /^inbox entries expected +1,234 {3}of 2 members$/m);
  assert.match(table, /^rejected +2 {3}payload_too_large 1, too_old 1$/m);
  assert.match(table, /^time +6\.3 s {3}reading 1\.0, starting 0\.5, importing 2\.3, verifying 2\.5$/m);
  assert.match(
    table,
    /^CPU +3\.3 s {3}while importing and verifying\n {2}edge-1 +1\.3 s\n {2}kafka +n\/a\n {2}import +2\.0 s/m,
  );
  assert.match(table, /^killed with -9 +2 /m);
  assert.match(
    table,
    /^ {2}edge-1 +2\.0 s {3}at message 1,234; slowest delivery meanwhile 0\.75 s; 3 clients .* at the first attempt/m,
  );
  assert.match(table, /^ {2}inbox-1 +3\.0 s {3}at message 1,300; slowest delivery meanwhile 0\.75 s$/m);
  assert.doesNotMatch(table, /held back|not killed/i);
  assert.match(table, /Everybody holds exactly what the file says\.\n$/);
  assert.match(ledgerTable({ ...ledger, inboxes: { ...inboxes, missing: 1 } }, cost), /are NOT what the file says/);
});

test('a run that did not kill all it was to kill is not ok, and says so', () => {
  assert.ok(isOk(ledger, cost) && isOk(ledger, { ...cost, chaos: null }));
  const short = { ...cost, chaos: { ...cost.chaos!, notKilled: ['fanout', 'inbox'], held_s: 1.26 } };
  assert.ok(!isOk(ledger, short));
  const table = ledgerTable(ledger, short);
  assert.match(table, /^not killed +2 {3}fanout, inbox$/m);
  assert.match(table, /^held back +1\.3 s/m);
  assert.match(table, /too short for --chaos: fanout, inbox NOT killed/);
  assert.equal(JSON.parse(ledgerJson(ledger, short)).ok, false);
});

test('the JSON is one object on one line', () => {
  const json = ledgerJson(ledger, cost);
  assert.deepEqual(JSON.parse(json), { ok: true, ...ledger, ...cost });
  assert.equal(json.indexOf('\n'), json.length - 1);
});

test('the progress names the phase, the rate and what is left; a line each few seconds where nobody can overwrite', async () => {
  const runtime = new ManualRuntime();
  const written: string[] = [];
  const progress = new Progress({ write: (text) => written.push(text) }, runtime);
  progress.begin('importing', 4000, 'steps');
  progress.advance(1000);
  await runtime.advance(5_000);
  assert.deepEqual(written, ['importing  1,000 of 4,000 steps  25 %  200/s  about 15 s left\n']);
  progress.advance(3000);
  progress.end();
  assert.match(written[1]!, /^importing {2}4,000 of 4,000 steps {2}100 % .* done\n$/);
  assert.equal(runtime.timers, 0);
});

test('the progress is one line that is written over on a terminal', async () => {
  const runtime = new ManualRuntime();
  const written: string[] = [];
  const progress = new Progress({ isTTY: true, write: (text) => written.push(text) }, runtime);
  progress.begin('verifying', 10, 'inbox entries');
  await runtime.advance(400);
  progress.note('a line of its own');
  progress.end();
  assert.deepEqual(
    written.map((text) => text.slice(0, 5)),
    ['\r\x1b[Kv', '\r\x1b[Kv', '\r\x1b[Ka', '\r\x1b[Kv', '\n'],
  );
});
