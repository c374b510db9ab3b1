// The program as people start it: the bundle that `npm test` has just built, its exit codes and its words.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'fanlog-start-'));
after(() => rmSync(root, { recursive: true, force: true }));

/** A start that hangs must not hang the run, nor outlive it. */
const TIMEOUT_MS = 180_000;
const programs: Program[] = [];
after(() => {
  for (const { child } of programs) if (child.exitCode === null) child.kill('SIGKILL');
});

class Program {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly exited: Promise<number | null>;
  #waiters: (() => void)[] = [];
  #gone = false;

  constructor(env: Record<string, string>, args: readonly string[] = []) {
    // Only what a shell gives, so that settings of whoever runs the tests do not count.
    const { PATH = '', HOME = '' } = process.env;
    this.child = spawn(process.execPath, [main, ...args], {
      env: { PATH, HOME, PORT: '0', ...env },
    });
    programs.push(this);
    this.child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      this.stdout += chunk;
      this.#wake();
    });
    this.child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk;
      this.#wake();
    });
    this.exited = new Promise((resolve) => {
      this.child.on('close', (code) => {
        this.#gone = true;
        this.#wake();
        resolve(code);
      });
    });
  }

  /** Resolves when the output holds `text`. */
  async says(text: string): Promise<void> {
    while (!this.stdout.includes(text) && !this.stderr.includes(text)) {
      if (this.#gone) throw new Error(`it ended without saying "${text}":\n${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    return this.exited;
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}

/** Three neighbours that are free now: the api's port, the edge's and that of operations. */
async function freePort(): Promise<number> {
  for (;;) {
    const [first, port] = await listen(0);
    const others = await Promise.all([1, 2].map((after) => listen(port + after).catch(() => null)));
    first.close();
    for (const other of others) other?.[0].close();
    if (!others.includes(null)) return port;
  }
}

function listen(port: number): Promise<[Server, number]> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(port, () => resolve([server, (server.address() as { port: number }).port]));
  });
}

async function call(port: number, path: string, init?: RequestInit): Promise<{ status: number; data: never }> {
  return (await (await fetch(`http://localhost:${port}${path}`, init)).json()) as { status: number; data: never };
}

async function signIn(port: number, user: string): Promise<string> {
  const body = JSON.stringify({ user, password: `${user}-demo` });
  const headers = { 'content-type': 'application/json' };
  const { data } = await call(port, '/v1/sessions', { method: 'POST', headers, body });
  return (data as { token: string }).token;
}

async function conversations(port: number, token: string) {
  const headers = { authorization: `Bearer ${token}` };
  const { data } = await call(port, '/v1/conversations', { headers });
  return (data as { conversations: { conversationId: string; title: string }[] }).conversations;
}

async function history(port: number, token: string, conversationId: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${token}` };
  const { data } = await call(port, `/v1/conversations/${encodeURIComponent(conversationId)}/events`, { headers });
  return (data as { events: { kind: string }[] }).events.map(({ kind }) => kind);
}

describe('a start', { timeout: TIMEOUT_MS }, () => {
  const folder = join(root, 'first');
  let port: number;
  let program: Program;
  let token: string;
  before(async () => {
    port = await freePort();
    program = new Program({ PORT: String(port), FANLOG_DATA: folder });
    await program.says('next');
  });
  after(() => program.end('SIGKILL'));

  test('says where the page is, where the data is, who can sign in and what to try', () => {
    const lines = program.stdout.trim().split('\n');
    assert.ok(lines.length >= 3 && lines.length <= 6, program.stdout);
    for (const text of [`http://localhost:${port}`, folder, 'alice / alice-demo', 'bob / bob-demo', 'Welcome']) {
      assert.ok(program.stdout.includes(text), text);
    }
  });

  test('is ready to take messages when it says so', async () => {
    assert.equal((await call(port, '/readyz')).status, 200);
  });

  test('has a group for its demo users, with a message in it', async () => {
    token = await signIn(port, 'alice');
    const [welcome, ...others] = await conversations(port, token);
    assert.deepEqual([welcome?.title, others], ['Welcome', []]);
    for (const user of ['alice', 'bob']) {
      assert.deepEqual(await history(port, await signIn(port, user), welcome!.conversationId), ['message', 'created']);
    }
  });

  test('of a second process on the same folder fails and names the first', async () => {
    const second = new Program({ PORT: String(await freePort()), FANLOG_DATA: folder });
    assert.equal(await second.exited, 1);
    assert.match(second.stderr, new RegExp(`in use by process ${program.child.pid}`));
    assert.equal(second.stderr.trim().split('\n').length, 1);
  });

  test('ends on SIGTERM with exit code 0, without an error, and frees its ports', async () => {
    assert.equal(await program.end(), 0);
    assert.doesNotMatch(program.stderr, /"level":"(error|warn)"/);
    for (const freed of [port, port + 1]) (await listen(freed))[0].close();
  });

  test('again on the same folder finds everything, sessions included', async () => {
    program = new Program({ PORT: String(port), FANLOG_DATA: folder });
    await program.says('next');
    const [welcome, ...others] = await conversations(port, token);
    assert.deepEqual([welcome?.title, others], ['Welcome', []]);
    assert.deepEqual(await history(port, token, welcome!.conversationId), ['message', 'created']);
  });

  test('after a kill -9 finds everything too', async () => {
    await program.end('SIGKILL');
    program = new Program({ PORT: String(port), FANLOG_DATA: folder });
    await program.says('next');
    const [welcome, ...others] = await conversations(port, token);
    assert.deepEqual([welcome?.title, others], ['Welcome', []]);
    assert.deepEqual(await history(port, token, welcome!.conversationId), ['message', 'created']);
  });

  test('keeps the secret of its sessions from other users of the machine', () => {
    assert.equal(statSync(join(folder, 'fanlog.secret')).mode & 0o077, 0);
  });

  test('in production on a folder with demo users fails: their passwords are public', async () => {
    assert.equal(await program.end(), 0);
    const env = { FANLOG_ENV: 'production', FANLOG_SECRET: 'vR8xQ2mLw7ZkT4nJb9YcH5sDf3Gp6Aue' };
    const production = new Program({ PORT: String(port), FANLOG_DATA: folder, ...env });
    assert.equal(await production.exited, 1);
    assert.match(production.stderr, /demo users \(alice and bob\)/);
  });
});

