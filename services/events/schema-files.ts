// The released schemas, from schemas/ at the root of the project: the files are the contract, so they are read, not copied.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TopicName } from './topics.ts';

export interface SchemaFile {
  /** Stands in every record's framing; never used again for another schema. */
  readonly id: number;
  readonly name: string;
  readonly topic: TopicName;
  readonly version: number;
  /** SHA-256 of the parsing canonical form: a released schema is never edited. */
  readonly fingerprint: string;
  readonly text: string;
}

type Ids = Record<string, { name: string; topic: TopicName; version: number; file: string; fingerprint: string }>;

/** Sources run from services/, bundles from dist/: the folder is found by looking upwards from either. */
export function schemasFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'schemas');
    if (existsSync(join(candidate, 'ids.json'))) return candidate;
    const parent = dirname(folder);
    if (parent === folder) throw new Error('schemas/ids.json is missing: run fanlog from its own folder');
    folder = parent;
  }
}

/** Every released schema, old versions included, by ascending id. */
export function readSchemaFiles(folder: string = schemasFolder()): readonly SchemaFile[] {
  const ids = JSON.parse(readFileSync(join(folder, 'ids.json'), 'utf8')) as Ids;
  return Object.entries(ids)
    .map(([id, { file, ...entry }]) => ({ id: Number(id), ...entry, text: readFileSync(join(folder, file), 'utf8') }))
    .sort((a, b) => a.id - b.id);
}
