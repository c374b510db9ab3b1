// A generation that cannot be written stays the next one to be written, whatever comes after it.
import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { systemRuntime } from '../../../services/kernel/system-runtime.ts';
import { type Generation, WriteBehind } from '../../../services/ports/store/embedded/write-behind.ts';
import { StoreError } from '../../../services/ports/store/state-store.ts';

/** So many rows are written at once. */
const MANY = 50_000;

let leaves: number;
let written: number[];
let broken: boolean;
let attempts: number;
let behind: WriteBehind;

function generation(number: number): Generation {
  return {
    steps: [1][Symbol.iterator](),
    async committed() {
      attempts++;
      if (broken) throw new Error('no space');
    },
    arrived: () => written.push(number),
  };
}

async function untilAttempt(number: number): Promise<void> {
  while (attempts < number) await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  leaves = 0;
  attempts = 0;
  written = [];
  broken = true;
  behind = new WriteBehind(
    systemRuntime,
    () => generation(++leaves),
    () => generation(leaves),
  );
});

describe('a generation that failed', () => {
  test('is not left behind by close: nothing later is written', async () => {
    await behind.added(MANY);
    await untilAttempt(1);
    await behind.added(1);
    await assert.rejects(behind.close(), StoreError);
    assert.deepEqual({ leaves, written }, { leaves: 1, written: [] });
    await assert.rejects(behind.flush(), StoreError);
    assert.deepEqual({ leaves, written }, { leaves: 1, written: [] });
  });

  test('is written first by close, if it can be by now', async () => {
    await behind.added(MANY);
    await untilAttempt(1);
    await behind.added(1);
    broken = false;
    await behind.close();
    assert.deepEqual(written, [1, 2]);
  });

  test('fails a flush at once, and is tried again until it is written', async () => {
    await behind.added(1);
    await assert.rejects(behind.flush(), StoreError);
    await assert.rejects(behind.flush(), StoreError);
    await behind.added(1);
    broken = false;
    await untilAttempt(2);
    await behind.close();
    assert.deepEqual(written, [1, 2]);
  });

  test('fails those who wait for room', async () => {
    await behind.added(1);
    const flushed = assert.rejects(behind.flush(), StoreError);
    await assert.rejects(behind.added(4 * MANY), StoreError);
    await flushed;
    await assert.rejects(behind.close(), StoreError);
  });
});
