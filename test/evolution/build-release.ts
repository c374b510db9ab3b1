// Builds another release from today's sources: a folder outside the project that looks like one to what runs from it.
//
//   <folder>/package.json
//   <folder>/schemas/*.avsc, ids.json    today's, and the next versions
//   <folder>/dist/main.js, codec.js, …   bundled from sources that are edited as they are loaded
//   <folder>/dist/web, node_modules      the project's
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { SchemaFile } from '../../services/events/schema-files.ts';
import { type Patch, patching, projectRoot } from '../simulation/runner/bundle.ts';

export interface ReleaseEdits {
  /** Each must fit exactly once: sources that have moved on fail the build, not the test's meaning. */
  readonly patches: readonly Patch[];
  /** All of them, today's too. */
  readonly schemas: readonly SchemaFile[];
}

export interface Release {
  /** For infra/local/cluster. */
  readonly mainFile: string;
  /** services/events/codec.ts of the release, to be imported. */
  readonly codecFile: string;
  /** Its `npm run replay`. */
  readonly replayFile: string;
}

/** `folder` is made. Rejects with esbuild's errors, and when a patch does not fit. */
export async function buildRelease(folder: string, { patches, schemas }: ReleaseEdits): Promise<Release> {
  const root = projectRoot();
  const dist = join(folder, 'dist');
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  writeSchemas(join(folder, 'schemas'), schemas);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  symlinkSync(join(root, 'dist', 'web'), join(dist, 'web'));
  await build({
    absWorkingDir: root,
    entryPoints: {
      main: 'services/main.ts',
      codec: 'services/events/codec.ts',
      replay: 'services/commands/replay.ts',
    },
    outdir: dist,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'silent', // the error says it
    plugins: [patching(root, patches)],
  });
  const built = (name: string) => join(dist, `${name}.js`);
  return { mainFile: built('main'), codecFile: built('codec'), replayFile: built('replay') };
}

function writeSchemas(folder: string, schemas: readonly SchemaFile[]): void {
  mkdirSync(folder);
  const entries = schemas.map(({ id, text, ...entry }) => {
    const file = `${entry.name}.v${entry.version}.avsc`;
    writeFileSync(join(folder, file), text);
    return [id, { ...entry, file }] as const;
  });
  writeFileSync(join(folder, 'ids.json'), `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
}
