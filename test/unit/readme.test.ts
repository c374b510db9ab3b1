// A README claim is a promise: what can be checked without running anything is checked here.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

test('every file and folder that the README names exists', () => {
  const named = readme.match(/\b(?:services|schemas|infra|test|bench)\/[\w./-]*[\w/]/g) ?? [];
  assert.ok(named.length > 5);
  for (const path of named) assert.ok(existsSync(join(root, path)), path);
});

test('every npm script that the README names exists', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [, name] of readme.matchAll(/npm (?:run )?(?:-s )?([a-z]+)/g))
    assert.ok(name! in scripts || name === 'run', name);
});
