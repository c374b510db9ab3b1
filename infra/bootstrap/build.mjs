// Bundles the sources into dist/: a role starts from a bundle in about half the time and memory it needs under tsx.
// Silent when all is well. Entry points that do not exist are left out.
//
//   services/main.ts, services/commands/*.ts   -> dist/main.js, dist/commands/*.js   (Node; packages stay external)
//   bench/main.ts                              -> dist/bench/main.js
//   services/client/node.ts                    -> dist/client/node.js                (the SDK in Node: `fanlog/client`)
//   services/web/app.ts                        -> dist/web/app.js                    (browser; everything inside)
//   services/client/browser.ts                 -> dist/web/sdk.js                    (the SDK, served at /sdk.js)
//   services/web/*.{html,css,svg,png,ico}      -> dist/web/
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const outdir = join(root, 'dist');
const STATIC_EXTENSIONS = new Set(['.html', '.css', '.svg', '.png', '.ico']);

/** Brings dist/ up to date with the sources. Rejects with esbuild's errors, which it has then printed on stderr. */
export async function build() {
  const results = await Promise.all([bundleForNode(), bundleForBrowser()]);
  for (const { path, contents } of [...results.flat(), ...staticFiles()]) writeIfChanged(path, contents);
}

const shared = { absWorkingDir: root, bundle: true, format: 'esm', sourcemap: true, write: false, logLevel: 'error' };

async function bundleForNode() {
  const entryPoints = {};
  if (existsSync(join(root, 'services/main.ts'))) entryPoints.main = 'services/main.ts';
  if (existsSync(join(root, 'bench/main.ts'))) entryPoints['bench/main'] = 'bench/main.ts';
  if (existsSync(join(root, 'services/client/node.ts'))) entryPoints['client/node'] = 'services/client/node.ts';
  for (const file of filesOf('services/commands')) {
    if (!file.endsWith('.ts') || file.endsWith('.d.ts') || file.endsWith('.test.ts')) continue;
    entryPoints[`commands/${parse(file).name}`] = `services/commands/${file}`;
  }
  if (Object.keys(entryPoints).length === 0) return [];
  const { outputFiles } = await bundle({
    ...shared,
    entryPoints,
    outdir,
    platform: 'node',
    target: 'node20',
    packages: 'external',
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
  });
  return outputFiles;
}

async function bundleForBrowser() {
  if (!existsSync(join(root, 'services/web/app.ts'))) return [];
  const { outputFiles } = await bundle({
    ...shared,
    entryPoints: { 'web/app': 'services/web/app.ts', 'web/sdk': 'services/client/browser.ts' },
    outdir,
    platform: 'browser',
    target: 'es2022',
  });
  return outputFiles;
}

function staticFiles() {
  return filesOf('services/web')
    .filter((file) => STATIC_EXTENSIONS.has(extname(file)))
    .map((file) => ({ path: join(outdir, 'web', file), contents: readFileSync(join(root, 'services/web', file)) }));
}

function filesOf(folder) {
  const path = join(root, folder);
  return existsSync(path) ? readdirSync(path) : [];
}

// A process that starts while another one builds must never read half a file: rename is atomic. Old chunks are kept,
// because a process that is running may still load them.
function writeIfChanged(path, contents) {
  if (existsSync(path) && readFileSync(path).equals(contents)) return;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  build().catch((error) => {
    if (error.errors === undefined) console.error(error); // esbuild has printed its own
    process.exitCode = 1;
  });
}
