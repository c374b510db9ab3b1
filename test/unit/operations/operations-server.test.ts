import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLogger } from '../../../services/kernel/logger.ts';
import { type Collector, gauge } from '../../../services/operations/exposition.ts';
import { type OperationsServer, startOperations } from '../../../services/operations/operations-server.ts';
import { startProcessMetrics } from '../../../services/operations/process-metrics.ts';
import { Readiness } from '../../../services/operations/readiness.ts';

const collectors: Collector[] = [];
const lines: string[] = [];
const readiness = new Readiness(['edge', 'fanout']);
let server: OperationsServer;
before(async () => {
  const logger = createLogger(
    'debug',
    () => 0,
    (line) => lines.push(line),
  );
  server = await startOperations({ port: 0, logger, collectors, report: () => readiness.report() });
});
after(() => server.close());

const ask = (path: string, method = 'GET') => fetch(`http://127.0.0.1:${server.port}${path}`, { method });

describe('the operations port', () => {
  test('says that the process lives, whatever else', async () => {
    const response = await ask('/livez');
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { status: 'live' });
  });

  test('is not ready while roles start, and says which and why; then it is; not while it drains', async () => {
    let response = await ask('/readyz');
    assert.equal(response.status, 503);
    assert.deepEqual(await response.json(), {
      status: 'not_ready',
      roles: { edge: { ready: false, why: 'it is starting' }, fanout: { ready: false, why: 'it is starting' } },
    });
    let why: string | null = 'no canary back on messages/3 for 42 s';
    readiness.started('edge', () => null);
    readiness.started(
      'fanout',
      () => null,
      () => why,
    );
    response = await ask('/readyz');
    assert.deepEqual(await response.json(), {
      status: 'not_ready',
      roles: { edge: { ready: true }, fanout: { ready: false, why } },
    });
    why = null;
    response = await ask('/readyz');
    assert.equal(response.status, 200);
    assert.equal(((await response.json()) as { status: string }).status, 'ready');
    readiness.drain();
    response = await ask('/readyz');
    assert.equal(response.status, 503);
    assert.deepEqual(await response.json(), {
      status: 'draining',
      roles: { edge: { ready: false, why: 'it is draining' }, fanout: { ready: false, why: 'it is draining' } },
    });
  });

  test('shows what was collected, and what is collected later', async () => {
    collectors.push(() => [gauge('first', 'One.', [{ value: 1 }])]);
    let response = await ask('/metrics?x=1');
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.match(await response.text(), /^first 1$/m);
    collectors.push(async () => [gauge('second', 'Two.', [{ value: 2 }])]);
    response = await ask('/metrics');
    const text = await response.text();
    assert.match(text, /^first 1$/m);
    assert.match(text, /^second 2$/m);
  });

  test('answers other paths and methods clearly', async () => {
    const unknown = await ask('/v1/time');
    assert.equal(unknown.status, 404);
    assert.deepEqual(((await unknown.json()) as { paths: string[] }).paths, ['/livez', '/readyz', '/metrics']);
    const post = await ask('/metrics', 'POST');
    assert.equal(post.status, 405);
    assert.equal(post.headers.get('allow'), 'GET, HEAD');
    const head = await ask('/livez', 'HEAD');
    assert.deepEqual([head.status, await head.text()], [200, '']);
  });

  test('answers 500 when something cannot be collected, and logs why', async () => {
    collectors.push(() => Promise.reject(new Error('by the test')));
    const response = await ask('/metrics');
    assert.equal(response.status, 500);
    assert.doesNotMatch(await response.text(), /by the test/);
    assert.match(lines.join(''), /by the test/);
    collectors.pop();
  });

  test('refuses a port that is taken with the error of the system', async () => {
    const logger = createLogger('silent', () => 0);
    const options = { port: server.port, logger, collectors, report: () => readiness.report() };
    await assert.rejects(startOperations(options), { code: 'EADDRINUSE' });
  });
});

test('the process tells its CPU time, memory, event loop and garbage collections', async () => {
  const own = startProcessMetrics(1_800_000_000_000);
  const names = (await own.collect()).map(({ name }) => name);
  own.stop();
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_gc_duration_seconds'])
    assert.ok(names.includes(name), name);
});
