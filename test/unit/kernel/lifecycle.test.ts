import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import { type EndStep, endOnSignals } from '../../../services/kernel/lifecycle.ts';
import { createLogger } from '../../../services/kernel/logger.ts';
import { ManualRuntime, settle } from './manual-runtime.ts';

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

function setUp(steps: readonly EndStep[]) {
  const process = new FakeProcess();
  const runtime = new ManualRuntime();
  const lines: string[] = [];
  const logger = createLogger(
    'info',
    () => runtime.now(),
    (line) => lines.push(line),
  );
  endOnSignals({ process, runtime, logger, drain_ms: 20_000, steps });
  return { process, runtime, lines };
}

const never = () => new Promise<void>(() => {});

describe('a process', () => {
  test('told to end takes its steps in order, then exits with 0', async () => {
    const order: string[] = [];
    const step = (name: string) => ({ name, run: async () => void order.push(name) });
    const { process, runtime } = setUp([step('drain'), step('stop')]);
    process.emit('SIGTERM');
    await settle();
    assert.deepEqual(order, ['drain', 'stop']);
    assert.deepEqual(process.exits, [0]);
    assert.equal(runtime.timers, 0);
  });

  test('goes on with the next step when one fails, and exits with 1', async () => {
    let stopped = false;
    const fail = async () => {
      throw new Error('no');
    };
    const { process, lines } = setUp([
      { name: 'drain', run: fail },
      {
        name: 'stop',
        run: async () => {
          stopped = true;
        },
      },
    ]);
    process.emit('SIGINT');
    await settle();
    assert.ok(stopped);
    assert.deepEqual(process.exits, [1]);
    assert.ok(lines.some((line) => line.includes('"step":"drain"')));
  });

  test('that drains for too long exits with 1', async () => {
    const { process, runtime } = setUp([{ name: 'drain', run: never }]);
    process.emit('SIGTERM');
    await runtime.advance(19_999);
    assert.deepEqual(process.exits, []);
    await runtime.advance(1);
    assert.deepEqual(process.exits, [1]);
  });

  test('told a second time exits at once', async () => {
    const { process } = setUp([{ name: 'drain', run: never }]);
    process.emit('SIGTERM');
    process.emit('SIGINT');
    assert.deepEqual(process.exits, [1]);
  });

  test('with an exception that nobody caught logs one line and exits with 1', () => {
    for (const event of ['uncaughtException', 'unhandledRejection']) {
      const { process, lines } = setUp([]);
      process.emit(event, new Error('a bug'));
      assert.deepEqual(process.exits, [1]);
      assert.equal(lines.length, 1);
      assert.equal(lines[0]!.trimEnd().split('\n').length, 1);
      assert.match(lines[0]!, /a bug/);
    }
  });
});
