// The record by which `npm run cluster` finds the supervisor of an earlier one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  beginLogs,
  openClusterFolder,
  readRecord,
  removeRecord,
  writeRecord,
} from '../../../infra/local/cluster/cluster-folder.ts';
import { isAlive } from '../../../infra/local/process-identity.ts';
import { openDataFolder } from '../../../services/kernel/data-folder.ts';

const data = mkdtempSync(join(tmpdir(), 'fanlog-record-'));
after(() => rmSync(data, { recursive: true, force: true }));
const folder = openClusterFolder({ FANLOG_DATA: data });
const reaper = 0;

/** Runs until it is killed, and has `argument` in its command line, as a supervisor has its folder. */
async function processNaming(argument: string) {
  const program = 'setInterval(() => {}, 1000)';
  const child = spawn(process.execPath, ['--eval', program, argument], { stdio: 'ignore' });
  await once(child, 'spawn');
  return { pid: child.pid!, kill: () => child.kill('SIGKILL') && once(child, 'exit') };
}

test('without a record there is none, and one that is removed is none', () => {
  assert.deepEqual(readRecord(folder), { none: true });
  writeRecord(folder, { pid: process.pid, controlPort: 1, token: 'token', reaper });
  removeRecord(folder);
  assert.deepEqual(readRecord(folder), { none: true });
});

test('only its owner can read the record, whatever lay there before', () => {
  writeFileSync(`${folder.record}.${process.pid}`, 'left by a crash', { mode: 0o644 });
  writeRecord(folder, { pid: process.pid, controlPort: 1, token: 'token', reaper });
  assert.equal(statSync(folder.record).mode & 0o777, 0o600);
});

test('the supervisor of this folder is known as long as it lives', async () => {
  const supervisor = await processNaming(folder.path);
  const record = { pid: supervisor.pid, controlPort: 4711, token: 'token', reaper };
  writeRecord(folder, record);
  assert.deepEqual(readRecord(folder), { record });
  await supervisor.kill();
  const found = readRecord(folder);
  assert.ok('stale' in found);
  await found.stale();
});

test('another process that got its id is not taken for it', async () => {
  const stranger = await processNaming('/another/folder');
  writeRecord(folder, { pid: stranger.pid, controlPort: 4711, token: 'token', reaper });
  assert.ok('stale' in readRecord(folder));
  await stranger.kill();
});

test('a stale record waits until the reaper of its roles is gone', async () => {
  const lastResort = await processNaming('fanlog-reaper');
  writeRecord(folder, { pid: 0, controlPort: 4711, token: 'token', reaper: lastResort.pid });
  const found = readRecord(folder);
  assert.ok('stale' in found);
  const waited = found.stale().then(() => assert.equal(isAlive(lastResort.pid), false));
  await Promise.all([waited, lastResort.kill()]);
});

test('half a record is a stale one', () => {
  writeFileSync(folder.record, '{"pid": 1');
  assert.ok('stale' in readRecord(folder));
});

test('the logs of one run before are kept', () => {
  for (const name of ['first.log', 'second.log', 'third.log']) {
    beginLogs(folder);
    writeFileSync(join(folder.logs, name), '');
  }
  assert.deepEqual(readdirSync(folder.logs), ['third.log']);
  assert.deepEqual(readdirSync(`${folder.logs}.before`), ['second.log']);
});

test('the embedded profile takes the same data folder: the cluster is no stranger there', () => {
  assert.ok(existsSync(folder.path));
  openDataFolder(data).close();
});
