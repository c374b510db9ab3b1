import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConversationLog } from '../../../services/web/conversation-log.ts';
import { message } from './events.ts';

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => message(from + index));
const page = (from: number, to: number) => range(from, to).reverse();
const shown = (log: ConversationLog) => log.shown.map(({ seq }) => seq);

test('an event that comes as an entry and in a page of history shows once', () => {
  const log = new ConversationLog();
  assert.equal(log.addEntry(message(3)), true);
  log.addPage(page(1, 3), undefined, 'end');
  assert.equal(log.addEntry(message(3)), false);
  assert.deepEqual(shown(log), [1, 2, 3]);
});

test('a page with the newest shows before the inbox has come that far, and what it lacks is not shown above a gap', () => {
  const log = new ConversationLog();
  log.addPage(page(51, 100), undefined, 'more');
  for (const event of range(1, 20)) log.addEntry(event);
  assert.deepEqual(
    shown(log),
    [...range(51, 100)].map(({ seq }) => seq),
  );
  assert.equal(log.olderBefore, 51);
  for (const event of range(21, 50)) log.addEntry(event);
  assert.equal(shown(log).length, 100);
  assert.equal(log.olderBefore, null);
});

test('a time in which the reader was no member is no gap', () => {
  const log = new ConversationLog();
  log.addEntry(message(5));
  log.addEntry(message(20));
  assert.deepEqual(shown(log), [5, 20]);
  log.addPage([message(2)], 5, 'end');
  assert.deepEqual(shown(log), [2, 5, 20]);
  assert.equal(log.olderBefore, null);
});

test('nothing is known before anything came, and an empty conversation has no beginning to load', () => {
  const log = new ConversationLog();
  assert.equal(log.olderBefore, undefined);
  log.addPage([], undefined, 'end');
  assert.deepEqual(shown(log), []);
  log.addEntry(message(1));
  assert.equal(log.olderBefore, null);
});

test('a page that must wait for an event says nothing about what is before it', () => {
  const log = new ConversationLog();
  log.addEntry(message(9));
  log.addPage([], 9, 'wait');
  assert.equal(log.olderBefore, 9);
});

test('what was trimmed can be loaded again, and an entry from before it does not close the gap', () => {
  const log = new ConversationLog();
  for (const event of range(1, 40)) log.addEntry(event);
  log.addPage(page(101, 150), undefined, 'more');
  log.trim(50);
  for (const event of range(41, 100)) log.addEntry(event);
  assert.deepEqual(shown(log)[0], 41);
  assert.equal(log.olderBefore, 41);
  log.addPage(page(1, 40), 41, 'end');
  assert.equal(shown(log).length, 150);
});

test('entries and pages in any mixture show every event at most once, in order and without a gap', () => {
  const steps = fc.array(
    fc.oneof(fc.constant('entry' as const), fc.constant('page' as const), fc.constant('trim' as const)),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 12 }), (list, size) => {
      const log = new ConversationLog();
      let head = 10;
      let entry = 0;
      for (const step of list) {
        if (step === 'trim') log.trim(size);
        else if (step === 'entry') {
          entry++;
          if (entry > head) head = entry;
          log.addEntry(message(entry));
        } else {
          const before = log.olderBefore;
          if (before === null) continue;
          const to = before === undefined ? head : before - 1;
          const from = Math.max(1, to - size + 1);
          log.addPage(page(from, to), before, from === 1 ? 'end' : 'more');
        }
        const seqs = shown(log);
        for (const [index, seq] of seqs.entries()) {
          if (index > 0) assert.equal(seq, seqs[index - 1]! + 1);
        }
        if (log.olderBefore === null && seqs.length > 0) assert.equal(seqs[0], 1);
        if (seqs.length > 0) assert.equal(seqs.at(-1), log.last?.seq);
      }
    }),
  );
});
