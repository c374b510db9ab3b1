import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pictureOf } from '../../faults/report/picture.ts';
import { fault, result } from './results.ts';

test('the picture has a row a scenario, and a mark a fault, from its injection to its healing', () => {
  const picture = pictureOf([result({ loaded_s: 40 }), result({ name: 'redis', faults: [fault({ kind: 'other' })] })]);
  assert.match(picture, />kill-roles</);
  assert.match(picture, />redis</);
  assert.equal(picture.match(/<title>kill -9 fanout-1<\/title>/g)?.length, 3);
  // 790 px are 40 s: the first fault begins at 5 s and lasts 2 s.
  assert.match(picture, /<rect x="288.8" y="64" width="39.5"/);
});

test('a fault of no length can be seen, and none of its words is taken for markup', () => {
  const picture = pictureOf([result({ faults: [fault({ until_s: 5, label: 'a < b & "c"' })] })]);
  assert.match(picture, /width="2"/);
  assert.match(picture, /<title>a &lt; b &amp; &quot;c&quot;<\/title>/);
});

test('the highest second of a row fills it, whatever the others have', () => {
  const picture = pictureOf([result({ deliveries: [0, 50, 100] }), result({ deliveries: [0, 500, 1_000] })]);
  assert.match(picture, /up to 100\/s/);
  assert.match(picture, /up to 1,000\/s/);
});

test('a scenario that was not run has no row', () => {
  assert.doesNotMatch(pictureOf([result({ notRun: 'no' })]), />kill-roles</);
});
