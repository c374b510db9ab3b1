// Finds the test files of a stage. Node 20 has no globs.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Absolute paths of the *.test.ts files under a folder, sorted; empty when the folder does not exist. */
export function findTestFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts'))
    .sort()
    .map((path) => join(folder, path));
}
