// What a fresh clone relies on before anything is installed.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  license: string;
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

function importsOf(source: string): string[] {
  return [...source.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map(([, specifier]) => specifier!);
}

test('the installer imports nothing that has to be installed', () => {
  const imports = importsOf(read('infra/bootstrap/install.mjs'));
  assert.ok(imports.length > 0);
  assert.deepEqual(
    imports.filter((specifier) => !specifier.startsWith('node:')),
    [],
  );
});

test('prepare loads the build, which needs esbuild, only after the installer ran', () => {
  const source = read('infra/bootstrap/prepare.mjs');
  assert.deepEqual(importsOf(source), ['./install.mjs', './build.mjs']);
  assert.ok(source.indexOf("await import('./build.mjs')") > source.indexOf('install();'));
});

test('every script that runs the project prepares it first and leaves its signals to node', () => {
  for (const name of ['start', 'import', 'simulate', 'faults', 'bench', 'cluster', 'servers', 'test']) {
    assert.equal(manifest.scripts[`pre${name}`], 'node infra/bootstrap/prepare.mjs', `pre${name}`);
    assert.match(manifest.scripts[name] ?? '', /^exec node /, name);
  }
});

test('every dependency is pinned to one version', () => {
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    assert.match(version, /^(npm:[\w@/.-]+@)?\d+\.\d+\.\d+(-r\.\d+)?$/, name);
  }
});

test('the lock file names no registry', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved"/);
});

test('the licence of the manifest is the one in LICENSE', () => {
  assert.equal(manifest.license, 'Apache-2.0');
  assert.match(read('LICENSE'), /Apache License\s+Version 2\.0, January 2004/);
});

test('the check that CI runs is executable', () => {
  assert.ok(existsSync(new URL('.ci/run', root)));
  assert.ok((statSync(new URL('.ci/run', root)).mode & 0o111) !== 0);
});

test('every test file lies in the folder of a stage, or it would never run', () => {
  const stages = ['unit', 'contract', 'simulation', 'integration', 'cluster', 'browser'];
  const strays = readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .filter((path) => !stages.includes(path.split(/[\\/]/)[0]!));
  assert.deepEqual(strays, []);
});
