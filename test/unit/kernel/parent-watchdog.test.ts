import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { endWithParent } from '../../../services/kernel/parent-watchdog.ts';

test('a server ends once when the pipe from its parent is closed, whatever came through it before', async () => {
  const pipe = new PassThrough();
  let ended = 0;
  endWithParent(pipe, () => ended++);
  pipe.write('noise');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ended, 0);
  pipe.end();
  await new Promise((resolve) => pipe.once('close', resolve));
  assert.equal(ended, 1);
});
