// Which writes go together, and when. The session is driven by hand: it answers when the test says so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BoundStatement, CassandraSession } from '../../../services/ports/store/cassandra/cassandra-session.ts';
import { statement } from '../../../services/ports/store/cassandra/statement.ts';
import { WriteQueue } from '../../../services/ports/store/cassandra/write-queue.ts';
import { ManualRuntime } from '../kernel/manual-runtime.ts';

const write = statement('INSERT INTO head (user, head, head_as_of) VALUES (?, ?, ?) USING TIMESTAMP ?');
const ROW_BYTES = 100;

interface Request {
  readonly users: readonly string[];
  answer(failure?: Error): Promise<void>;
}

class HandSession {
  readonly requests: Request[] = [];

  replicasOf() {
    return null;
  }

  run(_statement: unknown, parameters: readonly unknown[]): Promise<void> {
    return this.#request([parameters[0] as string]);
  }

  runBatch(bound: readonly BoundStatement[]): Promise<void> {
    return this.#request(bound.map(({ parameters }) => parameters[0] as string));
  }

  #request(users: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const answer = (failure?: Error) => {
        if (failure === undefined) resolve();
        else reject(failure);
        return turn();
      };
      this.requests.push({ users, answer });
    });
  }
}

/** Long enough for whatever was put off to the end of the turn. */
async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}

function queued() {
  const session = new HandSession();
  const runtime = new ManualRuntime();
  const queue = new WriteQueue(session as unknown as CassandraSession, runtime);
  const results: string[] = [];
  const call = (name: string, users: readonly string[]) => {
    const writing = queue.write((add) => {
      for (const user of users) add([user], { statement: write, parameters: [user, 1n, 1n, 1n] }, ROW_BYTES);
    });
    writing.then(
      () => results.push(name),
      (error: Error) => results.push(`${name} ${error.message}`),
    );
  };
  return { session, runtime, call, results };
}

test('calls of one turn go in one request, and each is told', async () => {
  const { session, call, results } = queued();
  call('a', ['a1', 'a2']);
  call('b', ['b1']);
  call('nothing', []);
  await turn();
  assert.deepEqual(
    session.requests.map(({ users }) => users),
    [['a1', 'a2', 'b1']],
  );
  assert.deepEqual(results, ['nothing']);
  await session.requests[0]!.answer();
  assert.deepEqual(results, ['nothing', 'a', 'b']);
});

test('what does not fill a batch waits behind four requests, and goes together then', async () => {
  const { session, call, results } = queued();
  for (const name of ['1', '2', '3', '4']) {
    call(name, [name]);
    await turn();
  }
  for (const name of ['5', '6', '7']) {
    call(name, [name]);
    await turn();
  }
  assert.equal(session.requests.length, 4);
  await session.requests[2]!.answer();
  assert.equal(session.requests.length, 5);
  assert.deepEqual(session.requests[4]!.users, ['5', '6', '7']);
  for (const request of session.requests) await request.answer();
  assert.deepEqual(results.sort(), ['1', '2', '3', '4', '5', '6', '7']);
});

test('nothing waits for long behind requests that hang', async () => {
  const { session, runtime, call } = queued();
  for (const name of ['1', '2', '3', '4', '5']) {
    call(name, [name]);
    await turn();
  }
  assert.equal(session.requests.length, 4);
  await runtime.advance(20);
  assert.deepEqual(session.requests[4]!.users, ['5']);
  call('6', ['6']);
  await turn();
  assert.equal(session.requests.length, 5);
  await runtime.advance(20);
  assert.deepEqual(session.requests[5]!.users, ['6']);
  assert.equal(runtime.timers, 0);
});

test('what fills batches does not wait', async () => {
  const { session, call } = queued();
  for (const name of ['1', '2', '3', '4']) {
    call(name, [name]);
    await turn();
  }
  call(
    'many',
    Array.from({ length: 45 }, (_, i) => `u${i}`),
  );
  await turn();
  assert.deepEqual(
    session.requests.slice(4).map(({ users }) => users.length),
    [20, 20, 5],
  );
});

test('a failure is told to the calls whose rows were in the request, when all of theirs have ended', async () => {
  const { session, call, results } = queued();
  call(
    'large',
    Array.from({ length: 21 }, (_, i) => `l${i}`),
  );
  call('small', ['s']);
  await turn();
  const [full, rest] = session.requests;
  assert.deepEqual(rest!.users, ['l20', 's']);
  await full!.answer(new Error('timed out'));
  assert.deepEqual(results, []);
  await rest!.answer();
  assert.deepEqual(results.sort(), ['large timed out', 'small']);
});

test('a call that has failed is not begun any further', async () => {
  const { session, call, results } = queued();
  call(
    'huge',
    Array.from({ length: 20 * 193 }, (_, i) => `h${i}`),
  );
  await turn();
  assert.equal(session.requests.length, 192);
  for (const request of session.requests) await request.answer(new Error('away'));
  await turn();
  assert.equal(session.requests.length, 192);
  assert.deepEqual(results, ['huge away']);
});
