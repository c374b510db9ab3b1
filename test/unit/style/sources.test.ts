// The rules of style that a reader of one file cannot see: who may import whom, and who may touch the clock.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '../../..');

function sourcesUnder(folder: string): { path: string; text: string }[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: `${folder}/${name}`, text: readFileSync(join(root, folder, name), 'utf8') }));
}

/** Without comments, so that a sentence about the clock is not a use of it. */
function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}

const services = sourcesUnder('services');

test('time, timers and chance come in as arguments everywhere but in the runtimes and the commands', () => {
  const allowed = /^services\/(kernel\/system-runtime|client\/browser-runtime)\.ts$|^services\/(commands|web)\//;
  const forbidden = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bsetTimeout\(|\bsetInterval\(|\bperformance\.now\b/;
  for (const { path, text } of services) {
    if (allowed.test(path)) continue;
    const found = forbidden.exec(codeOf(text));
    assert.equal(found, null, `${path} uses ${found?.[0]}`);
  }
});

/** What each stage may import besides itself: the kernel, the words of the log, and the ports. Never another stage. */
const stages = ['edge', 'fanout', 'inbox', 'api', 'client', 'web'];
const mayImport: Record<string, readonly string[]> = {
  kernel: [],
  events: ['kernel'],
  protocol: ['kernel', 'events'],
  ports: ['kernel', 'events'],
  reading: ['kernel', 'events', 'ports', 'protocol'],
  fanout: ['kernel', 'events', 'ports'],
  inbox: ['kernel', 'events', 'ports'],
  edge: ['kernel', 'events', 'ports', 'protocol', 'reading'],
  api: ['kernel', 'events', 'ports', 'protocol', 'reading'],
  operations: ['kernel', 'events', 'ports'],
  client: ['kernel', 'events', 'protocol'],
  web: ['kernel', 'events', 'protocol', 'client'],
};

test('imports go down the pipe or into the kernel, never into another stage', () => {
  for (const { path, text } of services) {
    const folder = path.split('/')[1]!;
    const allowed = mayImport[folder];
    if (allowed === undefined) continue;
    for (const [, target] of text.matchAll(/from '(\.[^']+)'/g)) {
      const imported = relative(root, resolve(root, dirname(path), target!)).split('/')[1]!;
      assert.ok(imported === folder || allowed.includes(imported), `${path} imports services/${imported}`);
    }
  }
});

test('every stage and every port has a page of at most 20 lines of text that says what it promises', () => {
  for (const folder of [
    ...[...stages.slice(0, 4), 'operations'].map((stage) => `services/${stage}`),
    ...['log', 'store', 'sessions', 'delivery'].map((port) => `services/ports/${port}`),
  ]) {
    const page = readFileSync(join(root, folder, 'README.md'), 'utf8');
    const lines = page.split('\n').filter((line) => line.trim() !== '').length;
    assert.ok(lines <= 24, `${folder}/README.md has ${lines} lines`);
  }
});

test('nothing is called manager, helper or util', () => {
  for (const { path } of services) assert.doesNotMatch(path, /(manager|helper|utils?)\b/i);
});
