import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../../services/kernel/logger.ts';
import { withSeldomWarnings } from '../../../services/kernel/seldom-warnings.ts';

function newLog() {
  const lines: Record<string, unknown>[] = [];
  const clock = { now: 0 };
  const logger = createLogger(
    'info',
    () => 0,
    (line) => lines.push(JSON.parse(line)),
  );
  return { lines, clock, logger: withSeldomWarnings(logger, () => clock.now) };
}

test('a warning again within a second is left out, and the next one says how many were', () => {
  const { lines, clock, logger } = newLog();
  for (let partition = 0; partition < 16; partition++) logger.warn('a write is repeated', { partition });
  clock.now = 1_000;
  logger.warn('a write is repeated', { partition: 16 });
  clock.now = 2_000;
  logger.warn('a write is repeated', { partition: 17 });
  assert.deepEqual(
    lines.map(({ partition, left_out }) => ({ partition, left_out })),
    [
      { partition: 0, left_out: undefined },
      { partition: 16, left_out: 15 },
      { partition: 17, left_out: undefined },
    ],
  );
});

test('other messages, and errors, are not left out', () => {
  const { lines, logger } = newLog();
  logger.warn('one');
  logger.warn('another');
  for (const partition of [1, 2]) logger.error('a partition is stopped', { partition });
  logger.info('well');
  logger.info('well');
  assert.equal(lines.length, 6);
});
