// The main job on the cluster profile, as a user runs it: the first 500 lines of the shipped room through the command,
// while one process of every role is killed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { silentLogger } from '../../services/kernel/logger.ts';
import { withAdmin } from '../../services/ports/log/kafka/topic-admin.ts';
import { serversOfThisRun } from './servers.ts';

const root = join(import.meta.dirname, '../..');
const command = join(root, 'dist/commands/import.js');
const folder = mkdtempSync(join(tmpdir(), 'fanlog-cluster-import-'));
const room = join(folder, 'room.jsonl');
const LINES = 500;
const text = gunzipSync(readFileSync(join(root, 'bench/data/ubuntu-irc-one-room.jsonl.gz'))).toString();
writeFileSync(room, text.split('\n').slice(0, LINES).join('\n'));
/** The import's own temporary files. */
const temporary = join(folder, 'temporary');
mkdirSync(temporary);
/** Far above what it takes: half a minute, most of it waiting for those that were killed. */
const LIMITS = { timeout: 300_000 };
after(() => rmSync(folder, { recursive: true, force: true }));

async function runImport(args: readonly string[], servers: Awaited<ReturnType<typeof serversOfThisRun>>) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FANLOG_')));
  const child = spawn(process.execPath, [command, ...args], {
    cwd: folder,
    env: {
      ...inherited,
      TMPDIR: temporary,
      FANLOG_KAFKA: servers.kafka,
      FANLOG_CASSANDRA: servers.cassandra,
      FANLOG_REDIS: servers.redis,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

function topicsOf(kafka: string): Promise<string[]> {
  return withAdmin({ brokers: kafka.split(','), logger: silentLogger }, (admin) => admin.listTopics());
}

describe('npm run import -- --profile cluster --chaos', () => {
  it('one process of every role is killed, and everybody holds what the file says', LIMITS, async () => {
    const servers = await serversOfThisRun();
    const { code, stdout, stderr } = await runImport([room, '--profile', 'cluster', '--chaos', '--json'], servers);
    assert.equal(code, 0, stderr);
    const { time_s, cpu_s, chaos, ...ledger } = JSON.parse(stdout);
    assert.deepEqual(ledger, {
      ok: true,
      rooms: 1,
      users: 75,
      escapedNicks: 0,
      lines: LINES,
      messages: { sent: 484, accepted: 484, sequenced: 484, rejected: {} },
      commands: { sent: 33, sequenced: 33, rejected: {}, unchanged: 0 },
      inboxes: { expected: 31537, found: 31537, missing: 0, repeated: 0, outOfOrder: 0, unexpected: 0, members: 75 },
    });
    const killed = chaos.kills.map(({ process }: { process: string }) => process.replace(/-\d$/, ''));
    assert.deepEqual([killed, chaos.notKilled], [['api', 'edge', 'fanout', 'inbox'], []]);
    const atMessages = chaos.kills.map(({ atMessage }: { atMessage: number }) => atMessage);
    assert.ok(
      atMessages.every((at: number) => at > 0 && at < 484),
      'all of them within the import',
    );
    const edge = chaos.kills[1];
    assert.ok(edge.reconnected > 0, 'people were connected to the edge');
    assert.equal(edge.reconnect_attempts_max, 1, 'each of them needed one attempt, elsewhere');
    assert.ok(time_s.importing > 0 && time_s.verifying > 0);
    if (process.platform === 'linux')
      for (const name of ['api-1', 'edge-2', 'inbox-1']) assert.ok(cpu_s.processes[name] > 0);

    const prefix = /topics (import-[0-9a-f]+\.)\*/.exec(stderr)![1]!;
    const left = (await topicsOf(servers.kafka)).filter((topic) => topic.startsWith(prefix));
    assert.deepEqual(left, [], 'no topics stay');
    assert.deepEqual(readdirSync(temporary), [], 'no logs stay');
  });

  it('servers that do not answer are one line and exit code 2', LIMITS, async () => {
    const nobody = { kafka: '127.0.0.1:9', cassandra: '127.0.0.1:9', redis: '127.0.0.1:9' };
    const { code, stdout, stderr } = await runImport([room, '--profile', 'cluster'], nobody);
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(
      stderr.trimEnd().split('\n').at(-1)!,
      /^fanlog import: .* did not start: FANLOG_\w+=127\.0\.0\.1:9 does not answer/,
    );
  });
});
