// Killed between any two steps of making a file, the next run ends what was begun; nobody ever sees half a file.
import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { rowOf } from '../../../services/commands/tap/event-row.ts';
import { OutputFolder } from '../../../services/commands/tap/output-folder.ts';
import { NO_TOTALS, STATE_FORMAT, type TapState } from '../../../services/commands/tap/tap-state.ts';

const base = mkdtempSync(join(tmpdir(), 'fanlog-tap-folder-'));
after(() => rmSync(base, { recursive: true, force: true }));

const row = rowOf(
  {
    type: 'MessageSent',
    conversationId: 'd:3:ann3:bob',
    seq: 1,
    ordinal: 1,
    sender: 'ann',
    commandId: '019b76d0-0000-7000-8000-000000000000',
    time: 0,
    position: 5,
    contentType: 'text/plain',
    keyId: null,
    payload: Buffer.from('hello'),
  },
  0,
  0,
);

function stateAfter(files: number): TapState {
  const place = { topic: 'timeline.g1', next: [files], last: [null], positions: [5] };
  return { format: STATE_FORMAT, to: 'avro', from: 'earliest', ...place, files, totals: NO_TOTALS };
}

async function writeFile(folder: OutputFolder, number: number): Promise<void> {
  const file = folder.newFile(number);
  file.add(row);
  await file.close();
}

function visible(out: string): string[] {
  return readdirSync(out).filter((name) => name !== '.tap');
}

/** A folder with one file, left in good order. */
async function begunFolder(name: string): Promise<string> {
  const out = join(base, name);
  const folder = OutputFolder.open(out, 'avro');
  assert.equal(folder.load(), null);
  await writeFile(folder, 1);
  assert.deepEqual(visible(out), []);
  folder.commit(stateAfter(1));
  folder.close();
  assert.deepEqual(visible(out), ['events-000001.avro']);
  return out;
}

function reopened(out: string): TapState | null {
  const folder = OutputFolder.open(out, 'avro');
  const state = folder.load();
  folder.close();
  return state;
}

test('killed while a file is written, the state does not know it, and it is gone', async () => {
  const out = await begunFolder('half');
  const whole = readFileSync(join(out, 'events-000001.avro'));
  writeFileSync(join(out, '.tap/events-000002.avro'), whole.subarray(0, 20));
  assert.deepEqual(reopened(out), stateAfter(1));
  assert.deepEqual(visible(out), ['events-000001.avro']);
  assert.ok(!existsSync(join(out, '.tap/events-000002.avro')));
});

test('killed between state and rename, the file appears with the next run', async () => {
  const out = await begunFolder('renamed');
  // As commit does it, but for its last step.
  copyFileSync(join(out, 'events-000001.avro'), join(out, '.tap/events-000002.avro'));
  writeFileSync(join(out, '.tap/state.json'), JSON.stringify(stateAfter(2)));
  assert.deepEqual(reopened(out), stateAfter(2));
  assert.deepEqual(visible(out), ['events-000001.avro', 'events-000002.avro']);
});

test('files that were carried away stay away', async () => {
  const out = await begunFolder('carried');
  renameSync(join(out, 'events-000001.avro'), join(base, 'elsewhere.avro'));
  const folder = OutputFolder.open(out, 'avro');
  assert.deepEqual(folder.load(), stateAfter(1));
  await writeFile(folder, 2);
  folder.close(); // killed here: half is file 2, and the state says 1
  assert.deepEqual(reopened(out), stateAfter(1));
  assert.deepEqual(visible(out), []);
});

test('two at once in one folder are refused', async () => {
  const out = join(base, 'two');
  const folder = OutputFolder.open(out, 'avro');
  assert.throws(() => OutputFolder.open(out, 'avro'), /Another tap writes to .*two/);
  folder.close();
  OutputFolder.open(out, 'avro').close();
});

test('a folder whose owner cannot be asked is refused with the name of the file that says so', () => {
  const out = join(base, 'elsewhere');
  OutputFolder.open(out, 'avro').close();
  const lock = join(out, '.tap/fanlog.lock.7');
  for (const [content, words] of [
    [
      JSON.stringify({ pid: 1, started: null, boot: null, host: 'a container' }),
      /on a container, which cannot be checked/,
    ],
    ['{"pid', /does not say who uses the data folder/],
  ] as const) {
    writeFileSync(lock, content);
    assert.throws(
      () => OutputFolder.open(out, 'avro'),
      ({ message }: Error) => words.test(message) && message.includes(lock) && /delete .* start again/.test(message),
      content,
    );
  }
  rmSync(lock);
  OutputFolder.open(out, 'avro').close();
});

test('what an analyst puts beside the files of an export is in nobody’s way', async () => {
  const out = await begunFolder('beside');
  writeFileSync(join(out, 'report.duckdb'), '');
  assert.deepEqual(reopened(out), stateAfter(1));
  const other = join(base, 'not an export');
  mkdirSync(other);
  writeFileSync(join(other, 'report.duckdb'), '');
  assert.throws(() => OutputFolder.open(other, 'avro'), /holds other files \(report\.duckdb\)/);
});

test('a run that could not begin takes away what it made, and nothing else', () => {
  const empty = join(base, 'empty');
  mkdirSync(empty);
  OutputFolder.open(empty, 'avro').discard();
  assert.deepEqual(readdirSync(empty), []);
  const made = join(base, 'made');
  OutputFolder.open(made, 'avro').discard();
  assert.ok(!existsSync(made));
});

test('exported files without what the tap remembers of them are not written beside', async () => {
  const out = await begunFolder('forgotten');
  rmSync(join(out, '.tap'), { recursive: true });
  assert.throws(() => reopened(out), /holds exported files and not what a tap remembers of them/);
});
