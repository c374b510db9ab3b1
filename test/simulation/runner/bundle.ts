// The simulation and everything it runs as one file, with or without a mutant: a bundle runs faster than sources, and a
// mutant is a change of the sources as they are loaded, never a switch in them.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

export interface Patch {
  /** From the root of the project. */
  readonly file: string;
  /** Stands in the file exactly once: a mutant that no longer fits must not pass for one that was caught. */
  readonly find: string;
  readonly replace: string;
}

/** Sources and bundles both lie under the folder with the manifest. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('package.json is missing: run fanlog from its own folder');
    folder = parent;
  }
  return folder;
}

/** Returns the path of the bundled worker. */
export async function bundleSimulation(patches: readonly Patch[] = []): Promise<string> {
  const root = projectRoot();
  const result = await build({
    absWorkingDir: root,
    entryPoints: ['test/simulation/runner/worker.ts'],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    sourcemap: patches.length === 0 ? 'inline' : false,
    logLevel: 'error',
    plugins: patches.length === 0 ? [] : [patching(root, patches)],
  });
  const contents = result.outputFiles[0]!.contents;
  const name = createHash('sha256').update(contents).digest('hex').slice(0, 16);
  const path = join(root, 'dist', 'simulation', `${name}.mjs`);
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
  return path;
}

/** Changes the sources as they are loaded. Building fails where one of them no longer fits. */
export function patching(root: string, patches: readonly Patch[]): Plugin {
  const byFile = new Map<string, Patch[]>();
  for (const patch of patches) {
    const path = join(root, patch.file);
    byFile.set(path, [...(byFile.get(path) ?? []), patch]);
  }
  return {
    name: 'mutant',
    setup(builder) {
      builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const mine = byFile.get(path);
        return mine === undefined
          ? undefined
          : { contents: applyPatches(readFileSync(path, 'utf8'), mine), loader: 'ts' };
      });
    },
  };
}

export function applyPatches(source: string, patches: readonly Patch[]): string {
  let text = source;
  for (const { file, find, replace } of patches) {
    const parts = text.split(find);
    if (parts.length !== 2) throw new Error(`in ${file} this stands ${parts.length - 1} times, not once: ${find}`);
    text = parts.join(replace);
  }
  return text;
}
