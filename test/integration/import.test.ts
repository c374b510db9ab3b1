// The main job, as a user runs it: the shipped room through the command, on a data folder of its own.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { startInFolder } from './start-in-folder.ts';

const root = join(import.meta.dirname, '../..');
const command = join(root, 'dist/commands/import.js');
const room = join(root, 'bench/data/ubuntu-irc-one-room.jsonl.gz');
const folder = mkdtempSync(join(tmpdir(), 'fanlog-import-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FANLOG_')));
  return spawn(process.execPath, [command, ...args], {
    cwd: folder,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const child = start(args, env);
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (text) => {
    stdout += text;
  });
  child.stderr!.on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

/** What the shipped room comes to, however it is imported. */
const expectedLedger = {
  ok: true,
  rooms: 1,
  users: 130,
  escapedNicks: 0,
  lines: 1187,
  messages: { sent: 1158, accepted: 1158, sequenced: 1158, rejected: {} },
  commands: { sent: 60, sequenced: 59, rejected: {}, unchanged: 1 },
  inboxes: { expected: 130236, found: 130236, missing: 0, repeated: 0, outOfOrder: 0, unexpected: 0, members: 130 },
};

function ledgerOf({ code, stdout, stderr }: Result) {
  assert.equal(code, 0, stderr);
  const { time_s, cpu_s, chaos, ...ledger } = JSON.parse(stdout);
  assert.deepEqual(ledger, expectedLedger);
  return { time_s, cpu_s, chaos };
}

describe('npm run import', () => {
  const data = join(folder, 'data');

  test('replays the shipped room, and everybody holds what the file says', async () => {
    const { time_s, cpu_s, chaos } = ledgerOf(await run([room, '--json'], { FANLOG_DATA: data }));
    assert.equal(chaos, null);
    assert.ok(time_s.importing > 0 && time_s.verifying > 0);
    assert.ok(cpu_s.import > 0);
    if (process.platform === 'linux') assert.ok(cpu_s.server > 0);
  });

  test('a second run on the same folder, killed in the middle, comes to the same ledger', async () => {
    const { chaos } = ledgerOf(await run([room, '--json', '--chaos'], { FANLOG_DATA: data }));
    assert.deepEqual([chaos.kills.length, chaos.notKilled], [1, []]);
    assert.equal(chaos.kills[0].process, 'server');
    assert.ok(chaos.kills[0].reconnected > 0, 'the kill was while people were connected');
  });

  test('into a server that runs already, it needs the key and comes to the same ledger', async () => {
    const key = '7Qm1vXc0tq9eLr5Zk2uYp8Wd3Ns6Hb4J';
    const { server, remove } = await startInFolder({ FANLOG_APP_KEY: key, FANLOG_DEMO: 'off' });
    try {
      const refused = await run([room, '--url', server.apiUrl]);
      assert.deepEqual([refused.code, refused.stdout], [2, '']);
      assert.match(refused.stderr, /^fanlog import: --url needs FANLOG_APP_KEY.*\n$/);
      const wrong = await run([room, '--url', server.apiUrl], { FANLOG_APP_KEY: `${key}x` });
      assert.equal(wrong.code, 2);
      assert.match(wrong.stderr, /makes no tokens with this FANLOG_APP_KEY/);
      const { cpu_s } = ledgerOf(await run([room, '--json', '--url', server.apiUrl], { FANLOG_APP_KEY: key }));
      assert.equal(cpu_s.server, null);
    } finally {
      await remove();
    }
  });

  test('killed with -9, it takes its own server with it', { skip: process.platform === 'win32' }, async () => {
    const own = join(folder, 'own');
    const child = start([room], { FANLOG_DATA: own });
    await untilSays(child, /importing/);
    const server = lockOwner(own);
    child.kill('SIGKILL');
    while (isAlive(server)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  test('interrupted, it ends its own server, and says so', { skip: process.platform === 'win32' }, async () => {
    const own = join(folder, 'interrupted');
    const child = start([room], { FANLOG_DATA: own });
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    await untilSays(child, /importing/);
    const server = lockOwner(own);
    const told = untilSays(child, /interrupted[\s\S]*fanlog import: It was interrupted\.\n/);
    child.kill('SIGINT');
    await told;
    assert.equal(await closed, 130);
    assert.ok(!isAlive(server));
  });

  test('what it cannot begin with is one line and exit code 2', async () => {
    const unreachable = await run([room, '--url', 'http://127.0.0.1:9'], { FANLOG_APP_KEY: 'k'.repeat(32) });
    const cases: [Result, RegExp][] = [
      [await run([]), /^fanlog import: Name the file/],
      [await run(['nowhere.jsonl']), /nowhere\.jsonl cannot be read: there is no such file/],
      [await run([join(root, 'package.json')]), /package\.json: line 1: it is not JSON/],
      [unreachable, /http:\/\/127\.0\.0\.1:9 does not answer/],
      [await run([room], { FANLOG_DATA: root }), /did not start: The data folder .* holds other files/],
      [
        await runBesideServer(),
        /in use by process \d+\. Set FANLOG_DATA to another folder, or .*--url .*FANLOG_APP_KEY/,
      ],
    ];
    for (const [{ code, stdout, stderr }, pattern] of cases) {
      assert.deepEqual([code, stdout], [2, ''], stderr);
      const last = stderr.trimEnd().split('\n').at(-1)!;
      assert.match(last, pattern);
      assert.match(last, /^fanlog import: /);
    }
  });
});

async function runBesideServer(): Promise<Result> {
  const { folder: used, remove } = await startInFolder({ FANLOG_DEMO: 'off' });
  try {
    return await run([room], { FANLOG_DATA: join(used, 'data') });
  } finally {
    await remove();
  }
}

function untilSays(child: ChildProcess, pattern: RegExp): Promise<void> {
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr!.on('data', (text) => {
      said += text;
      if (pattern.test(said)) resolve();
    });
    child.on('close', () => reject(new Error(said)));
  });
}

/** The process that owns a data folder. */
function lockOwner(data: string): number {
  const lock = readdirSync(data).find((name) => name.startsWith('fanlog.lock.'))!;
  return JSON.parse(readFileSync(join(data, lock), 'utf8')).pid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
