// The secret that signs sessions when none is set: random, made once, kept in the data folder, so that a restart keeps
// everyone signed in and a new folder starts afresh.
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Runtime } from '../kernel/runtime.ts';

const FILE = 'fanlog.secret';
const BYTES = 32;

/** Call it as the owner of `folder`. */
export function keptSecret(folder: string, runtime: Runtime): string {
  const file = join(folder, FILE);
  if (existsSync(file)) {
    const kept = readFileSync(file, 'utf8').trim();
    if (kept.length >= BYTES) return kept;
  }
  const secret = Buffer.from(runtime.randomBytes(BYTES)).toString('base64url');
  const draft = `${file}.new`;
  writeFileSync(draft, `${secret}\n`, { mode: 0o600 });
  chmodSync(draft, 0o600); // a draft left by a crash keeps its old mode otherwise
  renameSync(draft, file);
  return secret;
}
