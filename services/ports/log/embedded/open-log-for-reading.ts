// Opens the log of a data folder that another process may own and write at this moment: lmdb's readers take no lock that a
// writer waits for. Nothing is written, and the folder is not taken over.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { Table } from './open-environment.ts';

/** null: the folder holds no log. @throws what lmdb says; ask damagedLmdbFile before */
export function openLogForReading(folder: string): Table | null {
  const path = join(folder, 'log');
  if (!existsSync(join(path, 'data.mdb'))) return null;
  return open({
    path,
    noSubdir: false,
    readOnly: true,
    encoding: 'binary',
    keyEncoding: 'binary',
    cache: false,
  });
}
