// Whether the files that lmdb left in a data folder begin as lmdb's do. It must be asked before lmdb opens them: given a
// file of something else, the library does not refuse it but crashes the process (SIGSEGV), without a word.
//
//   page 0   24 bytes of page header │ magic │ version │ … │ page size at 48 │ …
//   page 1   the same
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const FILE = 'data.mdb';
const MAGIC = 0xbeefc0de;
const MAGIC_AT = 24;
const PAGE_SIZE_AT = 48;
const META_BYTES = 64;
/** lmdb itself takes no others. */
const PAGE_SIZE_MIN = 256;
const PAGE_SIZE_MAX = 64 * 1024;

/** The path of a file that cannot be lmdb's, inside a folder of `folder`; null when all are, or none is there yet. */
export function damagedLmdbFile(folder: string): string | null {
  for (const name of readdirSync(folder)) {
    const file = damagedFileOf(join(folder, name));
    if (file !== null) return file;
  }
  return null;
}

/** The same for the one environment in `folder`. */
export function damagedFileOf(folder: string): string | null {
  const file = join(folder, FILE);
  return existsSync(file) && !beginsLikeLmdb(file) ? file : null;
}

function beginsLikeLmdb(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).size === 0) return true; // made, then a crash: lmdb begins anew
    const first = readMeta(file, 0);
    const pageSize = first?.readUInt32LE(PAGE_SIZE_AT) ?? 0;
    if (pageSize < PAGE_SIZE_MIN || pageSize > PAGE_SIZE_MAX) return false;
    return readMeta(file, pageSize) !== null;
  } finally {
    closeSync(file);
  }
}

/** The beginning of the page at `position`; null when it is none of lmdb's. */
function readMeta(file: number, position: number): Buffer | null {
  const bytes = Buffer.alloc(META_BYTES);
  const length = readSync(file, bytes, 0, META_BYTES, position);
  return length === META_BYTES && bytes.readUInt32LE(MAGIC_AT) === MAGIC ? bytes : null;
}