describe('a start in production', { timeout: TIMEOUT_MS }, () => {
  test('makes no demo users', async () => {
    const port = await freePort();
    const env = { FANLOG_ENV: 'production', FANLOG_SECRET: 'vR8xQ2mLw7ZkT4nJb9YcH5sDf3Gp6Aue' };
    const program = new Program({ PORT: String(port), FANLOG_DATA: join(root, 'production'), ...env });
    await program.says('next');
    assert.doesNotMatch(program.stdout, /alice/);
    assert.equal(await signIn(port, 'alice').catch(() => undefined), undefined);
    assert.equal(await program.end('SIGINT'), 0);
  });
});

describe('a start that cannot succeed says why in one line, without a stack trace:', { timeout: TIMEOUT_MS }, () => {
  async function failureOf(env: Record<string, string>, args: readonly string[] = []): Promise<string> {
    const program = new Program(env, args);
    assert.equal(await program.exited, 1, program.stdout + program.stderr);
    assert.equal(program.stdout, '');
    const lines = program.stderr.trim().split('\n');
    assert.equal(lines.length, 1, program.stderr);
    assert.ok(lines[0]!.startsWith('fanlog: '), lines[0]);
    assert.doesNotMatch(lines[0]!, / at .*:\d+:\d+/);
    return lines[0]!;
  }

  test('a taken port of the api', async () => {
    const [holder, port] = await listen(0);
    const env = { PORT: String(port), FANLOG_EDGE_PORT: String(await freePort()), FANLOG_DATA: join(root, 'taken') };
    const line = await failureOf(env);
    assert.ok(line.includes(`Port ${port}`) && line.includes('PORT'), line);
    holder.close();
    // What was opened before was closed again: the folder is free.
    const program = new Program(env);
    await program.says('next');
    await program.end();
  });

  test('a taken port of the edge', async () => {
    const [holder, taken] = await listen(0);
    const env = { PORT: String(await freePort()), FANLOG_EDGE_PORT: String(taken), FANLOG_DATA: join(root, 'edge') };
    const line = await failureOf(env);
    assert.ok(line.includes(`${taken}`) && line.includes('FANLOG_EDGE_PORT'), line);
    holder.close();
  });

  test('a folder that is somebody else’s, which stays as it was', async () => {
    const foreign = join(root, 'foreign');
    mkdirSync(foreign);
    writeFileSync(join(foreign, 'thesis.txt'), 'years of work');
    assert.match(await failureOf({ FANLOG_DATA: foreign }), /thesis\.txt.*FANLOG_DATA/);
    assert.equal(readFileSync(join(foreign, 'thesis.txt'), 'utf8'), 'years of work');
  });

  test('a folder that is a file', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    assert.match(await failureOf({ FANLOG_DATA: file }), /FANLOG_DATA/);
  });

  test('a place where no folder can be made', { skip: process.platform !== 'linux' }, async () => {
    assert.match(await failureOf({ FANLOG_DATA: '/proc/x' }), /no folder can be made in \/proc.*FANLOG_DATA/);
  });

  test('a folder with a damaged file', async () => {
    const damaged = join(root, 'damaged');
    const program = new Program({ FANLOG_DATA: damaged });
    await program.says('next');
    await program.end();
    const files = readdirSync(damaged, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.mdb'));
    const file = join(damaged, files.find((name) => name.includes('data'))!);
    for (const bytes of [Buffer.alloc(64 * 1024, 'not lmdb'), Buffer.alloc(64 * 1024), Buffer.from('short')]) {
      writeFileSync(file, bytes);
      assert.ok((await failureOf({ FANLOG_DATA: damaged })).includes(`The file ${file} is damaged`));
    }
  });

  test('a setting that cannot be', async () => {
    assert.match(await failureOf({ PORT: 'http' }), /PORT: "http" is not a port/);
    assert.match(await failureOf({ FANLOG_DATAA: '.' }), /Did you mean FANLOG_DATA\?/);
    assert.match(await failureOf({ FANLOG_ENV: 'production' }), /FANLOG_SECRET/);
    assert.match(await failureOf({ FANLOG_APP_KEY: 'short' }), /FANLOG_APP_KEY: it has 5 bytes of the 32/);
    assert.match(await failureOf({ FANLOG_REDIS: 'r:6379' }), /FANLOG_KAFKA, FANLOG_CASSANDRA: not set/);
  });

  test('a role or an option that does not exist', async () => {
    assert.match(await failureOf({}, ['--role', 'edge']), /embedded profile runs all roles/);
    assert.match(await failureOf({}, ['--role', 'edge,egde']), /"egde" is no role. Use some of api, edge/);
    assert.match(await failureOf({}, ['--create']), /nothing to create/);
    assert.match(await failureOf({}, ['--colour']), /--colour/);
  });
});

test('--help shows every setting and starts nothing', async () => {
  const program = new Program({}, ['--help']);
  assert.equal(await program.exited, 0);
  assert.match(program.stdout, /FANLOG_FRAMES_PER_SECOND/);
  assert.equal(program.stderr, '');
});
